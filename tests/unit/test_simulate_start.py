"""What a replay starts from, and what the model says before it has seen two classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from backend import sampling
from backend.encoders import registry
from backend.encoders.joined import JoinedKind
from backend.sampling import rank
from backend.simulate import run as simulate_run
from backend.simulate.plan import Plan
from backend.simulate.replay import ReplayJob, Score, SeedJob, classes_of, prepare, replay
from backend.simulate.replay import _start as start_of
from tests.unit.simulations import QUICK, InProcess, read_curves, simulate, write_rare


def test_while_one_class_was_seen_it_is_what_the_model_says(tmp_path: Path) -> None:
    rows = [(f"{name} {i}", name) for name in ("one", "two") for i in range(20)]
    plan = Plan(("random",), (0,), batch=9, start=1, budget=10, held_out=0.5)
    prepare(SeedJob(rows, plan, 0, tmp_path / "split"), lambda: None)
    job = ReplayJob("margin", 0, plan, classes_of(rows), tmp_path / "split")
    first, last = replay(job, lambda: None).points
    # Half of the texts are that class: precision 1/2, recall 1, and nothing for the other.
    assert first.score == Score(pytest.approx(1 / 3), 0.5)
    assert last.score.accuracy == 1


def test_the_default_is_replayed_from_the_backends_own_start_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_run, "Workers", InProcess)
    data, out = write_rare(tmp_path / "d.csv", packed_with=40), tmp_path / "out"
    result = simulate(data, *QUICK, "--strategies", "random,auto", "--out", out)
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["strategies"]) == {"auto", "random"}
    rows = [row for row in read_curves(out) if row["labels"] == "10"]
    first = {(row["strategy"], row["seed"]): row["macro_f1"] for row in rows}
    assert len(first) == 6
    areas = summary["own_start"]["areas"]
    assert set(areas) == {"0", "1"}
    for seed in areas:
        assert first["auto", seed] == first["random", seed]
    assert any(first["auto from its own start", seed] != first["random", seed] for seed in areas)
    assert "begun by the backend's own first order" in " ".join((out / "report.html").read_text().split())


def test_the_own_start_is_what_a_new_project_is_served_first(tmp_path: Path) -> None:
    rows = [(f"{name} {i}", name) for name in ("one", "two") for i in range(20)]
    plan = Plan(("auto",), (0,), batch=5, start=4, budget=9, held_out=0.5)
    prepare(SeedJob(rows, plan, 0, tmp_path / "split"), lambda: None)
    split = load_file(tmp_path / "split")
    nothing = split["pool"][:0], split["targets"][:0]
    ranking = rank("auto", split["pool"], *nothing, n_classes=2, seed=0)
    job = ReplayJob("auto", 0, plan, classes_of(rows), tmp_path / "split", own_start=True)
    chosen, rest = start_of(job, split)
    assert chosen.tolist() == ranking.order[:4].tolist()
    assert sorted([*chosen.tolist(), *rest.tolist()]) == list(range(len(split["pool"])))


def test_without_a_batch_labelling_goes_as_it_does_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From each strategy's own first order, five at a time, and the report says so."""
    monkeypatch.setattr(simulate_run, "Workers", InProcess)
    data, out = write_rare(tmp_path / "d.csv", packed_with=40), tmp_path / "out"
    strategies = "random,clusters random=1"
    result = simulate(data, "--seeds", "1", "--budget", "15", "--strategies", strategies, "--out", out)
    assert result.exit_code == 0, result.output
    curves = [(row["strategy"], row["labels"]) for row in read_curves(out)]
    assert curves == [(name, str(n)) for name in strategies.split(",") for n in (5, 10, 15)]
    report = " ".join((out / "report.html").read_text().split())
    assert "as the backend labels, from each strategy" in report


def test_a_live_batch_is_the_beginning_of_the_published_head(tmp_path: Path) -> None:
    rows = [(f"{name} {i}", name) for name in ("one", "two") for i in range(20)]
    plan = Plan(("typiclust",), (0,), batch=5, start=5, budget=9, held_out=0.5, live=True)
    prepare(SeedJob(rows, plan, 0, tmp_path / "split"), lambda: None)
    split = load_file(tmp_path / "split")
    nothing = split["pool"][:0], split["targets"][:0]
    head = rank("typiclust", split["pool"], *nothing, n_classes=2, seed=0, batch=5)
    job = ReplayJob("typiclust", 0, plan, classes_of(rows), tmp_path / "split")
    assert start_of(job, split)[0].tolist() == head.order[:5].tolist()


def test_heads_know_of_what_a_vector_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the backend's do."""
    rows = [(f"{name} {i}", name) for name in ("one", "two") for i in range(20)]
    plan = Plan(("random",), (0,), batch=5, start=4, budget=9, held_out=0.5)
    kind = registry.find_encoder("lsa")
    monkeypatch.setattr(registry, "find_encoder", lambda name: JoinedKind((("one", kind), ("two", kind))))
    prepare(SeedJob(rows, plan, 0, tmp_path / "split"), lambda: None)
    width = load_file(tmp_path / "split")["pool"].shape[1] // 2
    told: list[list[int]] = []

    def select(*parts: Any, blocks: list[int] | None = None, **rest: Any) -> Tensor:
        told.extend([] if blocks is None else [blocks])
        return sampling.select(*parts, blocks=blocks or (), **rest)

    monkeypatch.setattr("backend.simulate.replay.select", select)
    replay(ReplayJob("random", 0, plan, classes_of(rows), tmp_path / "split"), lambda: None)
    assert told == [[width, width]]
