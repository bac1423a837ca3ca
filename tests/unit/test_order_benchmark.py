"""The benchmark of orders: what was replayed is kept, and ranks and differences are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.order import shards
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


def test_a_run_that_was_stopped_replays_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = Shard("plain", "ag-news", "ska: typiclust", 3)
    monkeypatch.setattr(shards, "curve", lambda *_: [0.5])
    assert replay(shard, made(), [20], tmp_path).f1 == [0.5]
    monkeypatch.setattr(shards, "curve", lambda *_: [0.9])
    assert replay(shard, made(), [20], tmp_path).f1 == [0.5]


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
