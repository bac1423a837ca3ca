"""What is replayed: the strategies, the seeds and the budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.errors import AtlasError
from backend.names import STRATEGIES, is_known_strategy

DEFAULT_STRATEGIES = "random,margin,auto"
"""The baseline, the classic, and the one that mixes by itself."""
DEFAULT = "auto"
"""The backend's own default strategy, kept unless there is a reason to leave it."""
MAX_HELD_OUT = 2000
"""Texts held out at most: the standard error of an accuracy of 80 % is then below one point."""
MANY_CLASSES = 1000
"""Above so many, a budget that cannot find them all compares nothing but chance, for many minutes."""


@dataclass(frozen=True)
class Plan:
    """start, budget: labels in all, before the first batch and at the end; held_out: share of each class."""

    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    batch: int
    start: int
    budget: int
    held_out: float
    encoders: tuple[str, ...] = ("lsa",)
    """Compared where there are several: the first stays unless another is better."""
    live: bool = False
    """As the backend labels, from each strategy's own first order on; else from the same random labels."""

    @property
    def budgets(self) -> list[int]:
        """Numbers of labels at which the model is measured; the last batch may be smaller."""
        return [*range(self.start, self.budget, self.batch), self.budget]

    def compares_nothing(self, pool: int) -> bool:
        """Whether one batch uses the pool up, so that every strategy ends with the same labels."""
        return self.budget == pool and len(self.budgets) == 2

    def within(self, pool: int, classes: int) -> Plan:
        """This plan for so many texts to label, of so many classes.

        Raises AtlasError when there is nothing to choose, or far more classes than labels.
        """
        plan = replace(self, budget=min(self.budget, pool))
        if plan.start >= plan.budget:
            raise AtlasError(
                f"nothing is left to choose: --start is {plan.start} and --budget {self.budget}, "
                f"of {pool} to label"
            )
        if classes > max(MANY_CLASSES, plan.budget):
            raise AtlasError(
                f"there are {classes:,} classes, of which {plan.budget} labels can find {plan.budget} at "
                "most: every strategy would score near 0. If the labels are right, take a part of the "
                f"classes, or a --budget of {classes} or more, which takes long"
            )
        return plan


def parse_strategies(text: str | None) -> tuple[str, ...]:
    """Names separated by commas, each once. Raises ValueError naming the known ones for an unknown one."""
    given = [name.strip() for name in (DEFAULT_STRATEGIES if text is None else text).split(",")]
    strategies = tuple(dict.fromkeys(name for name in given if name))
    if not strategies:
        raise ValueError(f"no strategy is named; choose among: {', '.join(STRATEGIES)}")
    for name in strategies:
        if not is_known_strategy(name):
            from backend.sampling.registry import check_name

            check_name(name)
    return strategies
