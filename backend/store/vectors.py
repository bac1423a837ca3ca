"""An encoder's vectors on disk, in shards: what is added is one more file, and none is written twice.

A shard's name ends with the digest of what it holds, so that two who encode the same texts write one file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import DamagedFile
from backend.lru import RecentlyUsed
from backend.store import tensors
from backend.store.files import Files

logger = logging.getLogger(__name__)

SHARD = 4096
"""Texts of a shard at most."""
MANY = 16
"""Of shards less than half full so many may be; then they are merged."""
DIGEST = 16
"""Bytes of a text's hash."""
TRIES = 3
ENDING = ".vectors.safetensors"

DIGESTS_BYTES = 32 * 2**20
"""Of the digests that a process remembers, roughly."""

Halves = npt.NDArray[Any]
_digests: RecentlyUsed[str, frozenset[bytes]] = RecentlyUsed(DIGESTS_BYTES, lambda held: 100 * len(held))
"""By a shard's path, which tells what is in it, in whatever project."""


@dataclass(frozen=True)
class Kept:
    """rows: by text hash, which of the vectors, float16 [N, dims], is that text's."""

    rows: dict[bytes, int]
    vectors: Halves

    def of(self, digests: Sequence[bytes]) -> Halves:
        """float32 [n, dims]; all of them must be kept."""
        rows = np.fromiter((self.rows[digest] for digest in digests), np.int64, len(digests))
        return self.vectors[rows].astype(np.float32)

    def with_added(self, digests: Sequence[bytes], vectors: Halves) -> Kept:
        """vectors: float16 [n, dims], of texts that were not kept before."""
        first = len(self.vectors)
        rows = self.rows | {digest: first + i for i, digest in enumerate(digests)}
        return Kept(rows, np.concatenate([self.vectors, vectors]))


