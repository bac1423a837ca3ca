"""The parts of contents on disk: a text's words, an image's maps; of each content a block of rows.

In shards, as vectors of whole contents are: what is added is one more file, and none is written twice. A
shard's name ends with the digest of what it holds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from backend.errors import DamagedFile
from backend.learning.units import Units
from backend.lru import RecentlyUsed
from backend.store import tensors
from backend.store.files import Files
from backend.store.vectors import DIGEST, key_of

logger = logging.getLogger(__name__)

ENDING = ".units.safetensors"
SHARD_ROWS = 32_768
"""Rows of a shard, roughly: some 25 MB of words."""
MANY = 16
"""Of shards less than half full so many may be; then they are merged."""
_digests: RecentlyUsed[str, frozenset[bytes]] = RecentlyUsed(16 * 2**20, lambda held: 100 * len(held))
"""By a shard's path, which tells what is in it, in whatever project."""
Array = npt.NDArray[Any]


class Block(NamedTuple):
    """Of one content. rows: [k, D]; marks: int32 [k, m], see `Units`."""

    rows: Array
    marks: Array


@dataclass(frozen=True)
class Row:
    """What a row looks like. dims: D; dtype: as it is kept; marks: m."""

    dims: int
    dtype: str = "float16"
    marks: int = 2


@dataclass(frozen=True)
class KeptUnits:
    """blocks: by the contents' digests."""

    row: Row
    blocks: Mapping[bytes, Block] = field(default_factory=dict)

    def of(self, digests: Sequence[bytes]) -> Units:
        """All of which must be kept. rows: of the type in which they are kept."""
        found = [self.blocks[digest] for digest in digests]
        rows = np.concatenate([np.zeros((0, self.row.dims), self.row.dtype), *(each.rows for each in found)])
        marks = np.concatenate([np.zeros((0, self.row.marks), np.int32), *(each.marks for each in found)])
        counts = torch.tensor([len(each.rows) for each in found], dtype=torch.int64)
        item = torch.arange(len(found)).repeat_interleave(counts)
        return Units(torch.from_numpy(rows), item, torch.from_numpy(marks).long(), len(found))

    def means(self, digests: Sequence[bytes]) -> torch.Tensor:
        """The mean of each content's rows, float32 [n, D]; zeros of one without. All must be kept."""
        found = np.zeros((len(digests), self.row.dims), np.float32)
        for item, digest in enumerate(digests):
            rows = self.blocks[digest].rows
            if len(rows):
                found[item] = rows.mean(0, dtype=np.float32)
        return torch.from_numpy(found)

    def but(self, blocks: Mapping[bytes, Block]) -> KeptUnits:
        """With these, too."""
        return KeptUnits(self.row, {**self.blocks, **blocks})

    def rows_of(self, digests: Iterable[bytes]) -> int:
        """How many rows those that are kept have together."""
        return sum(len(self.blocks[each].rows) for each in digests if each in self.blocks)


class UnitFiles:
    """Of one encoder. name: that its shards are kept by."""

    def __init__(self, files: Files, name: str, row: Row):
        self._files = files
        self._name = name
        self.row = row

    def find(self, wanted: Set[bytes]) -> KeptUnits:
        """Of these contents what is kept. What is damaged is forgotten: it can be made anew."""
        found: dict[bytes, Block] = {}
        for path in self._paths():
            try:
                held = _digests.get(path, partial(self._digests_in, path))
                if not wanted.isdisjoint(held):
                    found |= {digest: each for digest, each in self._shard(path).items() if digest in wanted}
            except FileNotFoundError:  # merged into another meanwhile
                continue
        return KeptUnits(self.row, found)

    def add(self, blocks: Mapping[bytes, Block]) -> set[str]:
        """In shards of some thousand rows. Returns their paths."""
        some: dict[bytes, Block] = {}
        paths, rows = set(), 0
        for digest, block in blocks.items():
            some[digest], rows = block, rows + len(block.rows)
            if rows >= SHARD_ROWS:
                paths.add(self._write(some))
                some, rows = {}, 0
        return paths | ({self._write(some)} if some else set())

    def merge(self, wanted: Set[bytes] | None = None) -> None:
        """Make few files of many small ones, and of what cannot be read none. For one at a time.

        wanted: the contents that are to stay, None for all.
        """
        found = {path: self._shard(path) for path in self._paths()}
        lacks = {path for path, each in found.items() if wanted is not None and not wanted >= each.keys()}
        small = {path for path, each in found.items() if 2 * _rows(each) < SHARD_ROWS} | lacks
        if len(small) <= MANY and not lacks and all(found.values()):
            return
        merged = {digest: block for path in small for digest, block in found[path].items()}
        merged = {digest: block for digest, block in merged.items() if wanted is None or digest in wanted}
        for path in small - self.add(merged):
            self._files.delete(path)

    def _write(self, blocks: Mapping[bytes, Block]) -> str:
        """Returns its path."""
        digests = list(blocks)
        content = tensors.pack(
            {
                "digests": np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST),
                "counts": np.array([len(each.rows) for each in blocks.values()], np.int32),
                "rows": np.concatenate([each.rows for each in blocks.values()]),
                "marks": np.concatenate([each.marks for each in blocks.values()]).astype(np.int32),
            }
        )
        path = f"{self._name}.{key_of(digests)}{ENDING}"
        self._files.write(path, content)
        return path

    def _paths(self) -> list[str]:
        return [path for path in self._files.paths(ending=ENDING) if path.startswith(f"{self._name}.")]

    def _digests_in(self, path: str) -> frozenset[bytes]:
        return frozenset(self._shard(path))

    def _shard(self, path: str) -> dict[bytes, Block]:
        """Raises FileNotFoundError where there is none."""
        try:
            stored = tensors.parse(self._files.read_constant(path))
            counts, rows, marks = stored["counts"], stored["rows"], stored["marks"]
            packed = stored["digests"].tobytes()
            digests = [packed[i : i + DIGEST] for i in range(0, len(packed), DIGEST)]
            if (rows.shape[1:], marks.shape[1:]) != ((self.row.dims,), (self.row.marks,)):
                raise KeyError("rows")
            ends = counts.cumsum()
            places = zip(digests, (ends - counts).tolist(), ends.tolist(), strict=True)
            return {digest: Block(rows[a:b], marks[a:b]) for digest, a, b in places}
        except FileNotFoundError:
            raise
        except (OSError, DamagedFile, KeyError, ValueError) as error:
            logger.warning("parts of contents that cannot be read, %s, are made anew: %s", path, error)
            return {}


def blocks_of(units: Units) -> list[Block]:
    """Of each item."""
    counts = torch.bincount(units.item, minlength=units.items).tolist()
    rows = units.rows.split(counts)
    marks = units.marks.to(torch.int32).split(counts)
    return [Block(a.numpy(), b.numpy()) for a, b in zip(rows, marks, strict=True)]


def _rows(blocks: Mapping[bytes, Block]) -> int:
    return sum(len(each.rows) for each in blocks.values())
