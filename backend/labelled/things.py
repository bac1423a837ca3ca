"""What the rows of a person's files are, texts or images: how they are told apart, and by what encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from backend.names import is_known_encoder

if TYPE_CHECKING:
    from backend.encoders.base import Encoder


class Things(Protocol):
    """one, many: what they are called; row: what one that is left out is called; setting: the field of
    `Settings` that names their encoder; nothing_labelled: what there is where none has a label."""

    one: str
    many: str
    row: str
    setting: str
    nothing_labelled: str

    def content_of(self, item: str) -> str:
        """Things with the same are one."""

    def words_of(self, items: Sequence[str]) -> Sequence[str]:
        """By which words nearly equal ones are found."""

    def check(self, encoder: str) -> None:
        """Raises ValueError, saying what there is, for the name of an encoder that cannot be used."""

    def encoder(self, name: str, items: Sequence[str], seed: int) -> Encoder:
        """Of such items; fitted on these where it learns from what it encodes at all. Raises ValueError."""

    def features(self, encoders: str, pool: int) -> str:
        """In words, how vectors were made. pool: how many there are to label."""


class Texts:
    one, many, row, setting = "text", "texts", "row", "encoder"
    nothing_labelled = "no row with both a text and a label"

    def content_of(self, item: str) -> str:
        """What the encoder can tell apart."""
        return " ".join(item.lower().split())

    def words_of(self, items: Sequence[str]) -> Sequence[str]:
        return items

    def check(self, encoder: str) -> None:
        if not is_known_encoder(encoder):
            from backend.encoders.registry import find_encoder

            find_encoder(encoder)

    def encoder(self, name: str, items: Sequence[str], seed: int) -> Encoder:
        from backend.encoders.registry import find_encoder

        return find_encoder(name).fit(items, seed=seed)

    def features(self, encoders: str, pool: int) -> str:
        return (
            f"the backend's text encoder{encoders}, fitted for each seed, where it learns from texts at all, "
            f"on the {pool:,} other texts, without their labels"
        )


class Images:
    """The items are files' paths, or data: addresses."""

    one, many, row, setting = "image", "images", "image", "image_encoder"
    nothing_labelled = "no labelled image: a folder per class is wanted, as in cat/1.jpg, dog/2.jpg"

    def content_of(self, item: str) -> str:
        return hashlib.sha256(content_at(item)).hexdigest()

    def words_of(self, items: Sequence[str]) -> Sequence[str]:
        """None is nearly equal to another by its name."""
        return [f"image{number}" for number in range(len(items))]

    def check(self, encoder: str) -> None:
        from backend.encoders.images import missing_for_images

        if (reason := missing_for_images(encoder)) is not None:
            raise ValueError(reason)

    def encoder(self, name: str, items: Sequence[str], seed: int) -> Encoder:
        from backend.encoders.images import find_image_encoder
        from backend.labelled.image_files import FilesEncoder

        return FilesEncoder(find_image_encoder(name))

    def features(self, encoders: str, pool: int) -> str:
        return f"the backend's image encoder{encoders}, which learns nothing from these images"


TEXTS, IMAGES = Texts(), Images()
INLINE_MB = 100


def content_at(item: str) -> bytes:
    """Of a file, or of a data: address. Raises OSError, or NoContent."""
    if item[:5].lower() != "data:":
        return Path(item).read_bytes()
    from backend.content.fetching import inline

    return inline(item, INLINE_MB * 2**20)
