"""Parts of a text: <Labels> on a text. They may overlap, and stand within each other.

An answer is a JSON list of [start, end, label], sorted; start and end in code points of `Source.content`, the
end exclusive. A label of null: whether something is there, and what, is not known.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from backend.controls.base import Answer, Region
from backend.controls.regions import RegionControl, region_id


class Span(NamedTuple):
    """label: None where it is not known what, if anything, is there."""

    start: int
    end: int
    label: str | None


def spans_in(answer: Answer) -> list[Span]:
    """In the order of the answer."""
    return [Span(*each) for each in json.loads(answer)]


def answer_of(spans: Iterable[Span]) -> Answer:
    ordered = sorted(set(spans), key=lambda span: (span.start, span.end, span.label or ""))
    return json.dumps(ordered, ensure_ascii=False)


def known_in(answer: Answer) -> list[Span]:
    """Those that say something."""
    return [span for span in spans_in(answer) if span.label is not None]


@dataclass(frozen=True, kw_only=True)
class Spans(RegionControl):
    kind = "spans"
    tags = ("Labels",)
    pooling = "mean"

    def read_regions(self, regions: list[Region], content: str) -> Answer | None:
        """A span with several labels is one with each. Where a span has none that the config has, it is not
        known what is there."""
        spans = [span for region in regions for span in self._spans_of(region, content)]
        return answer_of(spans) if any(span.label is not None for span in spans) else None

    def _spans_of(self, region: Region, content: str) -> Iterator[Span]:
        place = self._place_of(region.get("value"))
        if place is not None:
            labels: list[str | None] = [*self.labels_on(region)]
            yield from (Span(*place, label) for label in labels or [None])

    def _place_of(self, value: Any) -> tuple[int, int] | None:
        if not isinstance(value, dict):
            return None
        start, end = value.get("start"), value.get("end")
        if type(start) is not int or type(end) is not int:
            return None
        return (start, end) if 0 <= start < end else None

    def regions_of(self, answer: Answer, confidences: Sequence[float], content: str) -> list[Region]:
        told = {"from_name": self.from_name, "to_name": self.to_name, "type": self.type}
        return [
            {
                **told,
                "id": region_id(self, number),
                "value": {"start": span.start, "end": span.end, self.type: [span.label]},
                "score": confidence,
            }
            for number, (span, confidence) in enumerate(zip(known_in(answer), confidences, strict=True))
        ]

    def labels_in(self, answer: Answer) -> list[str]:
        return [span.label for span in spans_in(answer) if span.label is not None]

    def agreement(self, one: Answer, other: Answer) -> float:
        """F1 of the spans: both ends and the label must be the same."""
        return _f1(*_counts([one], [other]))

    def score(self, predicted: Sequence[Answer], truth: Sequence[Answer]) -> dict[str, float]:
        """Of entities: both ends and the label must be right. f1 first, of all labels together."""
        both, said, right = _counts(predicted, truth)
        return {
            "f1": _f1(both, said, right),
            "precision": both / said if said else float("nan"),
            "recall": both / right if right else float("nan"),
        }


def _counts(predicted: Sequence[Answer], truth: Sequence[Answer]) -> tuple[int, int, int]:
    """How many spans are in both, in the first, in the second."""
    counts: Counter[str] = Counter()
    for one, other in zip(predicted, truth, strict=True):
        said, right = set(known_in(one)), set(known_in(other))
        counts.update(both=len(said & right), said=len(said), right=len(right))
    return counts["both"], counts["said"], counts["right"]


def _f1(both: int, one: int, other: int) -> float:
    return 2 * both / (one + other) if one + other else 1.0
