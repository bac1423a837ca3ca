"""Projects in which some labels are wrong, and the commands that list them."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from backend.cli import main
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject


def right_label(project: FakeProject, task: int) -> str:
    return label_of(project.tasks[task]["data"]["text"])


def wrong_label(project: FakeProject, task: int) -> str:
    return min({right_label(project, each) for each in project.tasks} - {right_label(project, task)})


def with_right_labels(loop: Loop, folder: Path, first: int, end: int) -> tuple[FakeProject, list[int]]:
    """A project of 60 tasks and their ids, of which those from `first` to before `end` are labelled."""
    loop.set(data_dir=folder / "data", encoder="lsa")
    project = loop.create(60, labeled=0)
    ids = sorted(project.tasks)
    for task in ids[first:end]:
        loop.label(project, task)
    return project, ids


def listed_by(command: str, project: FakeProject, *arguments: str) -> str:
    """What it prints."""
    done = CliRunner().invoke(main, [command, "--project", str(project.id), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def refusal_of_one_class(command: str, loop: Loop, folder: Path) -> str:
    """What it prints where there are too few labels, with exit code 1."""
    loop.set(data_dir=folder / "data", encoder="lsa")
    project = loop.create(20, labeled=0)
    loop.retrain(project)
    done = CliRunner().invoke(main, [command, "--project", str(project.id)])
    assert done.exit_code == 1
    return done.output
