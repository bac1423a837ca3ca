"""Labels that models which never saw them contradict come first."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from backend.cli import main
from backend.learning.suspects import held_out_probabilities, suspected
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject


def test_the_other_class_has_to_be_likelier_than_the_given_one() -> None:
    likely = torch.tensor([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.4, 0.35, 0.25]])
    found = suspected(likely, torch.tensor([0, 2, 1]))
    assert torch.allclose(found.doubts, torch.tensor([-0.5, 0.6, 0.05]))
    assert found.instead.tolist() == [1, 0, 0]


def test_planted_errors_are_found() -> None:
    chance = torch.Generator().manual_seed(0)
    truth = torch.arange(120) % 3
    features = torch.nn.functional.normalize(
        torch.eye(3, 16)[truth] + torch.randn(120, 16, generator=chance) / 6
    )
    wrong = torch.randperm(120, generator=chance)[:12]
    given = truth.clone()
    given[wrong] = (given[wrong] + 1) % 3
    found = suspected(held_out_probabilities(features, given, 3, seed=1), given)
    first = found.doubts.argsort(descending=True)[:12]
    assert len(set(first.tolist()) & set(wrong.tolist())) >= 11
    assert (found.instead[wrong] == truth[wrong]).float().mean() > 0.9


@pytest.fixture
def project(loop: Loop, tmp_path: Path) -> FakeProject:
    """With 30 labels of which the one of the first task is wrong."""
    loop.set(data_dir=tmp_path / "data", encoder="lsa")
    project = loop.create(60, labeled=0)
    ids = sorted(project.tasks)
    for task in ids[1:30]:
        loop.label(project, task)
    right = label_of(project.tasks[ids[0]]["data"]["text"])
    other = next(each for task in ids if (each := label_of(project.tasks[task]["data"]["text"])) != right)
    loop.fake.annotate(project.id, ids[0], [choice(other)])
    loop.retrain(project)
    return project


def run(project: FakeProject, *arguments: str) -> str:
    done = CliRunner().invoke(main, ["suspects", "--project", str(project.id), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_wrong_label_is_listed_first_with_what_would_be_said_instead(
    project: FakeProject, tmp_path: Path
) -> None:
    out = tmp_path / "suspects.csv"
    said = run(project, "--out", str(out), "-n", "3")
    assert "Wrote 3 of 30 labels" in said
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    first = sorted(project.tasks)[0]
    assert rows[0]["task"] == str(first)
    assert rows[0]["instead"] == label_of(project.tasks[first]["data"]["text"])
    assert rows[0]["address"].endswith(f"/projects/{project.id}/data?task={first}")
    assert float(rows[0]["doubt"]) > 0 > float(rows[1]["doubt"])


def test_as_a_table_and_as_json(project: FakeProject, tmp_path: Path) -> None:
    table = run(project, "-n", "2").splitlines()
    assert table[0].split() == ["task", "doubt", "label", "instead", "text"]
    assert table[1].split()[0] == str(sorted(project.tasks)[0])
    assert table[-1] == "Of 30 labels the models would give 1 another."
    out = tmp_path / "suspects.json"
    run(project, "--out", str(out))
    assert len(json.loads(out.read_text())) == 20


def test_labels_of_one_class_contradict_nothing(loop: Loop, tmp_path: Path) -> None:
    loop.set(data_dir=tmp_path / "data", encoder="lsa")
    project = loop.create(20, labeled=0)
    loop.retrain(project)
    done = CliRunner().invoke(main, ["suspects", "--project", str(project.id)])
    assert done.exit_code == 1
    assert "labels of two classes are needed" in done.output
