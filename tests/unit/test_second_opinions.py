"""Which labelled tasks are worth one more annotator, and that Label Studio serves them to one."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from backend.learning.second_opinions import GOOD, Votes, opinions
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.wrong_labels import (
    listed_by,
    refusal_of_one_class,
    right_label,
    with_right_labels,
    wrong_label,
)


def votes(*cast: tuple[int, int, int]) -> Votes:
    """Of (task, annotator, label)."""
    return Votes(*np.array(cast, np.int64).reshape(-1, 3).T)


def unsure(likely: npt.NDArray[np.float64]) -> float:
    return float(-(likely * np.log(likely)).sum())


def test_a_vote_is_worth_what_it_is_expected_to_tell() -> None:
    """Reckoned vote by vote: how much surer one is after each (Bayes' rule), weighed by how likely it is."""
    prior = np.random.default_rng(0).dirichlet(np.ones(4) / 2, 30).clip(0.03)
    found = opinions(prior, votes(), 0)
    right = np.full((4, 4), (1 - GOOD) / 3)
    np.fill_diagonal(right, GOOD)
    for likely, worth in zip(found.likely, found.worth, strict=True):
        after = [right[vote] * likely for vote in range(4)]
        left = sum(each.sum() * unsure(each / each.sum()) for each in after)
        assert worth == pytest.approx(unsure(likely) - left, abs=1e-12)


def test_without_votes_it_is_likely_what_the_model_says() -> None:
    prior = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    assert np.allclose(opinions(prior, votes(), 0).likely, prior)


def test_where_annotators_disagree_or_the_model_contradicts_a_vote_is_worth_more() -> None:
    prior = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1], [0.9, 0.1]])
    cast = votes((0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0), (2, 0, 0), (3, 0, 1))
    worth = opinions(prior, cast, 2).worth
    disputed, agreed, confirmed, contradicted = worth.tolist()
    assert disputed > agreed
    assert contradicted > confirmed


def test_who_is_often_contradicted_counts_for_less_and_their_tasks_are_looked_at_sooner() -> None:
    """Two of three label each task; the third annotator is wrong every other time."""
    chance, tasks = np.random.default_rng(0), np.arange(300)
    truth = tasks % 3
    first, second = tasks % 3, (tasks + 1) % 3
    cast = np.stack([np.repeat(tasks, 2), np.stack([first, second], 1).ravel(), np.repeat(truth, 2)], 1)
    wrong = (cast[:, 1] == 2) & (chance.random(len(cast)) < 0.5)
    cast[wrong, 2] = (cast[wrong, 2] + 1) % 3
    found = opinions(np.full((300, 3), 1 / 3), votes(*map(tuple, cast.tolist())), 3)
    assert found.right[:2].min() > 0.9
    assert found.right[2] < 0.65
    assert (found.likely.argmax(1) == truth).mean() > 0.95
    by_the_bad_one = (first == 2) | (second == 2)
    assert found.worth[by_the_bad_one].mean() > 2 * found.worth[~by_the_bad_one].mean()


@pytest.fixture
def project(loop: Loop, tmp_path: Path) -> FakeProject:
    """With 30 labels: on the first task two annotators disagree, the second's label is wrong, and so is the
    third's, which is told to be the truth."""
    project, ids = with_right_labels(loop, tmp_path, 3, 30)
    loop.label(project, ids[0])
    loop.label(project, ids[0], wrong_label(project, ids[0]), user=2)
    loop.label(project, ids[1], wrong_label(project, ids[1]))
    truth = [choice(wrong_label(project, ids[2]))]
    loop.fake.annotate(project.id, ids[2], truth, user=1, ground_truth=True)
    loop.retrain(project)
    return project


def run(project: FakeProject, *arguments: str) -> str:
    return listed_by("second-opinions", project, *arguments)


def test_disputed_and_suspect_labels_are_listed_first_and_what_is_the_truth_is_not(
    project: FakeProject, tmp_path: Path
) -> None:
    ids = sorted(project.tasks)
    table = run(project, "-n", "3").splitlines()
    assert table[0].split() == ["task", "votes", "likeliest", "likely", "worth", "text"]
    assert {int(line.split()[0]) for line in table[1:3]} == set(ids[:2])
    assert table[-1].startswith("Of 29 labelled tasks ")
    out = tmp_path / "again.csv"
    assert "Wrote 29 of 29 labelled tasks" in run(project, "--out", str(out), "-n", "100")
    with out.open(newline="") as file:
        rows = {int(row["task"]): row for row in csv.DictReader(file)}
    assert ids[2] not in rows
    right = right_label(project, ids[0])
    assert set(rows[ids[0]]["votes"].split(" | ")) == {right, wrong_label(project, ids[0])}
    assert rows[ids[0]]["likeliest"] == right
    assert rows[ids[1]]["address"].endswith(f"/projects/{project.id}/data?task={ids[1]}")
    out = tmp_path / "again.json"
    run(project, "--out", str(out), "-n", "2")
    worth = [row["worth"] for row in json.loads(out.read_text())]
    assert worth == sorted(worth, reverse=True)
    assert worth[1] > float(rows[ids[5]]["worth"])


def test_what_is_asked_again_is_served_to_others_before_new_tasks_and_finished_by_one_of_them(
    project: FakeProject, loop: Loop
) -> None:
    disputed, suspect = sorted(project.tasks)[:2]
    assert "2 of them wait for one more annotator now" in run(project, "-n", "2", "--ask")
    assert project.tasks[disputed]["overlap"] == 3
    assert project.tasks[suspect]["overlap"] == 2
    assert set(project.queue(user=3)[:2]) == {disputed, suspect}
    assert suspect not in project.queue(user=1)
    assert project.queue(user=2)[0] == suspect
    assert run(project).count("\n") - 2 == 20  # they are open: nobody is asked for them twice
    listed = {line.split()[0] for line in run(project, "-n", "30").splitlines()[1:-1]}
    assert not {str(disputed), str(suspect)} & listed
    loop.label(project, suspect, user=3)
    assert project.tasks[suspect]["is_labeled"]
    assert loop.retrain(project)["published"]


def test_labels_of_one_class_are_too_few(loop: Loop, tmp_path: Path) -> None:
    assert "labels of two classes are needed" in refusal_of_one_class("second-opinions", loop, tmp_path)
