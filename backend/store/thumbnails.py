"""The small pictures that are kept of a project's images, by the digests of the images' bytes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any

import numpy.typing as npt

from backend.errors import DamagedFile
from backend.store import tensors
from backend.store.files import Files
from backend.store.vectors import DIGEST

logger = logging.getLogger(__name__)

ENDING = ".thumbnails.safetensors"
LOOK_EVERY = 1.0
"""Seconds between looks for what was added, where an image has none."""


class Thumbnails:
    """Which file has which is remembered; the files are read when they are asked for. Safe to share between
    threads."""

    def __init__(self, files: Files):
        self._files = files
        self._path_of: dict[bytes, str] = {}
        self._seen: set[str] = set()
        self._looked = -inf

    def all(self) -> dict[bytes, bytes]:
        """JPEG by digest. What cannot be read is left out, and the log tells."""
        found: dict[bytes, bytes] = {}
        for path in self._files.paths(ending=ENDING):
            found |= self._in(path)
        return found

    def of(self, digests: Sequence[bytes]) -> list[bytes]:
        """JPEG of each; b"" where there is none."""
        unknown = any(digest not in self._path_of for digest in digests)
        if unknown and monotonic() - self._looked >= LOOK_EVERY:
            self._look()
            self._looked = monotonic()
        found: dict[bytes, bytes] = {}
        for path in {self._path_of[digest] for digest in digests if digest in self._path_of}:
            found |= self._in(path)
        return [found.get(digest, b"") for digest in digests]

    def _look(self) -> None:
        for path in self._files.paths(ending=ENDING):
            if path not in self._seen:
                self._path_of |= dict.fromkeys(self._in(path), path)
                self._seen.add(path)

    def _in(self, path: str) -> dict[bytes, bytes]:
        try:
            stored = tensors.parse(self._files.read_constant(path))
            ends, content = stored["ends"].tolist(), stored["content"].tobytes()
            parts = [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]
            return dict(zip(rows_of(stored["digests"]), parts, strict=True))
        except (OSError, DamagedFile, KeyError, ValueError) as error:
            logger.warning("small pictures that cannot be read, %s, are left out: %s", path, error)
            return {}


def rows_of(table: npt.NDArray[Any]) -> list[bytes]:
    """Digests, of uint8 [N, DIGEST]. Raises KeyError for another shape."""
    if table.shape[1:] != (DIGEST,):
        raise KeyError("digests")
    packed = table.tobytes()
    return [packed[i : i + DIGEST] for i in range(0, len(packed), DIGEST)]
