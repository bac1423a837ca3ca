"""What a model wrote of one text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

LONGEST = 10_000
"""Characters that are kept of it."""


class Written(NamedTuple):
    """text: without the white space around it, "" where it wrote nothing; sure: exp of the mean of its
    tokens' log-probabilities, in (0, 1], None where it tells none."""

    text: str
    sure: float | None


class Example(NamedTuple):
    """A labelled text, and what its annotators wrote."""

    text: str
    answer: str


class Writer(Protocol):
    """A model that writes. Raises GenerationError."""

    def check(self) -> None:
        """Whether it is there; nothing is written for it."""

    def write_each(
        self, instruction: str, examples: Sequence[Example], texts: Iterator[str], seconds: float
    ) -> Iterator[Written | None]:
        """Of each text, in turn; None of one that there was no time for. seconds: for what is written at
        once, be it one text or all; texts: each is taken just before it is written of."""

    def close(self) -> None: ...


def sureness(log_probabilities: Any) -> float | None:
    """The geometric mean of the tokens' probabilities; None for what are none."""
    if not isinstance(log_probabilities, list) or not log_probabilities:
        return None
    known = [each for each in log_probabilities if _is_log_probability(each)]
    if len(known) != len(log_probabilities):
        return None
    return math.exp(min(0.0, sum(known) / len(known)))


def _is_log_probability(value: Any) -> bool:
    """A little above 0 it may be by rounding; servers write -9999 for a probability of 0."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value < 1e-3
