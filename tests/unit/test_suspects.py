"""Labels that models which never saw them contradict come first."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from backend.learning.suspects import held_out_probabilities, suspected
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.wrong_labels import (
    listed_by,
    refusal_of_one_class,
    right_label,
    with_right_labels,
    wrong_label,
)


def test_the_less_likely_a_label_beside_another_class_the_sooner_it_comes() -> None:
    likely = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.4, 0.35, 0.25]] * 3)
    found = suspected(likely, np.array([0, 2, 1] * 3))
    assert found.order[:3].argsort().tolist() == [0, 2, 1]
    assert found.given[:3].tolist() == [0.7, 0.1, 0.35]
    assert found.other[:3].tolist() == [0.2, 0.7, 0.4]
    assert found.instead[:3].tolist() == [1, 0, 0]


def test_a_class_with_too_few_labels_is_not_judged() -> None:
    found = suspected(np.full((5, 2), 0.5), np.array([0, 0, 0, 1, 1]))
    assert np.isfinite(found.order).tolist() == [True, True, True, False, False]


def planted() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Vectors of three classes, which these are, and 12 of 120 that are to be given the next one."""
    chance = np.random.default_rng(0)
    truth = np.arange(120) % 3
    features = np.eye(3, 16)[truth] + chance.normal(size=(120, 16)) / 6
    return features.astype(np.float32), truth, chance.permutation(120)[:12]


def test_planted_errors_are_found() -> None:
    features, truth, wrong = planted()
    given = truth.copy()
    given[wrong] = (given[wrong] + 1) % 3
    found = suspected(held_out_probabilities(features, given, 3), given)
    assert len(set(np.argsort(-found.order)[:12].tolist()) & set(wrong.tolist())) >= 11
    assert (found.instead[wrong] == truth[wrong]).mean() > 0.9


@pytest.mark.parametrize("counts", [(3, 1), (1, 3, 1), (4, 3), (2, 1, 1, 1), (12, 1), (3, 3, 3)])
def test_a_few_labels_are_judged_too(counts: tuple[int, ...]) -> None:
    given = np.repeat(np.arange(len(counts)), counts)
    features = np.eye(len(counts), 8, dtype=np.float32)[given]
    likely = held_out_probabilities(features, given, len(counts))
    assert np.allclose(likely.sum(1), 1)
    judged = np.isfinite(suspected(likely, given).order)
    assert judged.tolist() == [counts[each] >= 3 for each in given]


def test_copies_are_held_out_together() -> None:
    features, truth, wrong = planted()
    given = truth.copy()
    given[wrong] = (given[wrong] + 1) % 3
    features, given = np.concatenate([features, features[wrong]]), np.concatenate([given, given[wrong]])
    together = np.concatenate([np.arange(120), wrong])
    apart = held_out_probabilities(features, given, 4)
    beside = held_out_probabilities(features, given, 4, together=together)
    rows = np.arange(120, 132)
    assert beside[rows, given[rows]].mean() < apart[rows, given[rows]].mean()
    assert beside[:, 3].tolist() == [0] * 132


@pytest.fixture
def project(loop: Loop, tmp_path: Path) -> FakeProject:
    """With 30 labels of which the one of the first task is wrong."""
    project, ids = with_right_labels(loop, tmp_path, 1, 30)
    loop.label(project, ids[0], wrong_label(project, ids[0]))
    loop.retrain(project)
    return project


def run(project: FakeProject, *arguments: str) -> str:
    return listed_by("suspects", project, *arguments)


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
    assert rows[0]["instead"] == right_label(project, first)
    assert rows[0]["address"].endswith(f"/projects/{project.id}/data?task={first}")
    assert float(rows[0]["p_instead"]) > float(rows[0]["p_label"])
    assert float(rows[1]["p_instead"]) < float(rows[1]["p_label"])


def test_as_a_table_and_as_json(project: FakeProject, tmp_path: Path) -> None:
    table = run(project, "-n", "2").splitlines()
    assert table[0].split() == ["task", "label", "likely", "instead", "likely", "text"]
    assert table[1].split()[0] == str(sorted(project.tasks)[0])
    assert table[-1] == "Of 30 labels the models would give 1 another."
    out = tmp_path / "suspects.json"
    run(project, "--out", str(out))
    assert len(json.loads(out.read_text())) == 20


def test_where_models_are_too_poor_that_is_told_first(
    project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.results.too_poor.POOR", 0.0)
    first, *table = run(project, "-n", "2").splitlines()
    assert first.startswith(
        "The models are too poor yet to say which labels are wrong: they contradict 1 of 30"
    )
    assert [line.split()[0] for line in table[:2]] == ["task", str(sorted(project.tasks)[0])]
    assert not any("would give" in line for line in table)


def test_labels_of_one_class_contradict_nothing(loop: Loop, tmp_path: Path) -> None:
    assert "labels of two classes are needed" in refusal_of_one_class("suspects", loop, tmp_path)
