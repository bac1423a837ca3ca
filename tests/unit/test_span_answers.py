"""What `/predict` answers about texts of a project of spans: guesses, copies, other places, reasons."""

from __future__ import annotations

import pytest

from backend.jobs import taught
from backend.web.app import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.span_scenes import PEOPLE, PLACES, asked, mark, span, span_project, text_of, word_and_label


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return span_project(loop)


def test_an_unseen_text_is_marked_and_a_copy_gets_what_was_given(loop: Loop, project: FakeProject) -> None:
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    new, copy = f"yesterday {PEOPLE[0]} was in {PLACES[1]} again", text_of(0)
    marked, same = asked(project, new, copy)
    assert word_and_label(new, marked["result"][0]) == (PEOPLE[0], "PER")
    assert [word_and_label(copy, each) for each in same["result"]] == [(PEOPLE[0], "PER"), (PLACES[0], "LOC")]
    assert [each["score"] for each in same["result"]] == [1.0, 1.0]
    assert 0 < marked["score"] < same["score"] < 1  # the copy stands behind


def test_an_answer_too_long_to_keep_leaves_a_copy_to_the_model(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taught, "KEPT_CHARACTERS", 10)
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    (found,) = asked(project, text_of(0))
    assert (PEOPLE[0], "PER") in [word_and_label(text_of(0), each) for each in found["result"]]
    assert all(each["score"] < 1 for each in found["result"])


def test_what_stands_elsewhere_too_is_put_beside_a_span_under_the_hand_and_nothing_else(
    loop: Loop, project: FakeProject
) -> None:
    """Label Studio takes all that is answered into the annotation."""
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    told = text_of(30)
    long = f"{told}; the trains. Each train, the train"
    body = {"tasks": [{"id": 1, "data": {"text": told}}], "project": f"{project.id}.1"}
    body["label_config"] = project.settings["label_config"]
    client = create_app().test_client()
    drawn = {"context": {"result": [span(told, "train", "LOC")]}}
    assert client.post("/predict", json={**body, "params": drawn}).get_json() == {"results": []}
    marked = span(long, "the train", "PER")
    marked["value"] |= {"start": len(long) - 9, "end": len(long)}
    body["tasks"] = [{"id": 1, "data": {"text": long}, "drafts": [{"result": [marked]}]}]
    (answer,) = client.post("/predict", json={**body, "params": drawn}).get_json()["results"]
    assert [word_and_label(long, each) for each in answer["result"]] == [("train", "LOC")]
    assert answer["result"][0]["value"]["start"] == long.index("Each train") + 5
    for other in (None, {"context": None}, {"context": {"result": [{"from_name": "x"}, None]}}, "odd"):
        assert client.post("/predict", json={**body, "params": other}).get_json()["results"][0]["result"]


def test_a_text_that_differs_by_a_letter_is_no_copy(loop: Loop, project: FakeProject) -> None:
    """Its spans lie elsewhere."""
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    shifted = f"  {text_of(0)}"
    (found,) = asked(project, shifted)
    assert (PEOPLE[0], "PER") in [word_and_label(shifted, each) for each in found["result"]]


def test_why_a_task_is_served_ismarked(loop: Loop, project: FakeProject) -> None:
    mark(loop, project, list(project.tasks)[:20])
    loop.set(strategy="transfer_uncertainty")
    loop.retrain(project)
    (found,) = asked(project, f"yesterday {PEOPLE[3]} was in {PLACES[2]}")
    assert found["why"]["doubt"] is not None
    assert 0 <= found["why"]["doubt"] <= 1
