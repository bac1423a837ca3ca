"""Everything a simulation found out, for those who write it down."""

from __future__ import annotations

from dataclasses import dataclass

from backend.simulate.data import LabelledTexts
from backend.simulate.plan import Plan
from backend.simulate.replay import Replay
from backend.simulate.summary import Summary
from backend.simulate.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """file: the name of the file that was read; pool: texts to label of each seed; replays: all that
    ended, by strategy and seed; failures: in words, strategies that are left out of the summary."""

    file: str
    texts: LabelledTexts
    plan: Plan
    pool: int
    replays: list[Replay]
    summary: Summary
    verdict: Verdict
    failures: list[str]

    @property
    def method(self) -> dict[str, str]:
        """How it was measured, in words, by topic."""
        plan, texts = self.plan, self.texts
        merged = (
            f"; {texts.duplicates:,} more rows repeated a text and were merged" if texts.duplicates else ""
        )
        held_out = len(texts.rows) - self.pool
        return {
            "data": f"{len(texts.rows):,} distinct texts of {len(texts.per_class)} classes from {self.file} "
            f"({texts.source}){merged}",
            "test set": f"{held_out:,} texts, the same share of each class, drawn anew for each seed "
            "and never shown to a strategy",
            "features": f"the backend's text encoder, fitted for each seed on the {self.pool:,} other texts, "
            "without their labels",
            "labels": f"{plan.start} at random, the same for all strategies of a seed, then batches of "
            f"{plan.batch} chosen by the strategy, up to {plan.budget}; the file's label is the answer",
            "model": "the backend's own classifier, trained anew for every budget; macro-F1 is over the "
            "classes of the test set",
            "noise": "Tukey's honestly significant difference of the areas at 95 %, with the seeds as blocks",
            "seeds": ", ".join(map(str, plan.seeds)),
        }
