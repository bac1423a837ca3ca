"""A number: <Number>, within the bounds and on the steps that the tag sets.

For the queue bins are learned, each of about as many of the answers, as classes are: every strategy that asks
for probabilities orders them. What is shown comes from ridge regression on the bins' numbers: the number to
be expected.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from backend.controls.base import Answer, Control, Decided, Region, refuse_parts, regions_named, value_of
from backend.controls.sources import Source
from backend.controls.tags import Tag
from backend.errors import LabelConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from backend.learning.network import LayeredNetwork, Layers

MOST = 20
"""Bins at most."""
IN_EACH = 5
"""Answers in a bin, roughly, while there are few of them."""
FEW = 5
"""Bins, however few the answers are."""
LARGEST = 1e100
"""Numbers beyond are not read: nobody means them, and a range of them overflows."""
CENTRAL = (0.05, 0.95)
"""Of numbers without bounds, the quantiles between which their range is taken: one typing error shall not
make all others agree."""
NEAR = 1e-8
"""That a number may be off its step by, as in Label Studio's editor."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Number(Control):
    """classes: a number of each bin, rising: its median, which somebody gave. An answer is of the class that
    is nearest. minimum, maximum, step: the tag's, None where it sets none; spread: the range that distances
    are measured against, that of the tag or of the answers, 0 before there are any."""

    kind = "number"
    tags = ("Number",)
    shows = "number"
    adapts: ClassVar[Mapping[str, str]] = {}  # its classes do not stay while more labels come in

    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    spread: float = 0.0

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        refuse_parts(tag)
        least, most, step = (_set_by(tag, name) for name in ("min", "max", "step"))
        if least is not None and most is not None and least >= most:
            raise LabelConfigError(
                f"{tag} has min={_written(least)} and max={_written(most)}: no two numbers are between them. "
                "Change min or max."
            )
        return cls(
            from_name=tag.name,
            to_name=tag.to_name,
            source=source,
            minimum=least,
            maximum=most,
            step=step if step is not None and step > 0 else None,
        ).with_classes(())

    def with_classes(self, given: Iterable[Answer]) -> Control:
        numbers = np.sort(np.array([float(each) for each in given], np.float64))
        classes = tuple(_written(each) for each in _centres(numbers).tolist())
        return replace(self, classes=classes, spread=self._range_of(numbers))

    def placed(self, given: Sequence[Answer | None], answers: Sequence[Answer]) -> list[int]:
        """By the nearest. answers: rising."""
        if not answers:
            return [-1] * len(given)
        centres = np.array([float(each) for each in answers], np.float64)
        numbers = np.array([math.nan if each is None else float(each) for each in given], np.float64)
        nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, numbers)
        return [int(each) for each in np.where(np.isnan(numbers), -1, nearest)]

    # Label Studio's side

    def read(self, result: Any, content: str = "") -> Answer | None:
        given = (value_of(region, "number") for region in regions_named(result, self.from_name))
        return next((answer for each in given if (answer := self._answer(each)) is not None), None)

    def unknown_in(self, region: Region) -> list[Any] | None:
        given = value_of(region, "number")
        if given is None:
            return None
        return [given] if self._answer(given) is None else []

    def agreement(self, one: Answer, other: Answer) -> float:
        if one == other:
            return 1.0
        return max(0.0, 1 - abs(float(one) - float(other)) / self.spread) if self.spread else 0.0

    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        number = float(answer)
        whole = int(number) if number.is_integer() else number
        return [self.region("number", {"number": whole}, confidence)]

    def said_in(self, region: Region) -> list[str]:
        answer = self._answer(value_of(region, "number"))
        return [] if answer is None else [answer]

    def in_words(self, answer: Answer) -> list[str]:
        return [answer]

    @property
    def config_choices(self) -> tuple[str, ...]:
        least, most, step = (
            "" if each is None else f"{word} {_written(each)}"
            for word, each in (("from", self.minimum), ("to", self.maximum), ("by", self.step))
        )
        return (" ".join(filter(None, ["numbers", least, most, step])),)

    def score(self, predicted: Sequence[Answer], truth: Sequence[Answer]) -> dict[str, float]:
        """The mean agreement, and the mean distance in the numbers' own unit."""
        pairs = list(zip(predicted, truth, strict=True))
        agreement = sum(self.agreement(one, other) for one, other in pairs) / len(pairs)
        distance = sum(abs(float(one) - float(other)) for one, other in pairs) / len(pairs)
        return {"agreement": agreement, "mean_absolute_error": distance}

    # The network's side

    def train_beside(
        self, features: Tensor, targets: Tensor, *, seed: int, device: str
    ) -> dict[str, LayeredNetwork]:
        """Ridge regression, in closed form: without chance, and on the processor."""
        import torch

        from backend.learning.ridge import train_ridge

        centres = torch.from_numpy(self._numbers)
        return {self.shows: train_ridge(features.cpu(), centres[targets.cpu()], centres)}

    def train_alone(
        self, features: Tensor, targets: Tensor, *, seed: int, device: str
    ) -> dict[str, LayeredNetwork]:
        return self.train_beside(features, targets, seed=seed, device=device)

    def shown_of_unseen(
        self, held_out: Layers, features: Tensor, targets: Tensor, together: Tensor
    ) -> Layers:
        import torch

        from backend.learning.ridge import held_out as by_ridge

        centres = torch.from_numpy(self._numbers)
        return by_ridge(features.cpu(), centres[targets.cpu()], centres, together)

    def decide(self, layers: Layers, right: Tensor | None = None) -> Decided:
        """The expected number, such as the tag allows it, and in as many decimals as annotators give.

        The confidence is the agreement to be expected. An error head, which judges the likeliest bin, has no
        say in it.
        """
        import torch

        likely, centres = layers.probabilities.double().cpu(), torch.from_numpy(self._numbers)
        shown = torch.from_numpy(self._allowed((likely @ centres).numpy()))
        apart = (shown[:, None] - centres).abs()
        agreement = (1 - apart / self.spread).clamp(min=0) if self.spread else (apart < NEAR).double()
        sure = (likely * agreement).sum(-1).clamp(0, 1).tolist()
        return Decided([_written(each) for each in shown.tolist()], sure, sure)

    def _answer(self, given: Any) -> Answer | None:
        """What may stand in JSON as a number that the tag allows; None for all else."""
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            return None
        try:
            number = float(given)
        except OverflowError:
            return None
        least, most = self._bounds
        return _written(number) if least <= number <= most else None

    def _allowed(self, numbers: Floats) -> Floats:
        """The nearest that an annotator could give: float64 [N]."""
        (least, most), start = self._bounds, self.minimum or 0.0
        if self.step is not None:
            last = np.floor((most - start) / self.step + NEAR)
            numbers = start + np.minimum(np.round((numbers - start) / self.step), last) * self.step
        decimals = _decimals([start, self.step] if self.step is not None else self._numbers.tolist())
        bounded = np.clip(np.round(numbers, decimals), least, most)
        return np.asarray(bounded, np.float64)

    @property
    def _bounds(self) -> tuple[float, float]:
        least = -LARGEST if self.minimum is None else self.minimum
        return least, LARGEST if self.maximum is None else self.maximum

    @cached_property
    def _numbers(self) -> Floats:
        """Of each class."""
        return np.array([float(each) for each in self.classes], np.float64)

    def _range_of(self, numbers: Floats) -> float:
        """numbers: rising."""
        if self.minimum is not None and self.maximum is not None:
            return self.maximum - self.minimum
        if not len(numbers):
            return 0.0
        low, high = np.quantile(numbers, CENTRAL)
        return float(high - low) or float(numbers[-1] - numbers[0])


def _centres(numbers: Floats) -> Floats:
    """Of each bin its median, rising, none twice; every number by itself while so few are different.
    numbers: rising."""
    different, bins = np.unique(numbers), min(MOST, max(FEW, len(numbers) // IN_EACH))
    if len(different) <= bins:
        return different
    return np.unique([part[(len(part) - 1) // 2] for part in np.array_split(numbers, bins)])


def _set_by(tag: Tag, attribute: str) -> float | None:
    """A number that the tag sets, as Label Studio's editor reads it: what is none sets nothing."""
    try:
        number = float(tag.attributes.get(attribute, ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _written(number: float) -> Answer:
    """The same for equal numbers."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _decimals(numbers: Iterable[float | None]) -> int:
    """As many as any of them has, within what a float tells apart."""
    exponents = [Decimal(_written(each)).as_tuple().exponent for each in numbers if each is not None]
    return min(15, max([0, *(-each for each in exponents if isinstance(each, int))]))
