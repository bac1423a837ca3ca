"""Replays whose scores are made up, and what a simulation found out that consists of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from backend.labelled.load import LabelledTexts
from backend.simulate.encoders import compare
from backend.simulate.outcome import Outcome, Part
from backend.simulate.plan import Plan
from backend.simulate.replay import Full, Point, Replay, Score
from backend.simulate.summary import summarise
from backend.simulate.verdict import judge

PLAN = Plan(("random", "margin"), (0, 1), batch=20, start=20, budget=300, held_out=0.2)
FULL = {0: Score(0.8, 0.9), 1: Score(0.6, 0.9)}
CURVES: dict[str, list[float]] = {"random": [0.3, 0.4, 0.5], "margin": [0.5, 0.6, 0.75]}


def curve(
    strategy: str,
    seed: int,
    scores: Sequence[float],
    *,
    encoder: str = "lsa",
    own_start: bool = False,
    classes: Mapping[str, float] | None = None,
) -> Replay:
    """A point every 20 labels; per class 10 labels a seed of "a", and 3 of "b"."""
    points = [
        Point(20 * (i + 1), Score(score, score / 2, dict(classes or {})), 0.5 * i)
        for i, score in enumerate(scores)
    ]
    per_class = dict.fromkeys(classes, 3) if classes else {"a": 10 * seed, "b": 3}
    return Replay(strategy, seed, tuple(points), per_class, own_start, encoder)


def curves(
    scores: Mapping[str, Sequence[float]], *, encoder: str = "lsa", classes: Mapping[str, float] | None = None
) -> list[Replay]:
    """Of both seeds, the second one's a little higher."""
    return [
        curve(name, seed, [each + 0.02 * seed for each in along], encoder=encoder, classes=classes)
        for name, along in scores.items()
        for seed in FULL
    ]


def part(replays: Sequence[Replay], encoder: str = "lsa", plan: Plan = PLAN) -> Part:
    summary = summarise(replays, FULL)
    return Part(encoder, list(replays), summary, judge(summary, plan, 1_000))


def outcome(
    parts: Sequence[Part] | None = None,
    *,
    texts: LabelledTexts | None = None,
    plan: Plan = PLAN,
    failures: Sequence[str] = (),
    file: Path = Path("folder/mine.csv"),
) -> Outcome:
    found = list(parts or [part(curves(CURVES), plan=plan)])
    given = texts or LabelledTexts(
        [(f"text {i}", "a" if i % 3 else "b") for i in range(1_250)], 0, "columns text and label", "CSV"
    )
    full = {
        each.encoder: {seed: Full(score, 1.5) for seed, score in each.summary.full_scores.items()}
        for each in found
    }
    encoders = compare([replay for each in found for replay in each.complete], full, plan)
    return Outcome(file, given, plan, 1_000, found, list(failures), encoders)
