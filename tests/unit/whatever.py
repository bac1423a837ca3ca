"""What may stand in JSON in the place of anything, and how many examples a cheap property takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, settings

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties of which a wrong code breaks on most inputs: unit tests are to take minutes."""

NUMBERS: list[Any] = [0, 1, -1, 2.5, 10**400, -(10**400), 1e308, float("nan"), float("inf"), True, False]
TEXTS: list[Any] = ["", " ", "1", "$text", "\ud800", "\0", "\N{ROCKET}" * 3, "x" * 2000, "[1", "<b>", "../a"]
"""Half a surrogate pair, a character of two UTF-16 units, a path, what looks like JSON or HTML."""
SCALARS: list[Any] = [None, *NUMBERS, *TEXTS]
NESTED: list[Any] = [[], {}, [[]], [{}], {"": None}, [None], [[1, 2], "a"], {"a": {"b": [1]}}, ["a", 1]]
WHATEVER: list[Any] = [*SCALARS, *NESTED]


SOME: list[Any] = [None, float("inf"), float("nan"), 10**400, True, "x", "\ud800", [], {}, [["a"]]]
"""Where all of it would take long."""


def in_places_of(right: Any, others: Sequence[Any] = WHATEVER) -> Iterator[Any]:
    """A value of JSON with one of its parts, or itself, replaced by whatever, and with one of its keys left
    out."""
    yield from others
    if isinstance(right, dict):
        for key, held in right.items():
            yield {name: each for name, each in right.items() if name != key}
            yield from ({**right, key: other} for other in in_places_of(held, others))
    elif isinstance(right, list):
        for i, held in enumerate(right):
            yield from ([*right[:i], other, *right[i + 1 :]] for other in in_places_of(held, others))
