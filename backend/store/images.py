"""What is kept of a project's images: by the address, which bytes were there; by the bytes, a small picture.
Their vectors are kept as those of texts are, by the bytes' digest. All in files that none writes twice.

So an image that moves, is signed anew or stands in two tasks is not encoded again, and one that was fetched
is not fetched again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import DamagedFile
from backend.store import tensors
from backend.store.files import Files
from backend.store.thumbnails import ENDING as SMALL
from backend.store.thumbnails import Thumbnails, rows_of
from backend.store.vectors import DIGEST, SHARD, Kept, VectorFiles, digest_of, key_of
from backend.store.vectors import ENDING as VECTORS

logger = logging.getLogger(__name__)

MADE = ".images.safetensors"
FILES, MANY = 16, 1024
"""So many files of fewer addresses may be; then they are merged."""
ETAG = 96
"""Bytes of an ETag that are kept; a longer one is forgotten."""
ASK_AGAIN_AFTER = 24 * 3600.0
"""Seconds for which an address is taken to hold what it held; then its ETag is asked about."""


@dataclass(frozen=True)
class Image:
    """One that was fetched. name: its address, however signed; digest: of its bytes; vector: float [dims],
    None where it is kept already, and so is the thumbnail."""

    name: str
    digest: bytes
    vector: npt.NDArray[Any] | None = None
    thumbnail: bytes = b""
    etag: str = ""


@dataclass(frozen=True)
class KnownImages:
    """digests: by `digest_of` an address' name, that of the bytes that were there; kept: the vectors; asked:
    by the same, the ETag and when it was true, in seconds since 1970."""

    digests: Mapping[bytes, bytes]
    kept: Kept
    asked: Mapping[bytes, tuple[bytes, float]] = field(default_factory=dict)

    def digest(self, name: str) -> bytes | None:
        """Of the bytes at an address; None where they were not fetched, or have no vector by this encoder."""
        found = self.digests.get(digest_of(name))
        return found if found in self.kept.rows else None

    def etag(self, name: str) -> str:
        """Of what is known of an address; "" where nothing is, or the server told none."""
        etag, _ = self.asked.get(digest_of(name), (b"", 0.0))
        return etag.decode("latin-1") if self.digest(name) is not None else ""

    def unsure_since(self, name: str) -> float | None:
        """Since when an address may hold something else, and its server can tell; else None."""
        _, then = self.asked.get(digest_of(name), (b"", 0.0))
        since = then + ASK_AGAIN_AFTER
        return since if self.etag(name) and since <= time.time() else None


class ImageFiles:
    """Of one project and one encoder. vectors: the name that the encoder's vectors are kept by."""

    def __init__(self, files: Files, vectors: str, dims: int):
        self._files = files
        self._name = vectors
        self._dims = dims
        self._vectors = VectorFiles(files, files)
        self.thumbnails = Thumbnails(files)

    def read(self) -> KnownImages:
        """What is damaged is forgotten: it can be fetched anew."""
        kept = self._vectors.read(self._name, self._dims)
        best: dict[bytes, tuple[bool, float, bytes, bytes]] = {}
        for path in self._files.paths(ending=MADE):
            for name, digest, etag, then in zip(*self._made(path), strict=True):
                row = (digest in kept.rows, float(then), digest, bytes(etag))
                if name not in best or row[:2] >= best[name][:2]:  # with a vector; then the newest
                    best[name] = row
        digests = {name: digest for name, (_, _, digest, _) in best.items()}
        return KnownImages(digests, kept, {name: (etag, then) for name, (_, then, _, etag) in best.items()})

    def paths(self) -> frozenset[str]:
        """Of all that `read` would read: the same as long as nothing was added."""
        return frozenset(path for path in self._files.paths() if path.endswith((MADE, VECTORS)))

    def add(self, images: Sequence[Image]) -> None:
        """The small pictures first, the addresses last: what is known by its address has all the rest."""
        if not images:
            return
        new = {image.digest: image for image in images if image.vector is not None}
        if new:
            self._write_thumbnails(list(new.values()))
            vectors = np.stack([image.vector for image in new.values()])  # type: ignore[misc]
            self._vectors.add(self._name, list(new), vectors.astype(np.float16))
        etags = [image.etag.encode("latin-1", "replace")[: ETAG + 1] for image in images]
        self._write_made(
            [digest_of(image.name) for image in images],
            [image.digest for image in images],
            np.array([each if len(each) <= ETAG else b"" for each in etags], f"S{ETAG}"),
            np.full(len(images), time.time()),
        )

    def merge(self) -> None:
        """Make few files of many small ones. For one at a time; others may add meanwhile."""
        self._vectors.merge(self._name, self._dims)
        found = {path: self._made(path) for path in self._files.paths(ending=MADE)}
        small = {path: made for path, made in found.items() if len(made[0]) < MANY}
        if len(small) <= FILES:
            return
        rows = [row for made in small.values() for row in zip(*made, strict=True)]
        rows.sort(key=lambda row: float(row[3]))
        newest, written = list({row[:2]: row for row in rows}.values()), set()
        for start in range(0, len(newest), SHARD):
            names, digests, etags, times = zip(*newest[start : start + SHARD], strict=True)
            etag_table = np.array(etags, f"S{ETAG}")
            written.add(self._write_made([*names], [*digests], etag_table, np.array(times)))
        for path in small.keys() - written:  # what was left of them may be what one of them held
            self._files.delete(path)

    def _write_thumbnails(self, images: Sequence[Image]) -> None:
        digests = [image.digest for image in images]
        content = tensors.pack(
            {
                "digests": _table(digests),
                "ends": np.cumsum([len(image.thumbnail) for image in images]),
                "content": np.frombuffer(b"".join(image.thumbnail for image in images), np.uint8),
            }
        )
        self._files.write(f"{key_of(digests)}{SMALL}", content)

    def _write_made(
        self, names: list[bytes], digests: list[bytes], etags: npt.NDArray[Any], times: npt.NDArray[Any]
    ) -> str:
        """times: float64 [N], seconds since 1970. Returns the file's path."""
        table = {"names": _table(names), "digests": _table(digests), "etags": etags.view(np.uint8)}
        content = tensors.pack({**table, "times": times})
        path = f"{key_of(names)}-{key_of([*digests, times.tobytes()])}{MADE}"
        self._files.write(path, content)
        return path

    def _made(self, path: str) -> tuple[list[bytes], list[bytes], npt.NDArray[Any], npt.NDArray[Any]]:
        """Names, digests, ETags, and when they were true; empty where they cannot be read."""
        try:
            stored = tensors.parse(self._files.read_constant(path))
            names, digests = rows_of(stored["names"]), rows_of(stored["digests"])
            etags = stored["etags"].view(f"S{ETAG}")
            times = stored.get("times", np.zeros(len(names)))  # releases before kept none
            if not len(names) == len(digests) == len(etags) == len(times):
                raise KeyError("names")
            return names, digests, etags, times
        except (OSError, DamagedFile, KeyError, ValueError) as error:
            logger.warning("addresses that cannot be read, %s, are asked anew: %s", path, error)
            return [], [], np.zeros(0, f"S{ETAG}"), np.zeros(0)


def digest_of_bytes(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


def _table(digests: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST)