class VectorFiles:
    """The shards of encoders, by their names. before: where releases before kept all vectors of an encoder in
    one file; it is read, and goes when its encoder does."""

    def __init__(self, files: Files, before: Files):
        self._files = files
        self._before = before
        self._unreadable: set[str] = set()
        """Shards that were found damaged."""

    def read(self, name: str, dims: int) -> Kept:
        """All that an encoder has made. What is damaged, or of another shape, is forgotten: it can be encoded
        anew. Raises ModelStoreError where the shards cannot be listed."""
        for _ in range(TRIES):
            try:
                parts = [part for path in self._paths(name) if (part := self._part(path, dims)) is not None]
                break
            except FileNotFoundError:  # merged into another meanwhile
                continue
        else:
            parts = []
        parts = [*self._part_of_before(name, dims), *parts]
        digests = [digest for found, _ in parts for digest in found]
        rows = {digest: row for row, digest in enumerate(digests)}
        return Kept(rows, np.concatenate([np.zeros((0, dims), np.float16), *(part for _, part in parts)]))

    def find(self, name: str, dims: int, wanted: Set[bytes]) -> dict[bytes, Halves]:
        """The vectors, float16 [dims], of the texts of these digests that are in shards: of each shard the
        digests are remembered, and the vectors read where one is asked for."""
        found: dict[bytes, Halves] = {}
        for path in self._paths(name):
            try:
                held = _digests.get(path, partial(self._digests_in, path, dims))
                if not wanted.isdisjoint(held):
                    digests, vectors = self._part(path, dims) or ((), ())
                    found |= {each: row for each, row in zip(digests, vectors, strict=True) if each in wanted}
            except FileNotFoundError:  # merged into another meanwhile
                continue
        return found

    def _digests_in(self, path: str, dims: int) -> frozenset[bytes]:
        part = self._part(path, dims)
        return frozenset() if part is None else frozenset(part[0])

    def add(self, name: str, digests: Sequence[bytes], vectors: Halves) -> None:
        """vectors: float16 [n, dims], in the digests' order. A shard for each SHARD of them."""
        for start in range(0, len(digests), SHARD):
            some = digests[start : start + SHARD]
            table = np.frombuffer(b"".join(some), np.uint8).reshape(-1, DIGEST)
            content = tensors.pack({"digests": table, "vectors": vectors[start : start + SHARD]})
            self._files.write(f"{name}.{key_of(some)}{ENDING}", content)

    def merge(self, name: str, dims: int) -> None:
        """Make few files of many small ones, and of what cannot be read none. For one at a time.

        Nothing is read where there are few of them, which the files' sizes tell.
        """
        paths = self._paths(name)
        few = sum(self._is_small(path, dims) for path in paths) <= MANY
        if few and self._unreadable.isdisjoint(paths):
            return
        found = {path: self._part(path, dims) for path in paths}
        large = {path: part for path, part in found.items() if part is not None and 2 * len(part[0]) >= SHARD}
        small = [path for path in found if path not in large]
        seen = {digest for digests, _ in large.values() for digest in digests}
        merged: dict[bytes, Halves] = {}
        for path in small:
            for digest, vector in zip(*(found[path] or ((), ())), strict=True):
                if digest not in seen:
                    merged[digest] = vector
        if merged:
            self.add(name, list(merged), np.stack(list(merged.values())))
        kept = set(self._paths_of(name, list(merged)))
        for path in small:
            if path not in kept:
                self._files.delete(path)

    def forget(self, name: str, dims: int, wanted: Set[bytes]) -> None:
        """Delete vectors of other texts than these, where they are the most of a shard. For one at a time."""
        for path in self._paths(name):
            digests, vectors = self._part(path, dims) or ([], np.zeros((0, dims), np.float16))
            rows = [i for i, digest in enumerate(digests) if digest in wanted]
            if 2 * len(rows) < len(digests):
                self.add(name, [digests[i] for i in rows], vectors[rows])
                self._files.delete(path)

    def _is_small(self, path: str, dims: int) -> bool:
        """Whether a shard is less than half full, by its size; True where that is not known here."""
        size = self._files.size_here(path)
        nothing = np.zeros((0, DIGEST), np.uint8), np.zeros((0, dims), np.float16)
        empty = len(tensors.pack(dict(zip(("digests", "vectors"), nothing, strict=True))))
        return size is None or 2 * (size - empty) < SHARD * (DIGEST + 2 * dims)

    def _paths(self, name: str) -> list[str]:
        return [path for path in self._files.paths(ending=ENDING) if _is_of(path, name)]

    def _paths_of(self, name: str, digests: Sequence[bytes]) -> Iterator[str]:
        for start in range(0, len(digests), SHARD):
            yield f"{name}.{key_of(digests[start : start + SHARD])}{ENDING}"

    def _part(self, path: str, dims: int) -> tuple[list[bytes], Halves] | None:
        """Raises FileNotFoundError where there is none."""
        try:
            return _parsed(self._files.read_constant(path), dims)
        except FileNotFoundError:
            raise
        except (OSError, DamagedFile, KeyError) as error:
            logger.warning("vectors that cannot be read, %s, are made anew: %s", path, error)
            self._unreadable.add(path)
            return None

    def _part_of_before(self, name: str, dims: int) -> list[tuple[list[bytes], Halves]]:
        try:
            return [_parsed(self._before.read(f"{name}{ENDING}"), dims)]
        except (OSError, DamagedFile, KeyError):
            return []


def digest_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()


def key_of(digests: Sequence[bytes]) -> str:
    """The same for the same texts, in whatever order."""
    return hashlib.blake2b(b"".join(sorted(digests)), digest_size=8).hexdigest()


def _is_of(path: str, name: str) -> bool:
    return path.startswith(f"{name}.") and path.count(".") == name.count(".") + 3


def _parsed(content: bytes, dims: int) -> tuple[list[bytes], Halves]:
    stored = tensors.parse(content)
    digests, vectors = stored["digests"], stored["vectors"]
    if digests.shape[1:] != (DIGEST,) or vectors.shape != (len(digests), dims):
        raise KeyError("vectors")
    packed = digests.tobytes()
    return [packed[i : i + DIGEST] for i in range(0, len(packed), DIGEST)], vectors
