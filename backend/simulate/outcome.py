"""Everything a simulation found out, for those who write it down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.labelled import LabelledTexts
from backend.labelled.load import in_words
from backend.simulate.encoders import Comparison
from backend.simulate.plan import Plan
from backend.simulate.replay import Replay
from backend.simulate.summary import Summary
from backend.simulate.verdict import Verdict


@dataclass(frozen=True)
class Part:
    """What was found with one encoder. replays: all that ended, by strategy and seed."""

    encoder: str
    replays: list[Replay]
    summary: Summary
    verdict: Verdict

    @property
    def complete(self) -> list[Replay]:
        """The replays that are in the summary."""
        ranked = {row.strategy for row in self.summary.strategies}
        own = self.summary.own_start is not None
        return [r for r in self.replays if (own if r.own_start else r.strategy in ranked)]


@dataclass(frozen=True)
class Outcome:
    """file: the one that was read; pool: texts to label of each seed; parts: by encoder, in the plan's order;
    failures: in words, strategies that are left out; encoders: how they compare, None for a single one."""

    file: Path
    texts: LabelledTexts
    plan: Plan
    pool: int
    parts: list[Part]
    failures: list[str]
    encoders: Comparison | None = None

    @property
    def chosen(self) -> Part:
        """With the encoder that the data speak for."""
        wanted = self.plan.encoders[0] if self.encoders is None else self.encoders.verdict.setting
        return next(part for part in self.parts if part.encoder == wanted)

    @property
    def method(self) -> dict[str, str]:
        """How it was measured, in words, by topic."""
        plan, texts, things = self.plan, self.texts, self.texts.things
        merged = (
            f"; {texts.duplicates:,} more {things.row}s that repeated others were merged"
            if texts.duplicates
            else ""
        )
        left_out = "; left out: " + ", ".join(in_words(texts.dropped, things)) if texts.dropped else ""
        held_out = len(texts.rows) - self.pool
        return {
            "data": f"{len(texts.rows):,} distinct {things.many} of {len(texts.per_class)} classes "
            f"from {self.file.name} ({texts.source}; {texts.form}){merged}{left_out}",
            "test set": f"{held_out:,} {things.many}, the same share of each class, drawn anew for each seed "
            "and never shown to a strategy",
            "features": things.features(self._encoders, self.pool),
            "labels": self._labels,
            **self._own_start,
            "model": "the backend's own classifier, trained anew for every budget; macro-F1 is over the "
            "classes of the test set",
            "noise": "Tukey's honestly significant difference of the areas at 95 %, with the seeds as blocks",
            "seeds": ", ".join(map(str, plan.seeds)),
        }

    @property
    def _labels(self) -> str:
        plan = self.plan
        label = f"up to {plan.budget}; the file's label is the answer"
        if plan.live:
            return (
                f"as the backend labels, from each strategy's own first order on: the first {plan.batch} of "
                f"a queue, a retrain, the first {plan.batch} of the next, {label}"
            )
        return (
            f"{plan.start} at random, the same for all strategies of a seed, then batches of {plan.batch} "
            f"chosen by the strategy, {label}"
        )

    @property
    def _encoders(self) -> str:
        named = ", ".join(self.plan.encoders)
        return f"s {named}, each with the same splits and first labels" if self.encoders else f" {named}"

    @property
    def _own_start(self) -> dict[str, str]:
        own = self.chosen.summary.own_start
        if own is None:
            return {}
        return {
            "own start": f"{own.strategy} once more, its first {self.plan.start} labels not random but those "
            "that the backend puts first in a new project (typical and diverse ones); not among the "
            "strategies compared, which all start with the same labels"
        }
