"""Several texts that a control is about together, such as a title and a body: toName="title,body"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.controls.compared import compared_of
from backend.controls.several_images import images_of, several_images
from backend.controls.sources import SOURCES, Image, Source, source_from_json
from backend.controls.tags import Tag
from backend.errors import LabelConfigError


@dataclass(frozen=True)
class Joined(Source):
    """One below the other, as the control names them; those that are empty are left out."""

    tag = "Text"
    parts: tuple[Source, ...] = ()

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        raise NotImplementedError("several tags are one source: see `source_of`")

    def content(self, data: Any) -> str:
        return "\n".join(filter(None, (part.content(data) for part in self.parts)))

    @property
    def about(self) -> str:
        return " + ".join(part.about for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        return {"parts": [part.as_json() for part in self.parts]}


def joined(parts: Sequence[Source]) -> Source:
    return Joined(", ".join(part.field for part in parts), tuple(parts))


def source_of(
    control: Tag, looked_at: Sequence[Tag], sources: Mapping[str, type[Source]] = SOURCES
) -> Source:
    """What a control is about, of the tags that it names. Raises LabelConfigError, with what to change.

    sources: `Control.sources`, which has the kinds of all these tags.
    """
    if len(looked_at) == 1:
        return sources[looked_at[0].kind].parse(looked_at[0])
    if all(tag.kind == Image.tag for tag in looked_at):
        return images_of(looked_at)
    fetched = next((tag for tag in looked_at if SOURCES[tag.kind].is_fetched), None)
    if fetched is not None:
        raise LabelConfigError(
            f"{control} is about several tags, of which {fetched} shows no text; several texts are learned "
            f'together, or several images. With toName="{fetched.name}" it would be about {fetched}.'
        )
    return joined([sources[tag.kind].parse(tag) for tag in looked_at])


def any_source_from_json(described: Mapping[str, Any]) -> Source:
    """From what `as_json` gave, of one or of several. Raises KeyError, TypeError or ValueError otherwise."""
    if "compared" in described:
        left, right = map(source_from_json, described["compared"])
        return compared_of(left, right)
    if "images" in described:
        return several_images([source_from_json(image) for image in described["images"]])
    if "parts" in described:
        return joined([source_from_json(part) for part in described["parts"]])
    return source_from_json(described)
