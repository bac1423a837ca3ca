"""What a version keeps for its page: how well each class is learned, and what is taken for what."""

from __future__ import annotations

import json

from backend.controls.config import parse_label_config
from backend.controls.votes import Vote, votes_of
from backend.jobs.figures import classes_of_items, classes_of_parts, confused
from backend.jobs.learners.base import HeldOut
from backend.jobs.people import people_told
from backend.jobs.studying import study
from backend.store.figures import read_figures
from backend.store.locations import project_files
from backend.store.study import read_study
from tests.fakes.loop import Loop
from tests.unit.test_web import CONFIG

SPANS = (
    '<View><Text name="text" value="$text"/>'
    '<Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels></View>'
)


def test_classes_are_measured_one_by_one() -> None:
    said, given = [["a"], ["a"], ["b"], ["c"]], [["a"], ["b"], ["b"], ["b"]]
    found = {each["name"]: each for each in classes_of_items(said, given)}
    assert list(found) == ["b", "a", "c"]  # by support
    assert found["b"] == {"name": "b", "support": 3, "precision": 1, "recall": 0.3333, "f1": 0.5, "right": 1}
    assert (found["c"]["precision"], found["c"]["recall"]) == (0, None)


def test_what_is_taken_for_what_names_its_tasks() -> None:
    found = confused([1, 2, 3, 4], ["a", "a", "a", "b"], ["b", "b", "a", "a"])
    assert found[0] == {"given": "b", "said": "a", "count": 2, "tasks": [1, 2]}
    assert [(each["given"], each["said"]) for each in found] == [("b", "a"), ("a", "b")]


def test_spans_are_measured_by_type() -> None:
    control = parse_label_config(SPANS).main
    given = [json.dumps([[0, 3, "PER"], [5, 9, "LOC"]]), json.dumps([[1, 2, "PER"]])]
    said = [json.dumps([[0, 3, "PER"], [5, 8, "LOC"]]), json.dumps([[1, 2, "PER"]])]
    found = {each["name"]: each for each in classes_of_parts(control, HeldOut([1, 2], said, given))}
    assert (found["PER"]["support"], found["PER"]["f1"]) == (2, 1)
    assert (found["LOC"]["support"], found["LOC"]["f1"]) == (1, 0)


def test_a_vote_has_its_day_and_one_without_a_date_none() -> None:
    control = parse_label_config(CONFIG).main
    told = {"result": [{"from_name": "label", "to_name": "text", "type": "choices"}], "completed_by": 3}
    told["result"][0]["value"] = {"choices": ["a"]}  # type: ignore[index]
    for stamp, day in (("2026-11-27T10:00:00Z", "2026-11-27"), (None, ""), ("<b>", ""), (7, "")):
        (vote,) = votes_of([{**told, "created_at": stamp}], control)
        assert vote == Vote("3", "a", False, day)


def test_people_are_counted_by_day_and_compared() -> None:
    control = parse_label_config(CONFIG).main
    votes = {
        1: [Vote("7", "a", day="2026-11-26"), Vote("9", "b", day="2026-11-27")],
        2: [Vote("7", "a", day="2026-11-27"), Vote("9", "a", day="2026-11-27")],
        3: [Vote("7", "b")],
    }
    found = people_told(control, votes, {1: "a text"})
    assert found["annotators"][0] == {
        "who": "7",
        "tasks": 3,
        "days": {"": 1, "2026-11-26": 1, "2026-11-27": 1},
        "shared": 2,
        "agreement": 0.5,
    }
    assert found["pairs"] == [{"one": "7", "other": "9", "shared": 2, "agreement": 0.5}]
    (disputed,) = found["disputed"]
    assert (disputed["task"], disputed["text"], disputed["agreement"]) == (1, "a text", 0)
    assert disputed["votes"] == [{"who": "7", "said": "a"}, {"who": "9", "said": "b"}]


def test_a_retrain_keeps_figures_with_its_version_and_a_study_is_kept_apart(loop: Loop) -> None:
    project = loop.create(40, labeled=20)
    version = loop.retrain(project)["model_version"]
    files = project_files(loop.settings, project.id)
    figures = read_figures(files, version)
    assert figures is not None
    (control,) = figures["controls"]
    assert sum(each["support"] for each in control["classes"]) == control["judged"] == 20
    wrong = sum(each["count"] for each in control["confused"])
    assert wrong + sum(each["right"] for each in control["classes"]) == 20
    assert study(project.id) == {"labels": 20}
    found = read_study(files)
    assert found["judged"] == 20
    assert found["people"]["annotators"][0]["tasks"] == 20


def test_of_a_version_that_was_not_trained_there_are_no_figures(loop: Loop) -> None:
    project = loop.create(12)
    version = loop.retrain(project)["model_version"]
    assert read_figures(project_files(loop.settings, project.id), version) is None
    assert study(project.id) == {"labels": 0}
    assert "refused" in read_study(project_files(loop.settings, project.id))
