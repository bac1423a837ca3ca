"""The map of a project's items: where each content lies in two dimensions, and what a page shows of it.

Positions are kept by the digests of contents, as vectors are: an item that moves to another task stays where
it is. What is shown is one file that a page's script reads as it is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import DamagedFile
from backend.store import tensors
from backend.store.files import Files
from backend.store.thumbnails import rows_of
from backend.store.vectors import DIGEST

logger = logging.getLogger(__name__)

POSITIONS = "item-map.safetensors"
COURSE = "item-map-under-way.safetensors"
SHOWN = "item-map.shown"
COLUMNS = {
    "task": "<u4",
    "x": "<u2",
    "y": "<u2",
    "label": "<u2",
    "guess": "<u2",
    "annotator": "<u2",
    "doubt": "u1",
}
"""Of what is shown, by name, how each number is written: in this order, one column behind the other, each at
a multiple of 4 bytes behind the header."""
NONE = 65535
"""In `label`, `guess` and `annotator`: there is none."""
NO_DOUBT = 255


@dataclass(frozen=True)
class Placed:
    """encoder: the name of the one whose vectors they are; digests: of N contents; positions: float32 [N, 2];
    kept: how many of an item's 10 nearest are among its 30 nearest in the picture, as a share."""

    encoder: str
    digests: tuple[bytes, ...]
    positions: npt.NDArray[np.float32]
    kept: float = 0.0


class ItemMaps:
    """Of one project. here: files of this machine alone, for what is under way."""

    def __init__(self, files: Files, here: Files):
        self._files = files
        self._here = here

    def read(self, encoder: str) -> Placed | None:
        """None where there is none by this encoder, or it cannot be read: then it is made anew."""
        found = _read(self._files, POSITIONS)
        if found is None or found["encoder"].tobytes().decode() != encoder:
            return None
        digests, positions = rows_of(found["digests"]), found["positions"]
        return Placed(encoder, tuple(digests), positions, float(found["kept"][0]))

    def write(self, placed: Placed) -> None:
        """Then nothing is under way any more."""
        arrays = {"positions": placed.positions, "kept": np.array([placed.kept])}
        self._files.write(POSITIONS, tensors.pack({**_names(placed.encoder, placed.digests), **arrays}))
        self._here.delete(COURSE)

    def read_course(self, encoder: str) -> tuple[list[bytes], Mapping[str, npt.NDArray[Any]]] | None:
        """Of what, and how far a projection has come; None where none is under way."""
        found = _read(self._here, COURSE)
        if found is None or found["encoder"].tobytes().decode() != encoder:
            return None
        return rows_of(found["digests"]), found

    def write_course(
        self, encoder: str, digests: Sequence[bytes], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> None:
        self._here.write(COURSE, tensors.pack({**arrays, **_names(encoder, digests)}))

    def shown(self) -> bytes | None:
        """See `packed`."""
        try:
            return self._files.read(SHOWN)
        except FileNotFoundError:
            return None

    def show(self, content: bytes) -> None:
        self._files.write(SHOWN, content)


def packed(header: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The header's length as 4 bytes, the header as JSON, and the columns. header: with what else is shown;
    how many items there are, and the columns, are added."""
    number = len(columns["task"])
    layout = [[name, kind] for name, kind in COLUMNS.items()]
    told = json.dumps({**header, "items": number, "columns": layout}).encode()
    parts = [len(told).to_bytes(4, "little"), _padded(told)]
    parts += [_padded(columns[name].astype(kind).tobytes()) for name, kind in COLUMNS.items()]
    return b"".join(parts)


def header_of(content: bytes) -> dict[str, Any]:
    """Raises ValueError for what `packed` did not give."""
    told = json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])
    if not isinstance(told, dict):
        raise ValueError("no header")
    return told


def _padded(content: bytes) -> bytes:
    return content + b" " * (-len(content) % 4)


def _names(encoder: str, digests: Sequence[bytes]) -> dict[str, npt.NDArray[Any]]:
    table = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST)
    return {"encoder": np.frombuffer(encoder.encode(), np.uint8), "digests": table}


def _read(files: Files, path: str) -> dict[str, npt.NDArray[Any]] | None:
    try:
        return tensors.parse(files.read(path))
    except FileNotFoundError:
        return None
    except (OSError, DamagedFile, KeyError, ValueError) as error:
        logger.warning("%s cannot be read and is made anew: %s", path, error)
        return None
