"""Items that have the same value of a task's field, such as their source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

MOST = 50
"""Values told apart."""


@dataclass(frozen=True)
class Strata:
    """The values of a field, numbered from 0, the rarest in the pool first.

    pool: int64 [N], each item's value; labeled: int64 [M], likewise, -1 for one that the pool has not;
    count: of values; note: what the reader of a result should know of this field, None for nothing.
    """

    pool: Tensor
    labeled: Tensor
    count: int
    note: str | None = None

    def rows(self, rows: Tensor) -> Strata:
        """The same of a part of the pool. rows: int64 [n]."""
        return replace(self, pool=self.pool[rows])


def strata_of(field: str, pool: Sequence[str | None], labeled: Sequence[str | None]) -> Strata:
    """pool [N] and labeled [M]: each item's value, None for an item without the field, which is a value, too.

    Of more than MOST values all but the most frequent count as one.
    """
    counts = Counter(pool)
    falling = sorted(counts, key=lambda value: (-counts[value], value is not None, value or ""))
    number = {value: MOST - 1 if len(counts) > MOST else len(counts) - 1 for value in falling}
    number |= {value: i for i, value in enumerate(falling[: MOST - 1])}
    note = None
    if counts and set(counts) == {None}:
        note = f"no task that waits has a field {field!r}, so that `by {field}` changes nothing"
    elif len(counts) > MOST:
        note = (
            f"field {field!r} has {len(counts):,} values: all but the {MOST - 1} most frequent count as one "
            f"in `by {field}`, which is for fields of few values"
        )
    count = min(len(counts), MOST)
    sizes = torch.bincount(_numbers(pool, number), minlength=count)
    place = torch.cat([sizes.argsort(stable=True).argsort(), torch.tensor([-1])])  # the last is that of none
    return Strata(place[_numbers(pool, number)], place[_numbers(labeled, number)], count, note)


def _numbers(values: Sequence[str | None], number: dict[str | None, int]) -> Tensor:
    """int64, -1 for a value without one."""
    return torch.tensor([number.get(value, -1) for value in values], dtype=torch.int64)
