"""A project whose tasks carry another model's predictions: the order becomes ours, what is shown stays theirs
until there is a model of ours."""

from __future__ import annotations

from typing import Any

import pytest

from backend.connecting import connect
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.examine import all_is_well
from backend.doctor.finding import Finding, State, ok
from backend.labelstudio.suggestions import said_of
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


def predict(loop: Loop, project: FakeProject, version: str, label: str, **changes: Any) -> None:
    for task in project.tasks:
        item = {"task": task, "result": [choice(label)], "score": 0.5, "model_version": version}
        loop.fake.save_prediction(project.id, {**item, **changes})


def shown(loop: Loop, project: FakeProject) -> list[list[str]]:
    """What an annotator finds ticked, task by task in the order of the queue."""
    current = project.settings["model_version"]
    found = {
        each["task"]: [label for region in each["result"] for label in region["value"]["choices"]]
        for each in project.predictions
        if each["model_version"] == current
    }
    return [found[task] for task in loop.queue(project)]


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """It follows another model, which says "other" of everything; an older one said "disaster"."""
    project = loop.create(12)
    predict(loop, project, "older", "disaster")
    predict(loop, project, "theirs", "other")
    loop.fake.change_project(project.id, model_version="theirs")
    return project


def test_theirs_are_shown_in_our_order_until_there_is_a_model_of_ours(
    loop: Loop, project: FakeProject
) -> None:
    done = loop.retrain(project)
    assert done["published"]
    assert shown(loop, project) == [["other"]] * 12
    assert any("theirs" in note for note in done["notes"])
    task, *_ = project.tasks
    loop.label(project, task, "other")
    loop.retrain(project)  # one class is no model yet; the project follows ours now
    assert shown(loop, project) == [["other"]] * 11


def test_ours_replace_theirs_once_two_classes_are_labelled(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    for task in list(project.tasks)[:6]:
        loop.label(project, task)
    done = loop.retrain(project)
    assert not any("theirs" in note for note in done["notes"])
    assert shown(loop, project) != [["other"]] * 6


def test_a_refill_shows_theirs_too(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_head=4)
    loop.retrain(project)
    for task in loop.queue(project)[:2]:
        loop.label(project, task, "other")
    loop.refill(project)
    assert len(loop.queue(project)) == 4
    assert shown(loop, project) == [["other"]] * 4


@pytest.mark.parametrize(
    "result", [[choice("no class of ours")], [choice("other", control="x")], "text", [7]]
)
def test_what_label_studio_would_drop_is_not_shown(loop: Loop, result: Any) -> None:
    project = loop.create(5)
    predict(loop, project, "theirs", "other", result=result)
    assert loop.retrain(project)["published"]
    assert shown(loop, project) == [[]] * 5


@pytest.mark.usefixtures("answering")
def test_connect_says_whose_suggestions_are_shown(loop: Loop, project: FakeProject) -> None:
    said: dict[str, str] = {}
    loop.fake.reach = lambda project, connection: "CO"
    with Bench() as bench:
        connect(
            bench,
            "http://backend.internal:9090",
            project.id,
            lambda what, done, state=State.OK: said.update({what: done}),
        )
    assert "theirs" in said["suggestions"]
    assert "two classes" in said["suggestions"]


def test_the_doctor_says_whose_suggestions_are_shown(loop: Loop, project: FakeProject) -> None:
    def found() -> Finding:
        with Bench() as bench:
            return CHECKS["model version"].function(ProjectBench(bench, project.id))

    loop.retrain(project)
    assert found().state is State.NOTE
    assert all_is_well([found()])
    assert "atlas-000001" in found().found
    assert said_of("theirs") in found().found
    for task in list(project.tasks)[:6]:
        loop.label(project, task)
    loop.retrain(project)
    assert found() == ok("atlas-000002, the one last published")


def test_no_word_of_suggestions_where_there_are_none(loop: Loop) -> None:
    project = loop.create(5)
    assert not any("suggestions" in note for note in loop.retrain(project)["notes"])
