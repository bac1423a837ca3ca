"""The benchmark of orders: what was replayed is kept, and ranks and differences are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.order import live, oracle, shards
from benchmarks.order.data import CHOOSING, REPORTING, Data
from benchmarks.order.replay import curve
from benchmarks.order.report import report
from benchmarks.order.shards import Replayed, Shard, replay


def made() -> Data:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 3, (200,), generator=generator)
    rows = torch.randn(200, 8, generator=generator) + 2 * torch.nn.functional.one_hot(targets, 8)
    return Data(rows[:120], targets[:120], rows[120:], targets[120:])


def test_no_set_both_chooses_and_reports() -> None:
    assert not set(CHOOSING) & set(REPORTING)


@pytest.mark.parametrize("name", ["random", "auto", "typiclust"])
def test_all_start_from_the_same_labels_and_are_judged_at_each_budget(name: str) -> None:
    found = curve(made(), name, 1, [10, 20, 40])
    assert len(found) == 3
    assert found[0] == curve(made(), "margin", 1, [10])[0]
    assert found == curve(made(), name, 1, [10, 20, 40])


def test_a_run_that_was_stopped_replays_nothing_twice(tmp_path: Path) -> None:
    shard = Shard("plain", "ag-news", "ska: typiclust", 3)
    assert replay(shard, made(), [20], tmp_path, lambda *_: [0.5]).f1 == [0.5]
    assert replay(shard, made(), [20], tmp_path, lambda *_: [0.9]).f1 == [0.5]


def test_differences_are_paired_and_ranks_are_means_over_the_sets(tmp_path: Path) -> None:
    scores = {
        ("one", "random"): (0.5, 0.6),
        ("one", "auto"): (0.6, 0.8),
        ("one", "margin"): (0.4, 0.6),
        ("two", "random"): (0.5, 0.5),
        ("two", "auto"): (0.7, 0.7),
        ("two", "margin"): (0.8, 0.8),
    }
    asked = []
    for (name, contender), found in scores.items():
        for seed, score in enumerate(found):
            asked.append(Shard("plain", name, contender, seed))
            shards.keep(Replayed([20], [score], 1.0), asked[-1], tmp_path)
    told = report(asked, tmp_path)
    assert "0.700 (+0.150 ± 0.050)" in told
    ranks = {line.split("`")[1]: line.split("|")[2].strip() for line in told.splitlines() if "to" in line}
    assert ranks == {"auto": "1.50", "margin": "2.00", "random": "2.50"}
    assert "12 of 12 curves, 0.00 CPU hours" in told
    assert "0.700 (+0.200 ± 0.000)" in report(asked, tmp_path, "margin")


def test_live_five_labels_come_at_a_time_and_all_begin_with_the_cold_start() -> None:
    first = live.curve(made(), "random", 1, [5])
    assert first == live.curve(made(), "atlas", 1, [5]) == live.curve(made(), "typiclust", 1, [5])
    assert len(live.curve(made(), "auto", 1, [5, 15])) == 2
    with pytest.raises(ValueError, match="5 labels come at a time"):
        live.curve(made(), "auto", 1, [12])


def test_the_oracle_is_scored_by_items_that_it_did_not_choose_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two batches one is better by the half that chooses alone: chosen, it scores by the other half."""
    monkeypatch.setattr(oracle, "ASKED", ("good by even items", "good by odd items"))
    monkeypatch.setattr(oracle, "contender", lambda name: lambda *_: torch.tensor([50 + ("odd" in name)]))
    scores = {50: [0.9, 0.2], 51: [0.3, 0.8]}
    monkeypatch.setattr(oracle, "_halves", lambda _, known: scores.get(int(known[-1]), [0.0, 0.0]))
    assert oracle.curve(made(), "oracle", 0, [10, 11])[1] == pytest.approx((0.2 + 0.3) / 2)


def test_shares_of_the_oracle_are_of_mean_gains(tmp_path: Path) -> None:
    asked = [Shard("plain", "one", name, 0) for name in ("random", "auto", "oracle")]
    for shard, score in zip(asked, (0.5, 0.56, 0.6), strict=True):
        shards.keep(Replayed([20], [score], 1.0), shard, tmp_path)
    assert "| `auto` | 60% | 60% |" in report(asked, tmp_path)
