"""The vectors that workers have made of a project's images, in an encoder's place: nothing is fetched."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from backend.content.addresses import Place
from backend.store.finding import Found
from backend.store.image_maps import ImageMaps
from backend.store.images import ImageFiles, KnownImages

LOOK_EVERY = 1.0
"""Seconds between looks for what was added, where an image is not known."""


class KeptImages:
    """Safe to share between threads. place: how tasks name images; maps: None where no model asks for
    them."""

    def __init__(self, files: ImageFiles, place: Place, dims: int, maps: ImageMaps | None = None):
        self._files = files
        self._place = place
        self._dims = dims
        self._maps = maps
        self._lock = threading.Lock()
        self._paths = files.paths()
        self._known = files.read()
        self._looked = monotonic()

    @property
    def dims(self) -> int:
        return self._dims

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """What it takes in memory."""
        return {"vectors": self._known.kept.vectors}

    def found(self, values: Sequence[str]) -> Found:
        """Of what stands in tasks, the vectors that are kept, and the maps where these are asked for."""
        digests, known = self._digests(values)
        if self._maps is not None:
            mapped = self._maps.digests()
            digests = [digest if digest in mapped else None for digest in digests]
        there = [digest for digest in digests if digest is not None]
        has = np.array([digest is not None for digest in digests], np.bool_)
        units = None if self._maps is None else self._maps.units(there)
        return Found(torch.from_numpy(known.kept.of(there)), has, units=units)

    def pictures(self, values: Sequence[str]) -> list[bytes]:
        """Of what stands in tasks, the small pictures, JPEG; b"" where there is none, or no vector."""
        digests, _ = self._digests(values)
        rest = iter(self._files.thumbnails.of([digest for digest in digests if digest is not None]))
        return [b"" if digest is None else next(rest) for digest in digests]

    def _digests(self, values: Sequence[str]) -> tuple[list[bytes | None], KnownImages]:
        names = [self._place.name(value) for value in values]
        known = self._known
        found = [known.digest(name) for name in names]
        if None in found and self._read_again():
            known = self._known
            found = [known.digest(name) for name in names]
        return found, known

    def _read_again(self) -> bool:
        """Returns whether anything was added."""
        with self._lock:
            if monotonic() - self._looked < LOOK_EVERY:
                return False
            paths = self._files.paths()
            if changed := paths != self._paths:
                self._known, self._paths = self._files.read(), paths
            self._looked = monotonic()
            return changed
