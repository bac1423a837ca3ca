"""Spans as a tag for each word, and back: B-egin, I-nside, O-utside (Ramshaw and Marcus 1995).

Of label k a span's first word has tag 2k + 1 and its others 2k + 2; a word in no span has 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

OUTSIDE = 0
UNSAID = -100
"""The tag of a word that nothing is to be learned from."""


class Span(NamedTuple):
    """start, end: in code points of the text; label: its number."""

    start: int
    end: int
    label: int


def n_tags(labels: int) -> int:
    """How many tags so many labels have."""
    return 1 + 2 * labels


def tags_of(marks: Tensor, spans: Sequence[Span]) -> Tensor:
    """The tag of each word of one text, int64 [u]. marks: int64 [u, 2], the words' starts and ends.

    A word is in a span that has more than half of its characters. Of spans that share a word the longest is
    kept, of equally long ones the first. A span of no word leaves no trace.
    """
    tags = torch.full((len(marks),), OUTSIDE, dtype=torch.int64)
    for words, label in _kept(marks, spans):
        tags[words] = 2 * label + 2
        tags[words[0]] = 2 * label + 1
    return tags


def words_of(marks: Tensor, spans: Sequence[Span]) -> Tensor:
    """Which words are in one of the spans, bool [u]: for what several annotators do not agree on."""
    there = torch.zeros(len(marks), dtype=torch.bool)
    for span in spans:
        there[_inside(marks, span)] = True
    return there


def _kept(marks: Tensor, spans: Sequence[Span]) -> list[tuple[Tensor, int]]:
    """The words of each span that is kept, and its label."""
    taken = torch.zeros(len(marks), dtype=torch.bool)
    kept = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        words = _inside(marks, span)
        if len(words) and not taken[words].any():
            taken[words] = True
            kept.append((words, span.label))
    return kept


def _inside(marks: Tensor, span: Span) -> Tensor:
    """The words that are in the span, int64."""
    shared = marks[:, 1].clamp(max=span.end) - marks[:, 0].clamp(min=span.start)
    return (2 * shared > marks[:, 1] - marks[:, 0]).nonzero()[:, 0]


def spans_of(tags: Tensor, item: Tensor) -> Tensor:
    """Where spans lie: int64 [S, 3], first word, the one behind the last, label. tags, item: int64 [U]."""
    begins = ((tags > 0) & (tags % 2 == 1)).nonzero()[:, 0]
    inside = (tags > 0) & (tags % 2 == 0)
    inside[1:] &= item[1:] == item[:-1]
    stops = torch.cat([(~inside).nonzero()[:, 0], torch.tensor([len(tags)])])
    ends = stops[torch.searchsorted(stops, begins, right=True)]
    return torch.stack([begins, ends, (tags[begins] - 1) // 2], 1)
