"""Encoders side by side: what is compared, by which mark, and what the files say of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from backend.encoders.registry import ENCODERS
from backend.simulate import run as simulate_run
from backend.simulate.encoders import Comparison, compare
from backend.simulate.plan import Plan
from backend.simulate.replay import Full, Point, Replay, Score
from tests.unit.simulations import QUICK, InProcess, read_curves, simulate, write_rare

SEEDS = (0, 1, 2)
FULL = {"lsa": 0.8, "better": 0.9}
PLAN = Plan(("random", "auto"), SEEDS, 20, 20, 300, 0.2, encoders=("lsa", "better"))


def curves(encoder: str, strategy: str, scores: list[float], *, own_start: bool = False) -> list[Replay]:
    """One for each seed, a little higher for each."""
    return [
        Replay(
            strategy,
            seed,
            tuple(Point(20 * (i + 1), Score(s + 0.01 * seed, s), 0.0) for i, s in enumerate(scores)),
            {"a": 4, "b": 6},
            own_start,
            encoder,
        )
        for seed in SEEDS
    ]


def compared(replays: list[Replay], plan: Plan = PLAN) -> Comparison:
    full = {name: {seed: Full(Score(score, 0.9), 3.0) for seed in SEEDS} for name, score in FULL.items()}
    found = compare(replays, full, plan)
    assert found is not None
    return found


def two(better: list[float]) -> list[Replay]:
    """lsa with two strategies, and the other one with the same."""
    replays = curves("lsa", "random", [0.3, 0.5, 0.7]) + curves("lsa", "auto", [0.5, 0.6, 0.75])
    for strategy in ("random", "auto"):
        replays += curves("better", strategy, better)
    return replays


def test_an_encoders_curve_is_the_mean_over_the_strategies_without_their_own_start() -> None:
    found = compared([*two([0.6, 0.8, 0.8]), *curves("lsa", "auto", [0.9, 0.9, 0.9], own_start=True)])
    areas = {row.strategy: row.areas[0] for row in found.summary.strategies}
    assert list(areas) == ["better", "lsa"]
    assert areas == pytest.approx({"better": 2.2 / 3, "lsa": (0.4 + 0.55 + 0.725) / 3})
    assert [row.seconds_choosing for row in found.summary.strategies] == [3, 3]


def test_a_strategy_that_one_encoder_lacks_is_in_nobodys_curve() -> None:
    replays = two([0.6, 0.8, 0.8]) + curves("better", "badge", [1.0, 1.0, 1.0])
    assert compared(replays).summary == compared(two([0.6, 0.8, 0.8])).summary


def test_labels_are_counted_to_the_same_mark_which_the_weaker_one_sets() -> None:
    found = compared(two([0.6, 0.75, 0.8]))  # of 0.9 * 0.8, not of 0.9 * 0.9
    assert found.yardstick == "lsa"
    assert {row.strategy: row.median_labels_needed for row in found.summary.strategies} == {
        "better": 40,
        "lsa": 60,
    }
    assert "lsa with 60 labels" in str(found.verdict)


def test_a_better_encoder_is_to_be_set_and_one_within_the_noise_is_not() -> None:
    assert compared(two([0.6, 0.8, 0.8])).verdict.setting == "better"
    noisy = [
        *two([0.5, 0.5, 0.5])[:6],
        *(
            Replay(
                "auto",
                seed,
                tuple(Point(20 * i, Score(s, s), 0.0) for i in (1, 2, 3)),
                {"a": 1},
                encoder="better",
            )
            for seed, s in zip(SEEDS, (0.4, 0.9, 0.45), strict=True)
        ),
    ]
    verdict = compared(noisy).verdict
    assert verdict.setting == "lsa"
    assert "no reason to leave lsa" in str(verdict) or "Stay with lsa" in str(verdict)


def test_few_labels_set_no_other_encoder() -> None:
    few = Plan(("random", "auto"), SEEDS, 20, 20, 60, 0.2, encoders=("lsa", "better"))
    verdict = compared(two([0.6, 0.8, 0.8]), few).verdict
    assert verdict.setting == "lsa"
    assert "60 labels are too few to choose by" in str(verdict)


def test_one_encoder_is_compared_with_nothing() -> None:
    assert compare([], {"lsa": {}}, PLAN) is None


class Nothing:
    """An encoder that tells hardly any two texts apart."""

    dims = 2

    @classmethod
    def fit(cls, texts: Sequence[str], *, seed: int) -> Nothing:
        return cls()

    @classmethod
    def restore(cls, arrays: Mapping[str, Any]) -> Nothing:
        return cls()

    def arrays(self) -> dict[str, Any]:
        return {}

    def encode(self, texts: Sequence[str]) -> Tensor:
        return torch.tensor([[1.0, len(text) / 1000] for text in texts]).reshape(-1, 2)


def test_files_and_terminal_tell_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate_run, "Workers", InProcess)
    monkeypatch.setitem(ENCODERS, "nothing", Nothing)
    monkeypatch.setattr("backend.names.ENCODERS", ("lsa", "nothing"))
    data = write_rare(tmp_path / "rare.csv", packed_with=60)
    arguments = (data, *QUICK, "--strategies", "random,margin", "--out", tmp_path / "out")
    result = simulate(*arguments, "--encoder", "nothing, lsa,lsa")
    assert result.exit_code == 0, result.output

    rows = read_curves(tmp_path / "out")
    assert {(row["encoder"], row["strategy"]) for row in rows} == {
        (encoder, strategy) for encoder in ("nothing", "lsa") for strategy in ("random", "margin")
    }
    starts = {(row["encoder"], row["seed"], row["macro_f1"]) for row in rows if row["labels"] == "10"}
    assert len(starts) == 4  # the same first labels for every strategy of an encoder's seed
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    both = summary["encoders"]["by_name"]
    assert list(both) == ["lsa", "nothing"]
    assert both["lsa"]["area"] > both["nothing"]["area"]
    assert summary["encoders"]["yardstick"] == "nothing"
    assert summary["setting"]["ENCODER"] == "nothing"  # 20 labels are too few
    assert summary["strategies"] == both["nothing"]["strategies"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Which encoder pays on rare.csv?" in page
    assert page.count("<svg") == 3
    assert page.index("Strategies with nothing") < page.index("Strategies with lsa")
    assert "With nothing:" in result.output
    assert "CPU s: of encoding" in result.output


def test_an_unknown_encoder_among_others_is_refused(tmp_path: Path) -> None:
    result = simulate(write_rare(tmp_path / "rare.csv"), "--encoder", "lsa,best")
    assert result.exit_code != 0
    assert "unknown encoder 'best'" in result.output
    assert simulate(write_rare(tmp_path / "rare.csv"), "--encoder", " , ").exit_code != 0
