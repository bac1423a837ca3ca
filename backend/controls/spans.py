"""Parts of a text: <Labels>, and what it is called on pages and dialogues. They may overlap, and stand within
each other.

What a region says its text is, is never read: the editor shortens and shifts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

from backend.controls.base import Answer, Region
from backend.controls.regions import RegionControl, region_id
from backend.controls.sources import BETWEEN, COUNTED
from backend.controls.span_answers import Span, answer_of, counted, known_in, settled_spans, spans_in
from backend.controls.span_places import PLACES, Place, Places
from backend.controls.votes import Vote

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Spans(RegionControl):
    """Its answers: see `span_answers`."""

    kind = "spans"
    tags = ("Labels", "HyperTextLabels", "ParagraphLabels")
    sources = COUNTED
    pooling = "mean"
    adapts: ClassVar[Mapping[str, str]] = {"auto": "last", "last": "last", "all": "all"}

    @property
    def places(self) -> Places:
        """How Label Studio says where."""
        return PLACES[type(self.source)]

    def read_regions(self, regions: list[Region], content: str) -> Answer | None:
        """A span with several labels is one with each; of one without any that the config has it is not known
        what is there. Where a span is nowhere in the content the annotation says nothing."""
        spans: list[Span] = []
        for region in regions:
            value = region.get("value")
            place = self.places.read(value, content) if isinstance(value, dict) else None
            if place is None:
                return None
            spans += self._spans_at(place, region)
        return answer_of(spans) if any(span.label is not None for span in spans) else None

    def _spans_at(self, place: Place, region: Region) -> Iterator[Span]:
        labels: list[str | None] = [*self.labels_on(region)]
        yield from (Span(*place, label) for label in labels or [None])

    def regions_of(self, answer: Answer, confidences: Sequence[float], content: str) -> list[Region]:
        told = {"from_name": self.from_name, "to_name": self.to_name, "type": self.type}
        found: list[Region] = []
        for span, confidence in zip(known_in(answer), confidences, strict=True):
            value = {
                **self.places.write((span.start, span.end), content),
                "text": content[span.start : span.end].replace(BETWEEN, "\n"),
                self.type: [span.label],
            }
            found.append({**told, "id": region_id(self, len(found)), "value": value, "score": confidence})
        return found

    def labels_in(self, answer: Answer) -> list[str]:
        return [span.label for span in known_in(answer) if span.label is not None]

    def agreement(self, one: Answer, other: Answer) -> float:
        """F1 of the spans: both ends and the label must be the same."""
        return counted([one], [other]).f1

    def settled(self, votes: Sequence[Vote], weights: Mapping[str, float] | None = None) -> Answer | None:
        """Where annotators disagree it is not known what is there: nothing is learned of that part."""
        return settled_spans(votes, weights or {})

    def score(self, predicted: Sequence[Answer], truth: Sequence[Answer]) -> dict[str, float]:
        """Of entities: both ends and the label must be right. f1 first, of all labels together."""
        counts = counted(predicted, truth)
        return {
            "f1": counts.f1 if counts.first + counts.second else nan,
            "precision": counts.both / counts.first if counts.first else nan,
            "recall": counts.both / counts.second if counts.second else nan,
        }

    # The network's side

    def targets(self, answer: Answer, marks: Tensor) -> Tensor:
        """The tag of each word of a text, int64 [u]: see `backend.learning.bio`. marks: int64 [u, 2], the
        words' starts and ends.

        Of spans that share a word the longest is kept. UNSAID: words of the others alone, of what is not
        known, and of which less than half is in a span.
        """
        from backend.learning.bio import OUTSIDE, UNSAID, tags_of
        from backend.learning.bio import Span as Numbered

        number = {label: i for i, label in enumerate(self.classes)}
        spans = spans_in(answer)
        tags = tags_of(
            marks, [Numbered(*span[:2], number[span.label]) for span in spans if span.label in number]
        )
        for span in spans:
            meets = (marks[:, 0] < span.end) & (marks[:, 1] > span.start)
            tags[meets & (tags == OUTSIDE)] = UNSAID
        return tags

    def spans_from(self, tags: Tensor, marks: Tensor) -> Answer:
        """What the tags of a text's words say: the other way round."""
        import torch

        from backend.learning.bio import spans_of

        begins, ends, labels = spans_of(tags, torch.zeros_like(tags)).unbind(1)
        places = zip(marks[begins, 0].tolist(), marks[ends - 1, 1].tolist(), strict=True)
        named = (self.classes[label] for label in labels.tolist())
        return answer_of(Span(*place, label) for place, label in zip(places, named, strict=True))
