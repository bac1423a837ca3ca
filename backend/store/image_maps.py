"""Feature maps of a project's images, by the digest of their bytes: a row of bytes each, in files that none
writes twice. They are made where an image's pixels are at hand, by workers that fetch it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from backend.controls.boxes import Boxes
from backend.controls.scheme import LabelScheme
from backend.encoders.maps import BOXES, MASKS, NAMES, MapEncoder, find_map_encoder
from backend.errors import DamagedFile
from backend.learning.units import Units
from backend.lru import RecentlyUsed
from backend.store import tensors
from backend.store.files import Files
from backend.store.vectors import DIGEST, key_of

logger = logging.getLogger(__name__)

ENDING = ".maps.safetensors"
MOST = 2_000
"""Images that wait of which maps are made: 285 MB, and some 8 seconds to rank. Others stand behind."""
_digests: RecentlyUsed[str, tuple[bytes, ...]] = RecentlyUsed(16 * 2**20, lambda held: 100 * len(held))
"""By a file's path, which tells what is in it, in whatever project."""


def maps_for(scheme: LabelScheme) -> MapEncoder | None:
    """What a scheme's controls need of images beside a vector of each; None where they need none."""
    asked = any(isinstance(control, Boxes) for control in scheme.controls)
    return find_map_encoder(NAMES[0], BOXES) if asked else None


def map_encoder_of(name: str) -> MapEncoder | None:
    """The one whose `name` this is; None where there is none here."""
    every = (find_map_encoder(kind, strides) for kind in NAMES for strides in (BOXES, MASKS))
    return next((encoder for encoder in every if encoder.name == name), None)


def map_encoder_named(name: str) -> MapEncoder:
    """As `map_encoder_of`. Raises DamagedFile where there is none here."""
    found = map_encoder_of(name)
    if found is None:
        raise DamagedFile(f"there are no maps by {name} here")
    return found


@dataclass(frozen=True)
class ImageMaps:
    """Of one project and one encoder."""

    files: Files
    encoder: MapEncoder

    def digests(self) -> dict[bytes, str]:
        """Of which images there are maps, and in which file. What is damaged is forgotten."""
        found: dict[bytes, str] = {}
        for path in self.files.paths(ending=f"{self.encoder.name}{ENDING}"):
            held = _digests.get(path, partial(self._held, path))
            found |= dict.fromkeys(held, path)
        return found

    def add(self, maps: Mapping[bytes, npt.NDArray[np.uint8]]) -> None:
        """maps: uint8 [row_bytes] each, by the digests of the images' bytes."""
        if not maps:
            return
        table = np.frombuffer(b"".join(maps), np.uint8).reshape(-1, DIGEST)
        content = tensors.pack({"digests": table, "rows": np.stack(list(maps.values()))})
        self.files.write(f"{key_of(list(maps))}.{self.encoder.name}{ENDING}", content)

    def units(self, digests: Sequence[bytes]) -> Units:
        """A unit for each image that has maps, the row of bytes. digests: of the images' bytes."""
        places, rows = self.digests(), dict[bytes, npt.NDArray[Any]]()
        for path in sorted({places[digest] for digest in digests if digest in places}):
            wanted = set(digests)
            rows |= {digest: row for digest, row in self._rows(path).items() if digest in wanted}
        there = [item for item, digest in enumerate(digests) if digest in rows]
        stacked = np.zeros((len(there), self.encoder.row_bytes), np.uint8)
        for at, item in enumerate(there):
            stacked[at] = rows[digests[item]]
        marks = torch.zeros(len(there), 0, dtype=torch.int64)
        return Units(torch.from_numpy(stacked), torch.tensor(there, dtype=torch.int64), marks, len(digests))

    def _held(self, path: str) -> tuple[bytes, ...]:
        return tuple(self._rows(path))

    def _rows(self, path: str) -> dict[bytes, npt.NDArray[Any]]:
        try:
            stored = tensors.parse(self.files.read_constant(path))
            packed, rows = stored["digests"].tobytes(), stored["rows"]
            if rows.shape[1:] != (self.encoder.row_bytes,) or rows.dtype != np.uint8:
                raise KeyError("rows")
            digests = [packed[i : i + DIGEST] for i in range(0, len(packed), DIGEST)]
            return dict(zip(digests, rows, strict=True))
        except (OSError, DamagedFile, KeyError, ValueError) as error:
            logger.warning("maps of images that cannot be read, %s, are made anew: %s", path, error)
            return {}
