"""Labelling of parts replayed: which items first, by the items and by what people pay for them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor

from backend.learning.units import UnitsLearned
from backend.sampling import select
from backend.simulate.plan import MAX_HELD_OUT, Plan

Step = Callable[[], None]
Surest = dict[int, float]
"""By the number of each label that is marked, how sure the surest part with it is, in [0, 1]."""


class Items(ABC):
    """Labelled items of one kind, as a learner of this kind reads them.

    things, cost, measure: in words, what they are, what people pay for them and how well they are learned,
    the columns' names; cost_told, measure_told: the same for a person.
    """

    things: ClassVar[str]
    cost: ClassVar[str]
    measure: ClassVar[str]
    cost_told: ClassVar[str]
    measure_told: ClassVar[str]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def compared(self) -> Tensor:
        """By which they are compared with each other, float32 [N, D]."""

    @abstractmethod
    def of(self, items: Tensor) -> Self:
        """Some of them, int64 [n], in this order."""

    @abstractmethod
    def paid(self) -> int:
        """For all of them."""

    @abstractmethod
    def trained(self, seed: int) -> Any | None:
        """What is learned of these; None while they are too few."""

    @abstractmethod
    def learned(self, trained: Any) -> UnitsLearned:
        """What a strategy asks about these, which wait."""

    @abstractmethod
    def score(self, trained: Any | None) -> float:
        """How right it is of these, in [0, 1]."""

    @abstractmethod
    def surest(self, trained: Any) -> list[Surest]:
        """What it would mark in each of these."""


def surest_of(parts: Iterable[tuple[int, float]]) -> Surest:
    """Of parts, each a label and how sure it is."""
    found: Surest = {}
    for label, sure in parts:
        found[label] = max(sure, found.get(label, 0.0))
    return found


@dataclass(frozen=True)
class PartsJob:
    """One strategy's labelling from the start to the budget, or, of None, a model of the whole pool. read:
    the items out of `file`."""

    strategy: str | None
    seed: int
    plan: Plan
    file: Path
    read: Callable[[Path], Items]

    def __str__(self) -> str:
        return f"{self.strategy or 'all labels'}, seed {self.seed}"


class PartsPoint(NamedTuple):
    """After so many items, which cost so much: how well is told of the held-out ones, and CPU seconds of
    choosing."""

    labels: int
    cost: int
    score: float
    seconds: float


@dataclass(frozen=True)
class PartsReplay:
    strategy: str
    seed: int
    points: tuple[PartsPoint, ...]


def replay_parts(job: PartsJob, step: Step) -> PartsReplay:
    """What the strategy's choice would have come to on one seed's split."""
    torch.set_num_threads(1)
    items = job.read(job.file)
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(job.seed))
    held_out = held_out_of(len(items), job.plan)
    test, pool = items.of(order[:held_out]), order[held_out:]
    if job.strategy is None:
        step()
        every = items.of(pool)
        return PartsReplay("", job.seed, (_measured(every.trained(job.seed), test, every, 0.0),))
    return PartsReplay(job.strategy, job.seed, tuple(_labelled(job, items, pool, test, step)))


def held_out_of(items: int, plan: Plan) -> int:
    """How many are measured on."""
    return max(1, min(int(items * plan.held_out), MAX_HELD_OUT))


def _labelled(job: PartsJob, items: Items, pool: Tensor, test: Items, step: Step) -> list[PartsPoint]:
    vectors, points, seconds = items.compared(), list[PartsPoint](), 0.0
    chosen, rest, trained = pool[:0], pool, None
    for budget in job.plan.budgets:
        began = time.process_time()
        if not len(chosen) and not job.plan.live:
            picks = torch.arange(budget)  # the split is random already
        else:
            learned = None if trained is None else items.of(rest).learned(trained)
            picks = _picked(job, vectors, chosen, rest, learned, budget - len(chosen))
        seconds += time.process_time() - began
        chosen = torch.cat([chosen, rest[picks]])
        rest = rest[~torch.isin(torch.arange(len(rest)), picks)]
        taught = items.of(chosen)
        trained = taught.trained(job.seed)
        points.append(_measured(trained, test, taught, seconds))
        step()
    return points


def _picked(
    job: PartsJob, vectors: Tensor, chosen: Tensor, rest: Tensor, learned: UnitsLearned | None, n: int
) -> Tensor:
    assert job.strategy is not None
    targets = torch.zeros(len(chosen), dtype=torch.int64)
    return select(job.strategy, vectors[rest], vectors[chosen], targets, n, seed=job.seed, trained=learned)


def _measured(trained: Any | None, test: Items, taught: Items, seconds: float) -> PartsPoint:
    return PartsPoint(len(taught), taught.paid(), test.score(trained), seconds)
