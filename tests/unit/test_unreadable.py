"""No single task's content stops a pull, a batch of predictions or a retrain: what cannot be read counts as
empty, and is named once in the log and in `doctor`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from backend.controls.choices import SingleChoice
from backend.controls.config import parse_label_config
from backend.controls.reading import unreadable_in_words
from backend.controls.sources import Text
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.examine import examine_project  # noqa: F401  for the checks it registers
from backend.doctor.finding import Finding, State
from backend.jobs.pull import unreadable_tasks
from backend.jobs.read_task import read_task
from backend.predicting import Predictor
from backend.store.paths import project_dir
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import CONFIG, FakeProject

BAD = "what our reader stumbles over"
HYPERTEXT = CONFIG.replace("<Text ", "<HyperText ")
DYNAMIC = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" value="$options"/></View>'
)
SEVERAL = DYNAMIC.replace("<Choices ", '<Choices choice="multiple" ')


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours that one text alone brings out."""
    readable = Text.content

    def content(source: Text, data: Any) -> str:
        if isinstance(data, dict) and data.get("text") == BAD:
            raise ValueError("out of its depth\x1b[31m")
        return readable(source, data)

    monkeypatch.setattr(Text, "content", content)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "cannot be read" in each.getMessage()]


def by_doctor(project: FakeProject) -> Finding:
    with Bench() as bench:
        return CHECKS["tasks"].function(ProjectBench(bench, project.id))


@pytest.mark.usefixtures("stumbling")
def test_a_text_that_cannot_be_read_counts_as_empty_and_is_named_once(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    project = loop.create(8, labeled=4)
    (bad,) = loop.fake.add_tasks(project.id, [BAD])
    assert by_doctor(project).state is State.OK
    with caplog.at_level(logging.WARNING):
        assert loop.retrain(project)["trained_on"] == 4
        assert loop.retrain(project)["trained_on"] == 4
        loop.fake.change_project(project.id, maximum_annotations=2)  # so that all is read anew
        assert loop.retrain(project)["published"]
    assert len(warnings(caplog)) == 1
    assert f"1 task cannot be read and counts as empty: task {bad} (its text: " in warnings(caplog)[0]
    found = by_doctor(project)
    assert found.state is State.NOTE
    assert f"task {bad}" in found.found
    assert bad in loop.queue(project)

    loop.fake.change_task(project.id, bad, data={"text": "corrected"})
    loop.retrain(project)
    assert by_doctor(project).state is State.OK


@pytest.mark.usefixtures("stumbling")
def test_a_batch_of_predictions_comes_back_whole(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    project = loop.create(8, labeled=4)
    loop.retrain(project)
    predictor, scheme = Predictor(loop.settings), parse_label_config(CONFIG)
    tasks = [{"id": 901, "data": {"text": "storm"}}, {"id": 902, "data": {"text": BAD}}, {"id": 903}]
    empty = [{"id": 902, "data": {"text": ""}}]
    with caplog.at_level(logging.WARNING):
        answers = predictor.predict(project.id, scheme, tasks)
        again = predictor.predict(project.id, scheme, tasks)
    assert len(answers) == 3
    assert answers == again
    assert answers[1] == predictor.predict(project.id, scheme, empty)[0]
    assert len(warnings(caplog)) == 1
    assert "task 902" in warnings(caplog)[0]


@pytest.mark.parametrize(
    ("config", "label"),
    [(DYNAMIC, "half \ud83d"), (SEVERAL, "\ude00")],
)
def test_half_a_surrogate_pair_in_a_label_takes_no_other_label_along(
    loop: Loop, config: str, label: str, caplog: pytest.LogCaptureFixture
) -> None:
    options = [{"value": "disaster"}, {"value": "other"}, {"value": label}]
    words = ("storm", "flood", "tea", "book", "quake", "song")
    project = loop.fake.create([{"text": word, "options": options} for word in words], label_config=config)
    *rest, last = project.tasks
    for task, name in zip(rest, ("disaster", "disaster", "other", "other"), strict=False):
        loop.fake.annotate(project.id, task, name)
    loop.fake.annotate(project.id, last, [choice(label)])
    with caplog.at_level(logging.WARNING):
        assert loop.retrain(project)["trained_on"] == 4
        assert loop.retrain(project)["trained_on"] == 4
    assert len(warnings(caplog)) == 1
    assert f"task {last} (a label of label holds half a surrogate pair" in warnings(caplog)[0]
    assert f"task {last}" in by_doctor(project).found


ODD_TEXTS = {
    "a reference to a character of 4,400 digits": "&#" + "9" * 4400 + ";",
    "a lone surrogate": "half \ud800 pair",
    "a NUL": "a\x00b",
    "lists in lists": [[[[["deep"]]]]],
    "a huge number": 10**400,
    "no number": float("nan"),
    "nothing": None,
    "a mapping": {"x": {"y": 1}},
}


@pytest.mark.parametrize("what", ODD_TEXTS)
@pytest.mark.parametrize("config", [CONFIG, HYPERTEXT, CONFIG.replace("<Text ", "<Paragraphs ")])
def test_an_odd_text_stops_no_retrain(loop: Loop, config: str, what: str) -> None:
    project = loop.fake.create(
        [*({"text": text} for text in ("storm", "flood", "tea", "book")), {"text": ODD_TEXTS[what]}],
        label_config=config,
    )
    *rest, odd = project.tasks
    for task, name in zip(rest, ("disaster", "disaster", "other"), strict=False):
        loop.fake.annotate(project.id, task, name)
    assert loop.retrain(project)["published"]
    assert odd in loop.queue(project)


ODD_ANNOTATIONS: list[Any] = [
    None,
    7,
    "x",
    {"result": "x"},
    {"result": [None, 7, "x", [], {"from_name": ["label"]}, {"from_name": "label", "value": []}]},
    {"result": [{"from_name": "label", "value": {"choices": [["disaster"], {}, None]}}]},
    {"result": 7, "completed_by": {"id": "\ud800"}, "updated_at": {}},
    {"result": [{"from_name": "label", "type": "choices", "value": {"choices": ["\ud800"]}}]},
]


def test_odd_annotations_stop_no_pull() -> None:
    for config in (CONFIG, DYNAMIC, SEVERAL):
        scheme = parse_label_config(config)
        for odd in ODD_ANNOTATIONS:
            task = {"id": 1, "data": {"text": "x"}, "is_labeled": True, "annotations": [odd]}
            assert not read_task(task, scheme).votes


def test_a_reader_that_fails_with_annotations_leaves_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise KeyError("x")

    monkeypatch.setattr(SingleChoice, "read", fails)
    task = {"id": 1, "data": {"text": "x"}, "is_labeled": True, "annotations": [{"result": []}]}
    read = read_task(task, parse_label_config(CONFIG))
    assert (read.text, dict(read.votes)) == ("x", {})
    assert read.problem is not None
    assert "its annotations: KeyError" in read.problem


def test_of_many_tasks_the_first_are_named() -> None:
    told = unreadable_in_words(dict.fromkeys(range(1, 9), "its text: no"))
    assert told.startswith("8 tasks cannot be read and count as empty: task 1 (its text: no), task 2")
    assert told.endswith("task 5 (its text: no), and 3 more")


def test_nothing_is_known_of_a_project_that_was_never_read(tmp_path: Path) -> None:
    assert unreadable_tasks(project_dir(tmp_path, 7)) == {}
    assert not list(tmp_path.iterdir())
