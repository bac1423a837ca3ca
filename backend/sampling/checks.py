"""What a caller may hand in, and the words that refuse the rest."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from backend.learning.reading import HEADS, READS
from backend.learning.training import Trained
from backend.learning.units import UnitLayers, UnitsLearned
from backend.sampling.uncertainty import MEASURES

MAX_FEATURE = 1e9
"""Largest feature, either side of 0: sums of squares of more would overflow single precision."""


MAX_CLUSTERS = 1000
"""Centres are found one by one, each in a time that grows with their number: twice as many take four times
as long."""


@dataclass(frozen=True)
class Range:
    """What an option may be: whole numbers from the least to the most, or a share above 0 and at most 1."""

    whole: bool
    least: int = 1
    most: float = math.inf

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        # Compared as it is: a whole number may be too large for a float.
        return self.least <= value <= self.most if self.whole else 0 < value <= 1  # type: ignore[operator]

    def __str__(self) -> str:
        if not self.whole:
            return "a number above 0 and at most 1"
        return f"a whole number, at least {self.least}" + (
            "" if math.isinf(self.most) else f" and at most {self.most:.0f}"
        )


@dataclass(frozen=True)
class Word:
    """An option that is one of some words."""

    words: tuple[str, ...]

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and value in self.words

    def __str__(self) -> str:
        return f"one of: {', '.join(self.words)}"


class Positive:
    """A number above 0."""

    def __contains__(self, value: object) -> bool:
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        return is_number and 0 < value <= sys.float_info.max  # type: ignore[operator]

    def __str__(self) -> str:
        return "a number above 0"


OPTIONS: dict[str, Range | Word | Positive] = {
    "clusters": Range(whole=True, most=MAX_CLUSTERS),
    "depth": Range(whole=True, least=0, most=5),
    "head": Word(HEADS),
    "measure": Word(tuple(MEASURES)),
    "members": Word(("uncertain", "random")),
    "layers": Word(READS),
    "neighbours": Range(whole=True, most=1000),
    "passes": Range(whole=True, most=1000),
    "round": Range(whole=True),
    "random": Range(whole=True, least=0, most=1000),
    "temperature": Positive(),
    "width": Range(whole=True, most=512),
    "within": Range(whole=False),
}
"""Our strategies' options; those of the same name mean the same. Others' check their own."""


def check_options(strategy: str, taken: list[str], options: Mapping[str, Any]) -> None:
    """Raises ValueError for an option that is not among those `taken`, or whose value is out of range."""
    for name, value in options.items():
        if name not in taken:
            raise ValueError(
                f"strategy {strategy!r} has no option {name!r}; "
                + (f"its options are: {', '.join(taken)}" if taken else "it has none")
            )
        if name in OPTIONS and value not in OPTIONS[name]:
            raise ValueError(f"strategy {strategy!r}: {name} must be {OPTIONS[name]}, not {value!r}")


def check_features(pool: Tensor, labeled: Tensor, blocks: Sequence[int] = ()) -> None:
    """Raises ValueError for shapes that do not fit and for numbers that no strategy could work with."""
    if pool.dim() != 2 or labeled.dim() != 2:
        raise ValueError(
            f"pool and labeled must be [N, D] and [M, D]; got {tuple(pool.shape)} and {tuple(labeled.shape)}"
        )
    if pool.shape[1] != labeled.shape[1]:
        raise ValueError(f"pool has {pool.shape[1]} features, labeled has {labeled.shape[1]}")
    if blocks and (min(blocks) < 1 or sum(blocks) != pool.shape[1]):
        raise ValueError(f"blocks must add up to the {pool.shape[1]} features; got {tuple(blocks)}")
    for name, features in (("pool", pool), ("labeled", labeled)):
        if not features.numel():
            continue
        # Both are NaN when any feature is; one pass, and no [N, D] mask.
        low, high = (float(end) for end in torch.aminmax(features))
        if not math.isfinite(low) or not math.isfinite(high):
            raise ValueError(
                f"features must be finite, but {name} has NaN or infinity: leave such items out, "
                "or put a number in its place (torch.nan_to_num)"
            )
        if max(-low, high) > MAX_FEATURE:
            raise ValueError(
                f"features must lie between -{MAX_FEATURE:g} and {MAX_FEATURE:g}, but {name} has "
                f"{low if -low > high else high:g}: scale them, best to rows of unit length"
            )


def check_targets(targets: Tensor, labeled: int, n_classes: int | None) -> None:
    """Raises ValueError when there is not one whole number in [0, n_classes) for each labelled item.

    Without labelled items there may be no classes yet: open ones are those that annotators gave.
    """
    if tuple(targets.shape) != (labeled,):
        raise ValueError(
            f"targets must be [{labeled}], one for each labelled item; got {tuple(targets.shape)}"
        )
    fewest = 1 if labeled else 0
    if n_classes is not None and n_classes < fewest:
        raise ValueError(f"n_classes must be at least {fewest}, not {n_classes}")
    if not labeled:
        return
    if (targets != targets.long()).any():
        raise ValueError("targets must be whole numbers, the classes' indices")
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or (n_classes is not None and high >= n_classes):
        allowed = (
            "at least 0" if n_classes is None else f"from 0 to {n_classes - 1} (n_classes is {n_classes})"
        )
        raise ValueError(f"targets must be {allowed}, not {low if low < 0 else high}")


def check_classifier(trained: Trained, features: int, n_classes: int) -> None:
    """Raises ValueError when a classifier that was brought along is one for other features or classes."""
    shape = trained.network.shape
    if (shape.inputs, shape.classes) != (features, n_classes):
        raise ValueError(
            f"the trained classifier takes {shape.inputs} features and tells {shape.classes} classes; "
            f"here are {features} and {n_classes}"
        )


def check_units(learned: UnitsLearned, pool: int, labeled: int) -> None:
    """Raises ValueError when what was learned of units is not of these items, or does not fit together.

    pool, labeled: how many items there are.
    """
    _check_layers("pool", learned.pool, pool)
    _check_layers("labelled", learned.held_out, labeled)
    units = len(learned.held_out.item)
    if learned.correct.shape != (units,):
        raise ValueError(
            f"there must be a verdict on each of {units} labelled units; got {tuple(learned.correct.shape)}"
        )
    if learned.n_siblings < 1:
        raise ValueError("a learner of units needs a sibling at least: it has none")


def _check_layers(name: str, of: UnitLayers, items: int) -> None:
    if of.items != items:
        raise ValueError(f"units of {items} {name} items were asked for; those learned are of {of.items}")
    units = len(of.item)
    if any(len(layer) != units for layer in [*of.layers.hidden, of.layers.logits]):
        raise ValueError(f"{units} units of {name} items need a row each in every layer")
    if not of.layers.hidden:
        raise ValueError(
            f"units of {name} items need a hidden layer, which heads read: of a linear learner what it reads"
        )
    if units and (int(of.item[0]) < 0 or int(of.item[-1]) >= items or bool((of.item.diff() < 0).any())):
        raise ValueError(f"units of {name} items must stand in their items' order, from 0 to {items - 1}")
