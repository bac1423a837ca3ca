"""Marked texts and images, encoded into a file once and read out of it as items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.labelled.marked import MarkedTexts
from backend.labelled.marked_images import MarkedImages

if TYPE_CHECKING:
    from backend.simulate.parts import Items


@dataclass(frozen=True)
class Reading:
    """write: encodes what was read into a file and says by what; read: the items out of that file."""

    write: Callable[[Path], str]
    read: Callable[[Path], Items]


def reading_of(given: MarkedTexts | MarkedImages, encoder: str) -> Reading:
    if isinstance(given, MarkedTexts):
        from backend.simulate.spans import read_words, write_words

        return Reading(lambda file: write_words(given, encoder, file), read_words)
    from backend.simulate.marked_images import read_maps, write_maps

    return Reading(lambda file: write_maps(given, encoder, file), read_maps)
