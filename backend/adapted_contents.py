"""What layers are adapted to: texts as they stand in tasks; of images the small pictures that are kept, so
that nothing is fetched and the web server can answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor

from backend.content.pictures import decoded
from backend.encoders.base import Encoder, encoded
from backend.encoders.pictures import ImageEncoder
from backend.encoders.squares import Pixels
from backend.encoders.words import WordEncoder
from backend.errors import NoContent
from backend.settings import Settings
from backend.store.image_cache import ImageCache, image_cache
from backend.store.kept_images import KeptImages
from backend.store.locations import features_of
from backend.store.model_version import ModelVersion
from backend.store.words import words_of_project


class Contents(NamedTuple):
    """Of one encoder. read: what stands in tasks to contents as its layers take them, None for one that is
    not at hand; features: float32 [n, D], the encoder's vectors of n values whose contents are; words: what
    reads texts word by word, where a version's models ask for that."""

    encoder: Encoder | ImageEncoder
    read: Callable[[Sequence[str]], Sequence[Any]]
    features: Callable[[Sequence[str]], Tensor]
    words: WordEncoder | None = None


def text_contents(encoder: Encoder, words: WordEncoder | None = None) -> Contents:
    return Contents(encoder, list, partial(encoded, encoder), words)


def picture_contents(images: ImageCache, kept: KeptImages, name: str) -> Contents:
    """name: of the encoder that made the kept vectors. Raises DamagedFile where it is not to be had."""

    def read(values: Sequence[str]) -> list[Pixels | None]:
        return [_pixels(jpeg) for jpeg in kept.pictures(values)]

    return Contents(images.encoder(name), read, lambda values: kept.found(values).features)


def contents_of(settings: Settings, project_id: int, version: ModelVersion) -> Contents:
    """Raises DamagedFile where the version's encoder is not to be had."""
    if version.scheme.source.is_fetched:
        images = image_cache(settings, project_id)
        return picture_contents(images, images.kept(version.encoder), version.encoder)
    cache = features_of(settings, project_id, version.scheme.source)
    words = words_of_project(settings, project_id, version.unit_encoder) if version.unit_encoder else None
    return text_contents(cache.encoder(version.encoder), None if words is None else words.encoder)


def _pixels(jpeg: bytes) -> Pixels | None:
    try:
        return decoded(jpeg).pixels if jpeg else None
    except NoContent:
        return None
