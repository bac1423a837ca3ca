"""An order of a task's items: <Ranker> about a <List>.

The items are other ones in each task, so that an order is no class. Nothing is trained or predicted: a queue
by it serves what is typical of what has no order yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backend.controls.base import Answer, Control, Region, refuse_parts, regions_named, value_of
from backend.controls.sources import Listed, Source
from backend.controls.tags import Tag

ORDER = "(order)"
"""The one class."""
MOST_COMPARED = 200
"""Items of an answer that are compared with another's: what stands behind has no say."""


@dataclass(frozen=True, kw_only=True)
class Ranking(Control):
    """An answer is a JSON object: by the control's name, or by the name of each bucket, the ids of items."""

    kind = "ranking"
    tags = ("Ranker",)
    sources: ClassVar[Mapping[str, type[Source]]] = {Listed.tag: Listed}
    turn = 3
    joins = False
    adapts: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        refuse_parts(tag)
        return cls(from_name=tag.name, to_name=tag.to_name, source=source, classes=(ORDER,))

    def placed(self, given: Sequence[Answer | None], answers: Sequence[Answer]) -> list[int]:
        return [-1 if answer is None else 0 for answer in given]

    def caveats(self) -> Iterator[str]:
        yield (
            f'"{self.from_name}" asks for an order: none is learned or predicted, and where nothing else '
            "orders the queue, it serves typical tasks"
        )

    # Label Studio's side

    def read(self, result: Any, content: str = "") -> Answer | None:
        given = (_order_in(region) for region in regions_named(result, self.from_name))
        return next((json.dumps(each, ensure_ascii=False) for each in given if each), None)

    def unknown_in(self, region: Region) -> list[Any] | None:
        given = value_of(region, "ranker")
        return None if given is None else [] if _order_in(region) else [given]

    def agreement(self, one: Answer, other: Answer) -> float:
        """Of all pairs of items, the share that both put in the same order, or in the same bucket."""
        if one == other:
            return 1.0
        ours, theirs = _ranks(one), _ranks(other)
        items = sorted(ours.keys() | theirs.keys())
        if len(items) < 2:
            return 0.0
        names = {name for name, _ in (*ours.values(), *theirs.values())}
        buckets = {name: number for number, name in enumerate(names)}
        (bucket, before), (their_bucket, they_before) = (
            _relations(ranks, items, buckets) for ranks in (ours, theirs)
        )
        has = bucket >= 0
        same_bucket, same_presence = bucket == their_bucket, has == (their_bucket >= 0)
        alike = np.where(_both(has), _both(same_bucket) & (before == they_before), _both(same_presence))
        return float(alike[np.triu_indices(len(items), 1)].mean())

    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        if answer == ORDER:
            return []
        return [self.region("ranker", {"ranker": json.loads(answer)}, confidence)]

    def given(self, answer: Answer, content: str) -> list[Region]:
        """None: a task with an id that it has not, as a near copy may have, does not open."""
        return []

    def said_in(self, region: Region) -> list[str]:
        return _in_words(_order_in(region))

    def in_words(self, answer: Answer) -> list[str]:
        return [] if answer == ORDER else _in_words(json.loads(answer))

    @property
    def config_choices(self) -> tuple[str, ...]:
        return ("orders",)


def _order_in(region: Region) -> dict[str, list[str]]:
    """{} where a region holds no order."""
    given = value_of(region, "ranker")
    if not isinstance(given, dict) or not all(isinstance(ids, list) for ids in given.values()):
        return {}
    whole = all(isinstance(each, str) for ids in given.values() for each in ids)
    return dict(sorted(given.items())) if whole and any(given.values()) else {}


def _in_words(order: Mapping[str, Sequence[str]]) -> list[str]:
    """Such as "best: A, C"; of one list no name."""
    if len(order) == 1:
        return [", ".join(ids) for ids in order.values()]
    return [f"{bucket}: {', '.join(ids)}" for bucket, ids in order.items()]


def _ranks(answer: Answer) -> dict[str, tuple[str, int]]:
    """By item its bucket, and its place there where there is only one: in buckets items have no order."""
    order: dict[str, list[str]] = {} if answer == ORDER else json.loads(answer)
    alone = len(order) == 1
    ranks = (
        (each, (bucket, i if alone else 0)) for bucket, ids in order.items() for i, each in enumerate(ids)
    )
    return dict(islice(ranks, MOST_COMPARED))


def _relations(
    ranks: Mapping[str, tuple[str, int]], items: Sequence[str], buckets: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Of N items: the number of each one's bucket, -1 without, int64 [N]; and which stand before which by
    their places, bool [N, N]."""
    nowhere = ("", 0)
    places = np.array([ranks.get(item, nowhere)[1] for item in items], np.int64)
    numbers = [buckets[ranks[item][0]] if item in ranks else -1 for item in items]
    return np.array(numbers, np.int64), places[:, None] < places[None]


def _both(which: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of which pairs it is true of both: bool [N, N]."""
    return which[:, None] & which[None]
