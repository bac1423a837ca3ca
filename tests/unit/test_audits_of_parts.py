"""Of answers that may be right in part a share is drawn at random, too, and their agreement is estimated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from backend.commands.versions import versions
from backend.controls.config import parse_label_config
from backend.controls.spans import Spans
from backend.jobs.learners import boxes, parts
from backend.jobs.learners.parts import LearnedParts, Trained
from backend.jobs.taught import Taught
from backend.learning import detection
from backend.learning.detection import train_detection
from backend.store.history import History
from backend.store.locations import project_files
from tests.content import FileServer, file_server
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.unit import boxed
from tests.unit.span_scenes import CONFIG, mark, shown, span_project
from tests.unit.squares import CONFIGS, COUNT, asked, hardly_learned, picture


def test_spans_are_drawn_without_a_guess_and_tell_their_agreement_with_annotators(loop: Loop) -> None:
    loop.set(audit_share=0.3)
    project = span_project(loop)
    first = loop.retrain(project)
    assert first["estimate"] == {"audited": 0, "share": 0.3}
    mark(loop, project, loop.queue(project)[:16])
    done = loop.retrain(project)
    files = project_files(loop.settings, project.id)
    drawn = loop.drawn(project)
    assert drawn
    assert not any(words for task, words in shown(project).items() if task in drawn)
    told = done["estimate"]
    assert told["audited"] >= 3
    assert 0 <= told["agreement"]["low"] < told["agreement"]["value"] < told["agreement"]["high"] <= 1
    assert "accuracy" not in told
    assert "forecast" not in done
    assert History(files).read()[-1]["estimate"] == told
    printed = CliRunner().invoke(versions, ["--project", str(project.id)]).output
    assert f"agreement {told['agreement']['value']:.0%}" in printed
    assert "drawn at random" in printed


def told_of_drawn(loop: Loop, project: FakeProject, right: dict[int, list[Json]]) -> None:
    """Of the first ten of a queue some are drawn: these count once they are marked, and the next ones show
    no guess, as the others do. right: by task, what is to be marked."""
    assert loop.retrain(project)["estimate"] == {"audited": 0, "share": 0.5}
    marked, drawn = loop.queue(project)[:10], loop.drawn(project)
    for task in marked:
        loop.fake.annotate(project.id, task, right[task], user=1)
        loop.state(project).note_changes(1)
    done = loop.retrain(project)
    assert done["estimate"]["audited"] == len(drawn.intersection(marked)) >= 3
    agreement = done["estimate"]["agreement"]
    assert 0 <= agreement["low"] < agreement["value"] < agreement["high"] <= 1
    now, current = loop.drawn(project), project.settings["model_version"]
    newest = [each for each in project.predictions if each["model_version"] == current]
    guesses = {each["task"]: each["result"] for each in newest}
    assert now
    assert not any(guesses[task] for task in now)
    assert any(guesses.values())


@pytest.fixture
def pictures(pictures_once: None) -> Iterator[FileServer]:
    """Red and blue squares on noise."""
    with file_server() as server:
        server.answers |= {f"/{i}.png": picture(i) for i in range(COUNT)}
        yield server


def test_areas_are_drawn_without_a_guess_and_count(
    loop: Loop, pictures: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardly_learned(monkeypatch)
    loop.set(audit_share=0.5)
    areas = asked(loop, pictures, CONFIGS["brush"][1])
    tasks = areas.project.tasks
    told_of_drawn(loop, areas.project, {task: areas.right(areas.number(task)) for task in tasks})


def test_boxes_are_drawn_without_a_guess_and_count(
    loop: Loop, pictures: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "train_detection", partial(train_detection, steps=12))
    monkeypatch.setattr(detection, "FOLDS", 2)
    pictures.answers |= {f"/{i}.png": boxed.picture(i) for i in range(boxed.COUNT)}
    loop.set(audit_share=0.5, show_guess_from=0.3, queue_head=100, encode_within=60)
    loop.set(content_hosts=f"127.0.0.1:{pictures.port}")
    images = [{"image": f"{pictures.url}/{i}.png"} for i in range(boxed.COUNT)]
    project = loop.fake.create(images, label_config=boxed.CONFIG)
    loop.fake.spread(project.id)
    told_of_drawn(loop, project, {task: [boxed.right(boxed.number(project, task))] for task in project.tasks})


def test_a_copy_is_no_audit_wherever_its_place_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of areas the judged images are shuffled: places 0 and 1 are of tasks, 2 and 3 of copies of them."""
    seen: list[Any] = []
    monkeypatch.setattr(parts, "estimated_score", lambda *args: seen.append(args[2:]))
    control = next(each for each in parse_label_config(CONFIG).controls if isinstance(each, Spans))
    said = ["[]", "[]", "[]", "[]"]
    rows = Taught([0, 1, 2, 3], torch.zeros(4).long(), ("[]",), torch.arange(4), 2, said[:2])
    trained = Trained(None, None, said, judged=[3, 1, 2, 0])  # type: ignore[arg-type]
    tasks = [SimpleNamespace(id=number) for number in (10, 11, 12, 13)]
    settings, material = SimpleNamespace(audit_share=0.1), SimpleNamespace(tasks=tasks)
    learner = SimpleNamespace(settings=settings, material=material)
    made = LearnedParts(learner, control, rows, trained)  # type: ignore[arg-type]
    made.estimated(None, {10, 12})  # type: ignore[arg-type]
    assert seen == [([1, 0], [1.0, 1.0], [False, True])]
