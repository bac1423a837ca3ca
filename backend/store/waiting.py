"""Texts that wait to be encoded, in shards where the vectors go: any worker on any machine finds them there.

Each is a file of its own, named after what it holds, and goes once its vectors are kept.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.errors import DamagedFile
from backend.store import tensors
from backend.store.files import Files
from backend.store.kept_json import MALFORMED
from backend.store.vectors import SHARD, digest_of, key_of

ENDING = ".texts.safetensors"
SHARD_SECONDS = 6.0
"""What a shard should take, by the rate that was measured where it was made: 10 are the most."""
_PATH = re.compile(rf"^(.+)\.([0-9a-f]{{16}})\.(\d{{1,9}}){re.escape(ENDING)}$")


@dataclass(frozen=True)
class Shard:
    """Texts for one encoder. vectors: the name that its vectors are kept by; key: of what they are."""

    vectors: str
    key: str
    count: int

    @property
    def path(self) -> str:
        return f"{self.vectors}.{self.key}.{self.count}{ENDING}"


class WaitingTexts:
    """Those of one project."""

    def __init__(self, files: Files):
        self._files = files

    def add(self, vectors: str, texts: Sequence[str], size: int) -> list[Shard]:
        """In shards of so many texts, in their order."""
        made = []
        size = max(1, min(size, SHARD))
        for start in range(0, len(texts), size):
            some = list(texts[start : start + size])
            key = key_of([vectors.encode(), *(digest_of(text) for text in some)])
            shard = Shard(vectors, key, len(some))
            packed = np.frombuffer(zlib.compress(json.dumps(some).encode(), 1), np.uint8)
            self._files.write(shard.path, tensors.pack({"texts": packed}))
            made.append(shard)
        return made

    def not_yet_in(self, shards: Sequence[Shard], missing: Mapping[bytes, str]) -> dict[bytes, str]:
        """Of texts by their digests those that are in none of the shards, whose texts are read only where
        there are too few of them."""
        if sum(shard.count for shard in shards) >= len(missing):
            return {}
        known = {digest_of(text) for shard in shards for text in self.texts(shard)}
        return {digest: text for digest, text in missing.items() if digest not in known}

    def shards(self, vectors: str | None = None) -> list[Shard]:
        """Those that wait, of one encoder or of all."""
        found = [match for path in self._files.paths(ending=ENDING) if (match := _PATH.match(path))]
        every = [Shard(each[1], each[2], int(each[3])) for each in found]
        return [shard for shard in every if vectors in (None, shard.vectors)]

    def texts(self, shard: Shard) -> list[str]:
        """[] where they wait no more. A damaged file is deleted: its texts are found missing. Raises OSError
        where it cannot be read just then."""
        try:
            packed = tensors.parse(self._files.read_constant(shard.path))["texts"]
            found: list[str] = json.loads(zlib.decompress(packed.tobytes()))
            return found
        except FileNotFoundError:
            return []
        except (DamagedFile, zlib.error, *MALFORMED):
            self.done(shard)
            return []

    def done(self, shard: Shard) -> None:
        self._files.delete(shard.path)
