"""Several images that a control is about together: <Choices toName="front,back">, a <Rating> of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.controls.sources import Image, Source
from backend.controls.tags import Tag
from backend.pairs import BETWEEN


@dataclass(frozen=True)
class SeveralImages(Source):
    """Its content is all addresses, as `backend.pairs` has them. images: in the order the control names them,
    which does not matter to what is learned."""

    tag = "Image"
    is_fetched = True
    adapts = False
    images: tuple[Source, ...] = ()

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        raise NotImplementedError("several tags are one source: see `several_images`")

    def content(self, data: Any) -> str:
        """ "" where one is missing."""
        addresses = [image.content(data).replace(BETWEEN, " ") for image in self.images]
        return BETWEEN.join(addresses) if all(addresses) else ""

    @property
    def about(self) -> str:
        return " & ".join(image.about for image in self.images)

    def as_json(self) -> dict[str, Any]:
        return {"images": [image.as_json() for image in self.images]}


def several_images(images: Sequence[Source]) -> Source:
    return SeveralImages(", ".join(image.field for image in images), tuple(images))


def images_of(looked_at: Sequence[Tag]) -> Source:
    """Raises LabelConfigError, with what to change, for what cannot be read."""
    return several_images([Image.parse(tag) for tag in looked_at])
