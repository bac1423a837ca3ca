"""Why tasks were labelled, on a real Label Studio."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.demo.project import DemoProject
from backend.jobs.retrain import retrain
from tests.e2e.by_hand import HEAD, ByHand
from tests.e2e.steps import LABELS, annotate, follow_queue, new_project
from tests.fakes.loop import label_of, texts


def label_next(hand: ByHand, project: DemoProject, count: int, labels: list[str] = LABELS) -> dict[int, str]:
    """From the front of the queue, as the editor submits; the version that each was served by.

    labels: the right ones, in the order of the tasks' ids.
    """
    served = {}
    for _ in range(count):
        task = follow_queue(hand.server, project)
        (shown,) = task["predictions"]
        served[task["id"]] = shown["model_version"]
        right = labels[project.task_ids.index(task["id"])]
        annotate(hand.server, task["id"], right, lead_time=0.2, parent_prediction=shown["id"])
    return served


def rows_of(project: DemoProject, out: Path) -> list[dict[str, str]]:
    arguments = ["export", "--project", str(project.id), "--out", str(out)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    with open(out, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_of_sixty_labels_has_the_reason_of_the_version_that_served_it(
    hand: ByHand, tmp_path: Path
) -> None:
    hand.monkeypatch.setenv("STRATEGY", "atlas")
    hand.monkeypatch.setenv("ENCODER", "lsa")
    project = hand.connected("why", texts=120)  # with four labels that no queue brought
    retrain(project.id)
    served: dict[int, str] = {}
    for count in (5, 5, 9, 9, 9, 9):
        served |= label_next(hand, project, count)
        retrain(project.id)
    slow = follow_queue(hand.server, project)  # opened, and open while the next version comes
    retrain(project.id)
    served[slow["id"]] = slow["predictions"][0]["model_version"]
    began = slow["predictions"][0]["id"]
    annotate(hand.server, slow["id"], "other", lead_time=9.0, parent_prediction=began)
    served |= label_next(hand, project, 9)

    rows = rows_of(project, tmp_path / "labels.csv")
    assert len(rows) == 60
    counts = Counter(row["why_strategy"] for row in rows)
    assert sum(counts.values()) == 60
    assert counts["none"] == 4
    assert set(counts) <= {"none", "atlas", "margin"}  # margin, while there were too few wrong verdicts
    for row in rows:
        assert row["label"]
        if int(row["task"]) in served:
            assert row["why_version"] == served[int(row["task"])]
            assert row["why_how"] == "picked"
            assert 1 <= int(row["why_place"]) <= HEAD
            assert 0 <= float(row["why_doubt"]) <= 1
        else:
            assert row["why_how"] == "unserved"


def hard(hand: ByHand, labels: list[str]) -> DemoProject:
    """160 tasks, 60 of them labelled, three in ten of those wrongly: there are errors to learn from."""
    project = new_project(hand.server, "rounds", texts(160))
    chance = random.Random(1)
    for task, right in zip(project.task_ids[:60], labels, strict=False):
        wrong = "other" if right == "disaster" else "disaster"
        annotate(hand.server, task, wrong if chance.random() < 0.3 else right)
    project.connect(hand.url)
    hand.drop_jobs()
    return project


def test_five_labels_within_one_version_of_atlas_come_from_several_rounds(
    hand: ByHand, tmp_path: Path
) -> None:
    for name, value in {"ENCODER": "lsa", "RETRAIN_EVERY": "5", "STRATEGY": "transfer_uncertainty"}.items():
        hand.monkeypatch.setenv(name, value)
    labels = [label_of(text) for text in texts(160)]
    project = hard(hand, labels)
    retrain(project.id)
    plain = [each.task for each in project.predictions(project.model_version())]
    hand.monkeypatch.setenv("STRATEGY", "atlas")
    version = retrain(project.id)["model_version"]

    served = label_next(hand, project, 5, labels)
    assert set(served.values()) == {version}
    first, *_, fifth = served
    assert first == plain[0]  # the first round is by the same head
    assert fifth != plain[4]
    rows = {int(row["task"]): row for row in rows_of(project, tmp_path / "labels.csv")}
    assert {rows[task]["why_strategy"] for task in served} == {"atlas"}
    assert {rows[task]["why_version"] for task in served} == {version}
    rounds = [int(rows[task]["why_round"]) for task in served]
    assert rounds == sorted(rounds)
    assert len(set(rounds)) >= 2


def test_label_studio_takes_a_prediction_that_says_why_and_keeps_what_it_knows(
    hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = hand.connected("why, asked", texts=40)
    retrain(project.id)
    task = follow_queue(hand.server, project)
    body = {"project": f"{project.id}.1", "label_config": project.label_config, "tasks": [task]}
    (told,) = httpx.post(f"{hand.url}/predict", json=body, timeout=60).json()["results"]
    assert (told["why"]["how"], told["why"]["place"], told["why"]["of"]) == ("picked", 1, 36)
    new = {"text": "a text that nobody has ranked"}
    made = hand.http.post(f"/api/projects/{project.id}/import?return_task_ids=1", json=[{"data": new}])
    (number,) = made.json()["task_ids"]
    opened = hand.http.get(f"/api/tasks/{number}").json()  # Label Studio asks /predict meanwhile
    (kept,) = opened["predictions"]
    assert kept["model_version"] == hand.project(project)["model_version"]
    assert 0 < kept["score"] < 1
    assert "why" not in kept
