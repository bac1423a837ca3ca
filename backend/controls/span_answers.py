"""Answers that are spans: a JSON list of [start, end, label], sorted.

start and end in code points of `Source.content`, the end exclusive. A label of null: whether something is
there, and what, is not known.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from backend.controls.base import Answer
from backend.controls.votes import CLEAR, Vote


class Span(NamedTuple):
    """label: None where it is not known what, if anything, is there."""

    start: int
    end: int
    label: str | None


def spans_in(answer: Answer) -> list[Span]:
    """In the order of the answer."""
    return [Span(*each) for each in json.loads(answer)]


def answer_of(spans: Iterable[Span]) -> Answer:
    ordered = sorted(
        set(spans), key=lambda span: (span.start, span.end, span.label is None, span.label or "")
    )
    return json.dumps(ordered, ensure_ascii=False)


def known_in(answer: Answer) -> list[Span]:
    """Those that say something."""
    return [span for span in spans_in(answer) if span.label is not None]


class Meeting:
    """Which spans share a character with any of some, each in the time of a search."""

    def __init__(self, spans: Iterable[Span]):
        ordered = sorted((span.start, span.end) for span in spans)
        self._starts = [start for start, _ in ordered]
        self._ends = list(accumulate((end for _, end in ordered), max))
        """Of each of them and all that start before it, the last end."""

    def any(self, span: Span) -> bool:
        before = bisect_left(self._starts, span.end)
        return before > 0 and self._ends[before - 1] > span.start


class Counts(NamedTuple):
    """Spans that are in both of two answers, in the first, in the second."""

    both: int
    first: int
    second: int

    @property
    def f1(self) -> float:
        """1 where neither has any."""
        total = self.first + self.second
        return 2 * self.both / total if total else 1.0


def counted(firsts: Sequence[Answer], seconds: Sequence[Answer]) -> Counts:
    """Over all items. To be the same, spans must have both ends and the label in common. What one says where
    the other's is not known is not counted, unless it is in both."""
    both = first = second = 0
    for one, other in zip(firsts, seconds, strict=True):
        said, right = _counting(one, other), _counting(other, one)
        both, first, second = both + len(said & right), first + len(said), second + len(right)
    return Counts(both, first, second)


def _counting(answer: Answer, other: Answer) -> set[Span]:
    theirs = set(spans_in(other))
    unknown = Meeting(span for span in theirs if span.label is None)
    return {span for span in known_in(answer) if span in theirs or not unknown.any(span)}


def settled_spans(votes: Sequence[Vote], weights: Mapping[str, float]) -> Answer:
    """Each span that CLEAR of the annotators' weight marks. Of one that fewer mark it is not known what is
    there, unless CLEAR of it marks nothing there. votes: at least one."""
    weight = [weights.get(vote.annotator, 0.5) for vote in votes]
    said = [spans_in(vote.label) for vote in votes]
    by_span: dict[Span, float] = defaultdict(float)
    for each, spans in zip(weight, said, strict=True):
        for span in set(spans):
            by_span[span] += each
    settled: list[Span] = []
    marked = [Meeting(spans) for spans in said]
    for span, agreeing in by_span.items():
        met = sum(each for each, theirs in zip(weight, marked, strict=True) if theirs.any(span))
        if span.label is not None and agreeing >= CLEAR * sum(weight):
            settled.append(span)
        elif sum(weight) - met < CLEAR * sum(weight):
            settled.append(span._replace(label=None))
    return answer_of(settled)
