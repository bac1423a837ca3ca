"""The vectors of a few texts: those that are kept, and of the others as many as there is time to make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backend.encoders.base import Encoder, encoded, is_cheap
from backend.encoders.joined import join
from backend.encoders.within import encoded_within
from backend.learning.units import Units
from backend.store.features import FeatureCache, named_parts
from backend.store.vectors import digest_of
from backend.store.waiting import SHARD_SECONDS, Shard

KEEP_FROM = 32
"""So many vectors made at once are kept: the next who asks has them. A retrain keeps the others."""
FEW = 10
"""Texts that are encoded at once although they wait for a worker."""
WAITING_AT_MOST = 200_000
"""Texts of a project that may wait: whoever asks for more is not heard."""

T = TypeVar("T")


@dataclass
class Found:
    """features: float32 [n, D], of the n texts of N that have vectors; has: bool [N], which these are.

    late: by the name that vectors are kept by, the texts that there was no time for, by their digests.
    rates: by that name, texts a second.
    units: of the n, their parts, where these are asked about; late_words: as `late`, of the texts' words;
    word_rate: as `rates`.
    """

    features: Tensor
    has: npt.NDArray[np.bool_]
    late: dict[str, dict[bytes, str]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    made: int = 0
    """Vectors that were not kept before."""
    units: Units | None = None
    late_words: dict[bytes, str] = field(default_factory=dict)
    word_rate: float = 10.0

    def of(self, values: Iterable[T]) -> list[T]:
        """Those of the n texts, of something for each of the N."""
        return list(compress(values, self.has))


def find_vectors(
    cache: FeatureCache,
    name: str,
    encoder: Encoder,
    texts: Sequence[str],
    seconds: float,
    *,
    keep_from: int = KEEP_FROM,
) -> Found:
    """By an encoder of this name. What is cheap is made, whatever the time; of the rest what is kept is taken
    first. seconds: 0 for what is kept alone; keep_from: so many that are made are kept."""
    if is_cheap(encoder):
        return Found(encoded(encoder, texts), np.ones(len(texts), np.bool_))
    digests = [digest_of(text) for text in texts]
    found = Found(torch.zeros(0, encoder.dims), np.ones(len(texts), np.bool_))
    parts = named_parts(name, encoder)
    search = _Search(cache, dict(zip(digests, texts, strict=True)), seconds, keep_from, found)
    dear = {own: search.vectors(own, each) for own, each in parts if not is_cheap(each)}
    found.has = np.fromiter((all(each in rows for rows in dear.values()) for each in digests), np.bool_)
    there = found.of(digests)
    blocks = [
        encoded(each, found.of(texts)) if own not in dear else _stacked(dear[own], there, each.dims)
        for own, each in parts
    ]
    found.features = blocks[0] if len(blocks) == 1 else join(blocks)
    return found


def put_off(cache: FeatureCache, found: Found) -> list[Shard]:
    """Have what there was no time for encoded by workers. Returns the shards that are new."""
    made: list[Shard] = []
    for name, late in found.late.items():
        waiting = cache.waiting.shards(name)
        if sum(shard.count for shard in waiting) < WAITING_AT_MOST:
            new = list(cache.waiting.not_yet_in(waiting, late).values())
            made += cache.waiting.add(name, new, int(found.rates.get(name, 10.0) * SHARD_SECONDS))
    return made


@dataclass(frozen=True)
class _Search:
    """For the vectors of texts, by their digests. What it does not find it notes in `found`."""

    cache: FeatureCache
    texts: dict[bytes, str]
    seconds: float
    keep_from: int
    found: Found

    def vectors(self, name: str, encoder: Encoder) -> dict[bytes, Tensor]:
        """Rounded as those that are kept: the same text has the same vector, whenever it is asked for."""
        kept = self.cache.vectors.find(name, encoder.dims, self.texts.keys())
        rows = {digest: torch.from_numpy(vector.astype(np.float32)) for digest, vector in kept.items()}
        missing = self._but(rows)
        if missing and self.seconds > 0 and (free := self._free(name, missing)):
            made, self.found.rates[name] = encoded_within(encoder, list(free.values()), self.seconds)
            new = list(free)[: len(made)]
            self.found.made += len(new)
            if len(new) >= self.keep_from:
                self.cache.add(name, new, made)
            rows |= dict(zip(new, made.half().float(), strict=True))
            missing = self._but(rows)
        if missing:
            self.found.late[name] = missing
        return rows

    def _free(self, name: str, missing: dict[bytes, str]) -> dict[bytes, str]:
        """Those that no worker is to encode; all where they are few."""
        if len(missing) <= FEW:
            return missing
        return self.cache.waiting.not_yet_in(self.cache.waiting.shards(name), missing)

    def _but(self, rows: dict[bytes, Tensor]) -> dict[bytes, str]:
        return {digest: text for digest, text in self.texts.items() if digest not in rows}


def _stacked(rows: dict[bytes, Tensor], digests: Sequence[bytes], dims: int) -> Tensor:
    return torch.stack([rows[each] for each in digests]) if digests else torch.zeros(0, dims)
