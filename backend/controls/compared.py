"""Two texts, or two images, that a control compares: <Pairwise toName="a,b">."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.controls.sources import SOURCES, Source
from backend.controls.tags import Tag
from backend.errors import LabelConfigError
from backend.pairs import BETWEEN, encoder_of_pairs, pair


@dataclass(frozen=True)
class Compared(Source):
    """Its content is both, the left one first, as `backend.pairs` writes them."""

    tag = "Text"
    left: Source
    right: Source

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        raise NotImplementedError("two tags are one source: see `compared`")

    def content(self, data: Any) -> str:
        return pair(self.left.content(data), self.right.content(data))

    def words_of(self, contents: Sequence[str]) -> list[str]:
        """One below the other with a line between, so that two pairs are alike where both sides are."""
        return [each.replace(BETWEEN, "\n|\n") for each in contents]

    def encoder(self, of_texts: str) -> str:
        return encoder_of_pairs(of_texts)

    @property
    def about(self) -> str:
        return f"{self.left.about} | {self.right.about}"

    def as_json(self) -> dict[str, Any]:
        return {"compared": [self.left.as_json(), self.right.as_json()]}


@dataclass(frozen=True)
class ComparedImages(Compared):
    """Its content is both addresses."""

    tag = "Image"
    is_fetched = True

    def content(self, data: Any) -> str:
        """ "" where either is missing: there is nothing to compare."""
        both = self.left.content(data), self.right.content(data)
        return pair(*both) if all(both) else ""

    def words_of(self, contents: Sequence[str]) -> list[str]:
        return Source.words_of(self, contents)


def compared_of(left: Source, right: Source) -> Compared:
    """Raises ValueError for a text and an image."""
    if left.is_fetched != right.is_fetched:
        raise ValueError("a text and an image cannot be compared")
    kind = ComparedImages if left.is_fetched else Compared
    return kind(f"{left.field}, {right.field}", left, right)


def compared(control: Tag, looked_at: Sequence[Tag]) -> Source:
    """What a control compares, of the tags that it names. Raises LabelConfigError, with what to change."""
    if len(looked_at) != 2:
        raise LabelConfigError(
            f'{control} compares {len(looked_at)} tags; two are compared. Name two, as in toName="a,b".'
        )
    left, right = (SOURCES[tag.kind].parse(tag) for tag in looked_at)
    if left.is_fetched != right.is_fetched:
        fetched = next(tag for tag in looked_at if SOURCES[tag.kind].is_fetched)
        raise LabelConfigError(
            f"{control} compares {fetched} with a text; two texts are learned, or two images. Ask with "
            f'<Choices> about one of them, by toName="{fetched.name}".'
        )
    return compared_of(left, right)
