"""What a wrapped backend has said of a project's tasks, kept beside the models.

Several processes may add at the same time; one at a time merges. Of 100,000 tasks only what the parts are
about is in memory, some MB, and one part's results at a time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from time import monotonic

import numpy as np

from backend.store.files import Files
from backend.store.wrapped_index import Index, Rows, outlived
from backend.store.wrapped_parts import NO_ROWS, PART_BYTES, PART_ROWS, Floats, Ints, Part
from backend.store.wrapped_parts import packed as packed_parts
from backend.wrapped.prediction import WrappedPrediction

logger = logging.getLogger(__name__)

FOLDER = "wrapped"
TASKS, RESULTS = ".tasks.json", ".results"
MANY = 16
"""Of parts less than half full so many may be; then they are merged."""
KEPT_VERSIONS = 3
"""Of a task, what the newest so many versions said is kept. A task that is labelled is not asked about any
more, so that what was said of it before stays."""
LOOK_EVERY = 1.0
"""Seconds between looks for parts that others have added."""


class WrappedPredictions:
    """Of one project. Safe to share between threads. Raises ModelStoreError where that fails."""

    def __init__(self, files: Files):
        self._files = files
        self._index = Index()
        self._looked = -inf
        self._changing = threading.Lock()

    def add(self, predictions: Sequence[WrappedPrediction]) -> None:
        """None is seen before all of its part can be."""
        self._add(predictions)

    def newest(self, tasks: Iterable[int]) -> dict[int, WrappedPrediction]:
        """What was said last, of each task of which something was. All in memory: for a head, not a pool."""
        return {each.task: each for each in self.each_newest(tasks)}

    def each_newest(self, tasks: Iterable[int]) -> Iterator[WrappedPrediction]:
        """The same one after the other, in no order: one part's are in memory at a time."""
        return self._found(np.unique(np.fromiter(tasks, np.int64)), inf)

    def before(self, task: int, when: float) -> WrappedPrediction | None:
        """What was said last before a moment, in seconds since 1970."""
        return self.each_before({task: when}).get(task)

    def each_before(self, moments: Mapping[int, float]) -> dict[int, WrappedPrediction]:
        """The same of many tasks, each with its moment."""
        tasks = np.array(sorted(moments), np.int64)
        until = np.array([moments[task] for task in tasks.tolist()], np.float64)
        return {each.task: each for each in self._found(tasks, until)}

    def count_since(self, since: float) -> int:
        """Of how many tasks something was said since a moment."""
        return len(self._look().tasks_since(since))

    def lacking(self, tasks: Sequence[int], since: float = -inf) -> list[int]:
        """Those of the tasks, in their order, of which nothing was said yet, or nothing since a moment."""
        is_known = np.isin(np.asarray(tasks, np.int64), self._look().tasks_since(since))
        return [task for task, has in zip(tasks, is_known.tolist(), strict=True) if not has]

    def merge(self) -> None:
        """Make few parts of many small ones, and let go of what older versions said. For one at a time."""
        parts = self._look(at_once=True).parts
        names, rows = list(parts), Rows.of(list(parts.values()))
        gone = outlived(list(parts.values()), KEPT_VERSIONS)
        lost = np.bincount(rows.part[gone], minlength=len(names)).tolist()
        small = [name for name in names if _is_small(parts[name])]
        chosen = set(small) if len(small) > MANY else set()
        chosen |= {name for name, n in zip(names, lost, strict=True) if n and 2 * n >= len(parts[name].tasks)}
        before, held, size = list[str](), list[WrappedPrediction](), 0
        for number, name in enumerate(names):
            if name not in chosen:
                continue
            kept = rows.row[(rows.part == number) & ~gone]
            held += self._of(name, parts[name], kept.tolist())
            before.append(name)
            size += parts[name].size
            if len(held) >= PART_ROWS or size >= PART_BYTES:
                self._replace(before, held)
                before, held, size = [], [], 0
        self._replace(before, held)

    def forget(self) -> None:
        """All of it."""
        self._files.delete(FOLDER)
        with self._changing:
            self._index, self._looked = Index(), -inf

    def _add(self, predictions: Sequence[WrappedPrediction]) -> set[str]:
        """Returns the names of the parts."""
        made = packed_parts(predictions)
        for part in made:
            path = f"{FOLDER}/{part.name}"
            self._files.write(path + RESULTS, part.results)  # first: who sees the other finds it
            self._files.write(path + TASKS, part.about)
        new = {f"{FOLDER}/{part.name}": Part.parse(part.about) for part in made}
        with self._changing:
            self._index = self._index.to({**self._index.parts, **new})
        return set(new)

    def _replace(self, names: Sequence[str], predictions: list[WrappedPrediction]) -> None:
        """Who is killed in the midst leaves some twice, of which one counts."""
        made = self._add(predictions)
        for name in names:
            if name not in made:
                self._files.delete(name + TASKS)
                self._files.delete(name + RESULTS)
        with self._changing:
            kept = {n: part for n, part in self._index.parts.items() if n in made or n not in names}
            self._index = self._index.to(kept)

    def _found(
        self, tasks: Ints, until: float | Floats, *, again: bool = True
    ) -> Iterator[WrappedPrediction]:
        """Of each of the tasks, each once, what was said last before its moment, part by part."""
        index = self._look(at_once=not again)
        names, rows = list(index.parts), index.newest(tasks, until)
        missed = NO_ROWS.tasks
        for number in np.unique(rows.part).tolist():
            here, name = rows.at(rows.part == number), names[number]
            try:
                yield from self._of(name, index.parts[name], here.row.tolist())
            except FileNotFoundError:  # merged into another meanwhile
                missed = np.append(missed, here.tasks)
        if len(missed) and again:
            is_missed = np.isin(tasks, missed)
            moments = np.broadcast_to(until, tasks.shape)[is_missed]
            yield from self._found(tasks[is_missed], moments, again=False)

    def _of(self, name: str, part: Part, rows: Sequence[int]) -> list[WrappedPrediction]:
        """Raises FileNotFoundError where its results are gone. What cannot be read is left out."""
        try:
            results = self._files.read_constant(name + RESULTS)
        except FileNotFoundError:
            raise
        except OSError as error:
            logger.warning("what was said of some tasks is left out, %s cannot be read: %s", name, error)
            return []
        found = []
        for row in rows:
            try:
                found.append(part.prediction(row, results))
            except (ValueError, KeyError, TypeError) as error:
                logger.warning(
                    "what was said of task %d is left out, in %s: %s", part.tasks[row], name, error
                )
        return found

    def _look(self, *, at_once: bool = False) -> Index:
        """Of the parts, with those that others have added. Many ask for what they have just asked for."""
        if not at_once and monotonic() - self._looked < LOOK_EVERY:
            return self._index
        known = self._index.parts
        present = {path.removesuffix(TASKS) for path in self._files.paths(FOLDER, TASKS)}
        new = {
            name: part for name in sorted(present - known.keys()) if (part := self._read(name)) is not None
        }
        with self._changing:
            now = self._index.parts
            added = {name: part for name, part in now.items() if name not in known}
            kept = {name: part for name, part in known.items() if name in present and name in now}
            self._index, self._looked = self._index.to({**kept, **new, **added}), monotonic()
            return self._index

    def _read(self, name: str) -> Part | None:
        """None where it has been merged meanwhile."""
        try:
            return Part.parse(self._files.read_constant(name + TASKS))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("what was said of some tasks is left out, %s cannot be read: %s", name, error)
            return NO_ROWS


def _is_small(part: Part) -> bool:
    return 2 * len(part.tasks) < PART_ROWS and 2 * part.size < PART_BYTES
