"""Which of two is better: <Pairwise>."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from backend.controls.base import Answer, Control, Region, refuse_parts, regions_named, value_of
from backend.controls.compared import compared
from backend.controls.sources import Source
from backend.controls.tags import Tag

LEFT, RIGHT = "left", "right"


@dataclass(frozen=True, kw_only=True)
class Pairwise(Control):
    """Its classes are the sides. Annotations name the control itself as what they are about, predictions must
    name the first of the two: only `from_name` is read."""

    kind = "pairwise"
    tags = ("Pairwise",)
    joins = False
    adapts: ClassVar[Mapping[str, str]] = {}  # a difference of two vectors has no layers of its own

    @classmethod
    def source_in(cls, tag: Tag, looked_at: Sequence[Tag]) -> Source:
        return compared(tag, looked_at)

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        refuse_parts(tag)
        return cls(from_name=tag.name, to_name=tag.to_name, source=source, classes=(LEFT, RIGHT))

    def read(self, result: Any, content: str = "") -> Answer | None:
        said = (self.said_in(region) for region in regions_named(result, self.from_name))
        return next((answer for each in said for answer in each), None)

    def unknown_in(self, region: Region) -> list[Any] | None:
        given = value_of(region, "selected")
        return None if given is None else [] if self.said_in(region) else [given]

    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        return [self.region("pairwise", {"selected": answer}, confidence)]

    def said_in(self, region: Region) -> list[str]:
        given = value_of(region, "selected")
        return [given] if isinstance(given, str) and given in self.classes else []

    def in_words(self, answer: Answer) -> list[str]:
        return [answer]
