"""Feature maps of a project's images, by the digest of their bytes: a row of bytes each, with the image's
size, in files that none writes twice. They are made where pixels are at hand, by workers that fetch them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from backend.controls.areas import AreaControl
from backend.controls.boxes import Boxes
from backend.controls.scheme import LabelScheme
from backend.encoders.maps import BOXES, MASKS, NAMES, MapEncoder, find_map_encoder
from backend.errors import DamagedFile
from backend.learning.cells import Look
from backend.learning.detector import Maps
from backend.learning.units import Units
from backend.lru import RecentlyUsed
from backend.store import tensors
from backend.store.files import Files
from backend.store.vectors import DIGEST, key_of

logger = logging.getLogger(__name__)

ENDING = ".maps.safetensors"
MOST, ROOM = 2_000, 300_000_000
"""Images that wait of which maps are made, and bytes that these may take: 2,000 for boxes, some 8 seconds to
rank, 1,012 for areas, some 4 seconds. Others stand behind."""
DISK = 2_000_000_000
"""Bytes of all maps of a project, those of labelled images too."""
_digests: RecentlyUsed[str, tuple[bytes, ...]] = RecentlyUsed(16 * 2**20, lambda held: 100 * len(held))
"""By a file's path, which tells what is in it, in whatever project."""


class Mapped(NamedTuple):
    """An image's maps. row: uint8 [row_bytes]; size: its height and width in pixels, as the editor has it."""

    row: npt.NDArray[np.uint8]
    size: tuple[int, int]


def maps_for(scheme: LabelScheme) -> MapEncoder | None:
    """What a scheme's controls need of images beside a vector of each; None where they need none. Maps for
    areas have those for boxes in them: see `for_boxes`."""
    for kind, strides in ((AreaControl, MASKS), (Boxes, BOXES)):
        if any(isinstance(control, kind) for control in scheme.controls):
            return find_map_encoder(NAMES[0], strides)
    return None


def for_boxes(units: Units) -> Maps:
    """units: as `ImageMaps.units` gives them, with maps for boxes or for areas: rows end with the coarser."""
    encoder = find_map_encoder(NAMES[0], BOXES)
    return Maps(units.rows[:, -encoder.row_bytes :], encoder.opened)


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


def for_areas(units: Units) -> Look:
    """units: as `ImageMaps.units` gives them, with maps for areas."""
    encoder = find_map_encoder(NAMES[0], MASKS)
    return lambda items, points: encoder.at(units.rows[items], points)


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

    @property
    def most(self) -> int:
        """Images that wait of which they are made."""
        return min(MOST, ROOM // self.encoder.row_bytes)

    @property
    def most_of_all(self) -> int:
        """Images, labelled ones too."""
        return DISK // self.encoder.row_bytes

    def add(self, maps: Mapping[bytes, Mapped]) -> None:
        """maps: by the digests of the images' bytes."""
        if not maps:
            return
        table = np.frombuffer(b"".join(maps), np.uint8).reshape(-1, DIGEST)
        rows = np.stack([each.row for each in maps.values()])
        sizes = np.array([each.size for each in maps.values()], np.int64)
        content = tensors.pack({"digests": table, "rows": rows, "sizes": sizes})
        self.files.write(f"{key_of(list(maps))}.{self.encoder.name}{ENDING}", content)

    def forget_others(self) -> None:
        """Those of another encoder, that nothing asks for any more."""
        for path in self.files.paths(ending=ENDING):
            if not path.endswith(f"{self.encoder.name}{ENDING}"):
                self.files.delete(path)

    def keep_only(self, wanted: Set[bytes]) -> None:
        """Forget other images, as far as more than half of a file are such. wanted: digests of bytes."""
        in_file: dict[str, list[bytes]] = {}
        for digest, path in self.digests().items():
            in_file.setdefault(path, []).append(digest)
        for path, held in in_file.items():
            if 2 * sum(digest in wanted for digest in held) < len(held):
                found = self._mapped(path)
                self.add({digest: each for digest, each in found.items() if digest in wanted})
                self.files.delete(path)

    def units(self, digests: Sequence[bytes]) -> Units:
        """A unit for each image that has maps, the row of bytes; marks: its height and width. digests: of the
        images' bytes."""
        places = self.digests()
        items = [i for i, digest in enumerate(digests) if digest in places]
        in_file: dict[str, list[int]] = {}
        for at, i in enumerate(items):
            in_file.setdefault(places[digests[i]], []).append(at)
        rows: npt.NDArray[np.uint8] = np.zeros((len(items), self.encoder.row_bytes), np.uint8)
        sizes: npt.NDArray[np.int64] = np.zeros((len(items), 2), np.int64)
        read = np.zeros(len(items), np.bool_)
        for path, its in in_file.items():  # one file in memory at a time
            found = self._mapped(path)
            for at in its:
                if (mapped := found.get(digests[items[at]])) is not None:
                    rows[at], sizes[at], read[at] = mapped.row, mapped.size, True
        there = np.array(items, np.int64)
        if not read.all():
            rows, sizes, there = rows[read], sizes[read], there[read]
        item, marks = torch.from_numpy(there), torch.from_numpy(sizes)
        return Units(torch.from_numpy(rows), item, marks, len(digests))

    def _held(self, path: str) -> tuple[bytes, ...]:
        return tuple(self._mapped(path))

    def _mapped(self, path: str) -> dict[bytes, Mapped]:
        try:
            stored = tensors.parse(self.files.read_constant(path))
            packed, rows, sizes = stored["digests"].tobytes(), stored["rows"], stored["sizes"].tolist()
            if rows.shape[1:] != (self.encoder.row_bytes,) or rows.dtype != np.uint8:
                raise KeyError("rows")
            digests = [packed[i : i + DIGEST] for i in range(0, len(packed), DIGEST)]
            made = (Mapped(row, (height, width)) for row, (height, width) in zip(rows, sizes, strict=True))
            return dict(zip(digests, made, strict=True))
        except (OSError, DamagedFile, KeyError, ValueError) as error:
            logger.warning("maps of images that cannot be read, %s, are made anew: %s", path, error)
            return {}
