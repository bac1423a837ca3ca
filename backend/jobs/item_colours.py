"""By what items are coloured on the map: label, guess, doubt and annotator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.controls.base import Region
from backend.controls.regions import NOTHING, RegionControl
from backend.guessing import outputs_of
from backend.loaded import Loaded
from backend.said.base import Contents
from backend.store.item_map import NO_DOUBT, NONE, Placed, packed
from backend.store.tasks import StoredTask
from backend.store.vectors import digest_of
from backend.wrapped.prediction import WrappedPrediction

CHUNK = 2048
MOST = 60
"""Labels, and annotators, with a colour of their own, the most frequent first; the others share one."""
OTHERS, DISPUTED = "others", "in dispute"
NAME_CHARACTERS = 80
Whole = npt.NDArray[np.int64]


class Colours:
    """annotators: by task who labelled it; between: called often, may raise; theirs: tells of given tasks
    what the ML backend that the project wraps said last, None where it wraps none."""

    def __init__(
        self,
        loaded: Loaded,
        annotators: Mapping[int, str],
        between: Callable[[], object],
        theirs: Callable[[Iterable[int]], Iterator[WrappedPrediction]] | None = None,
    ):
        self._loaded = loaded
        self._main = loaded.version.scheme.main
        self._annotators = annotators
        self._between = between
        self._theirs = theirs

    def packed(self, tasks: Sequence[StoredTask], placed: Placed, header: Mapping[str, Any]) -> bytes:
        """What a page shows of those tasks that have a place: see `store.item_map.packed`."""
        place_of = {digest: row for row, digest in enumerate(placed.digests)}
        shown = [(task, row) for task in tasks if (row := place_of.get(digest_of(task.text))) is not None]
        own = [task for task, _ in shown]
        guesses, doubt = self._guessed(own)
        if self._theirs is not None:
            guesses = self._said(self._theirs, own)
        labels = [self._label(task.target) for task in own]
        names, (label, guess) = _numbered([labels, guesses])
        annotators, (annotator,) = _numbered([[self._annotators.get(task.id) for task in own]])
        x, y = _spread(placed.positions[[row for _, row in shown]])
        columns = {"task": np.array([task.id for task in own]), "x": x, "y": y, "doubt": doubt}
        columns |= {"label": label, "guess": guess, "annotator": annotator}
        told = {"version": self._loaded.version.name, "labels": names, "annotators": annotators}
        return packed({**header, **told}, columns)

    def _label(self, answer: str | None) -> str | None:
        """In one name what an answer says; None where there is none."""
        if answer is None:
            return None
        # Of parts that are all in dispute it is not known what they are.
        otherwise = DISPUTED if isinstance(self._main, RegionControl) else answer
        return _name(self._main.regions(answer, 1.0), "" if answer == NOTHING else otherwise)

    def _said(
        self, theirs: Callable[[Iterable[int]], Iterator[WrappedPrediction]], tasks: Sequence[StoredTask]
    ) -> list[str | None]:
        """What the wrapped backend's answers say, by labels' names; None where it said nothing."""
        place_of = {task.id: place for place, task in enumerate(tasks)}
        names: list[str | None] = [None] * len(tasks)
        for prediction in theirs(place_of):
            self._between()
            place = place_of[prediction.task]
            names[place] = self._label(self._main.read(list(prediction.result), tasks[place].text))
        return names

    def _guessed(self, tasks: Sequence[StoredTask]) -> tuple[list[str | None], Whole]:
        """What the version would say of each, and how undecided it is, in 0 to 254."""
        names: list[str | None] = [None] * len(tasks)
        doubt = np.full(len(tasks), NO_DOUBT)
        if not self._loaded.version.models:
            return names, doubt
        for start in range(0, len(tasks), CHUNK):
            self._between()
            some = tasks[start : start + CHUNK]
            found = self._loaded.vectors([task.text for task in some], 0)
            rows = start + np.flatnonzero(found.has)
            texts = found.of([task.text for task in some])
            contents = Contents(texts, found.features, found.of([task.offered for task in some]), found.units)
            said = outputs_of(self._loaded.version, contents)[0]
            for row, regions in zip(rows.tolist(), said.guesses(None, 0.0), strict=True):
                names[row] = _name(regions, "")
            undecided = said.doubt()
            if undecided is not None:
                doubt[rows] = (undecided.clamp(0, 1) * (NO_DOUBT - 1)).round().long().numpy()
        return names, doubt


def _name(regions: Sequence[Region], answer: str) -> str:
    """The label that is given most often in them, the first of equals; where they give none, the answer."""
    given = Counter(
        label
        for region in regions
        for value in region.get("value", {}).values()
        if isinstance(value, list)
        for label in value
        if isinstance(label, str)
    )
    name = given.most_common(1)[0][0] if given else answer
    return name[:NAME_CHARACTERS] or "nothing"


def _numbered(columns: Sequence[Sequence[str | None]]) -> tuple[list[str], list[Whole]]:
    """Names, the most frequent first, and of each column which of them each is."""
    counted = Counter(name for column in columns for name in column if name is not None)
    names = sorted(counted, key=lambda name: (-counted[name], name))
    kept = names if len(names) <= MOST else [*names[: MOST - 1], OTHERS]
    number_of = {name: min(i, len(kept) - 1) for i, name in enumerate(names)}
    return kept, [
        np.array([NONE if name is None else number_of[name] for name in column], np.int64)
        for column in columns
    ]


def _spread(positions: npt.NDArray[np.float32]) -> tuple[Whole, Whole]:
    """Positions over 0 to 65,535, in both directions by the same measure."""
    if not len(positions):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    low, high = positions.min(0), positions.max(0)
    wide = max(float((high - low).max()), 1e-9)
    spread = ((positions - (low + high) / 2) / wide + 0.5) * 65535
    at = spread.round().clip(0, 65535).astype(np.int64)
    return at[:, 0], at[:, 1]
