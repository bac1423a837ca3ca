"""A retrain's tasks as far as they have vectors: what is known of them, what waits, what repeats what."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from torch import Tensor

from backend.controls.base import Answer, Control
from backend.controls.scheme import LabelScheme
from backend.copies import Copies
from backend.jobs.encode_pool import Pool
from backend.jobs.kept_copies import KeptCopies
from backend.jobs.taught import Taught, taught, taught_beside
from backend.learning.units import Units
from backend.store.tasks import StoredTask
from backend.store.vectors import digest_of
from backend.wrapped.heard import Heard


@dataclass(frozen=True)
class Material:
    """every: all tasks, by rising id; tasks: those with vectors, which rows are of; pool: the vectors; later:
    ids of those that wait without one, at random; first: what the queue's control learns from; heard: what
    the ML backend said that the project wraps, None where it wraps none; audits: ids of labelled tasks that
    were drawn at random."""

    scheme: LabelScheme
    every: Sequence[StoredTask]
    tasks: list[StoredTask]
    pool: Pool
    later: list[int]
    copies: Copies
    first: Taught
    heard: Heard | None = None
    audits: AbstractSet[int] = frozenset()

    @property
    def features(self) -> Tensor:
        """Float32 [N, D]."""
        return self.pool.features

    @cached_property
    def waits(self) -> npt.NDArray[np.bool_]:
        """bool [N]."""
        return np.array([task.waits for task in self.tasks])

    @cached_property
    def waiting(self) -> list[int]:
        """Rows to rank, rising."""
        found: list[int] = np.flatnonzero(self.waits & ~self.copies.behind).tolist()
        return found

    @cached_property
    def behind(self) -> list[int]:
        """Rows of tasks that wait behind others of the same content, rising."""
        found: list[int] = np.flatnonzero(self.copies.behind).tolist()
        return found

    def texts(self, rows: Sequence[int]) -> list[str]:
        return [self.tasks[i].text for i in rows]

    def units(self, rows: Sequence[int]) -> Units:
        """The parts of these tasks' contents. Raises ValueError where none were asked for."""
        if self.pool.units is None:
            raise ValueError("this pool holds whole contents alone")
        return self.pool.units.of([digest_of(text) for text in self.texts(rows)])

    def unit_means(self, rows: Sequence[int]) -> Tensor:
        """The mean of these contents' parts, float32 [n, D]. Raises ValueError as `units`."""
        if self.pool.units is None:
            raise ValueError("this pool holds whole contents alone")
        return self.pool.units.means([digest_of(text) for text in self.texts(rows)])

    def taught(self, control: Control) -> Taught:
        """What one of the scheme's controls learns from."""
        if control.from_name == self.scheme.main.from_name:
            return self.first
        given = [task.others.get(control.from_name) for task in self.tasks]
        return taught_beside(control, given, self.copies)


def material_of(
    scheme: LabelScheme,
    every: Sequence[StoredTask],
    pool: Pool,
    seed: int,
    kept: KeptCopies,
    heard: Heard | None = None,
    audits: AbstractSet[int] = frozenset(),
) -> Material:
    """pool: of all the tasks, in their order; kept: of the project."""
    tasks = [every[i] for i in np.flatnonzero(pool.done).tolist()]
    later = [every[i].id for i in np.flatnonzero(~pool.done).tolist() if every[i].waits]
    shuffled = np.random.default_rng(seed).permutation(later).tolist() if later else []
    given: list[Answer | None] = [task.target for task in tasks]
    copies, first = taught(scheme.main, tasks, given, pool.features, kept.grouped)
    return Material(scheme, every, tasks, pool, shuffled, copies, first, heard, audits)
