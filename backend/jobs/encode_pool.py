"""A retrain's encoding: what fits into its time at once, the rest in shards that any worker takes.

A retrain never waits for all of it. It learns from the labelled tasks that have vectors and ranks those that
have; the others stand behind until a later one. A project that has an order by another encoder keeps that
one until the new one's vectors are complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from backend.encoders.base import encoded, is_cheap
from backend.encoders.registry import name_in
from backend.encoders.within import encoded_within
from backend.learning.units import Units
from backend.store.features import AtHand, FeatureCache, Part
from backend.store.vectors import SHARD, digest_of
from backend.store.waiting import SHARD_SECONDS, Shard

FEW = 10
"""Texts that are encoded at once, whatever the time."""
FIRST_SECONDS = 10.0
"""For a project's first order, before any label: whoever connected it waits. The cold start looks at a random
part of a large pool anyway."""
MEASURED, MEASURE_SECONDS = 64, 0.25
"""Texts, and seconds, at most, that tell how quick an encoder is."""


class UnitsAtHand(Protocol):
    """The parts of the pool's contents."""

    def of(self, digests: Sequence[bytes]) -> Units:
        """digests: of what stands in tasks, whose parts must be at hand."""

    def means(self, digests: Sequence[bytes]) -> Tensor:
        """The mean of each content's parts, float32 [n, D]."""


@dataclass(frozen=True)
class Pool:
    """The project's texts as far as they are encoded.

    features: float32 [n, D], of the n texts that have vectors; done: bool [N], which these are; encoder:
    whose vectors; wanted: the encoder that the project should have; texts: how many different ones there are,
    and missing: those of them that it has no vectors of; shards: what waits for workers; blocks: widths of
    what a vector is made of, side by side, () where that is not known; units: of the n contents, their parts,
    where these are asked about, by the encoder `unit_encoder`.
    """

    features: Tensor
    done: npt.NDArray[np.bool_]
    encoder: str
    wanted: str
    texts: int
    missing: int
    shards: list[Shard]
    blocks: tuple[int, ...] = ()
    units: UnitsAtHand | None = None
    unit_encoder: str = ""

    @property
    def notes(self) -> list[str]:
        if not self.missing:
            return []
        so_far = f"{self.texts - self.missing} of {self.texts} texts are encoded"
        if self.wanted == self.encoder:
            return [f"{so_far}, the others stand behind"]
        return [f"{so_far} by {kind_of(self.wanted)}; until all are, {kind_of(self.encoder)} orders"]


def kind_of(encoder: str) -> str:
    """Of an encoder's name, the kind."""
    return name_in(encoder.split("-")[0])


def encode_pool(
    cache: FeatureCache,
    texts: Sequence[str],
    first: Sequence[int],
    seconds: float,
    *,
    serving: str | None = None,
    at_hand: AtHand | None = None,
    seed: int = 0,
) -> Pool:
    """first: texts to encode before others, by their number; seconds: for what is not cheap; serving: the
    encoder of the version before; at_hand: what `cache.read` gave, where that was asked already."""
    work = _Encoding(cache, texts, first, seconds, seed, serving is not None)
    return work.run(cache.wanted(texts, at_hand), serving)


class _Encoding:
    """One retrain's."""

    def __init__(
        self,
        cache: FeatureCache,
        texts: Sequence[str],
        first: Sequence[int],
        seconds: float,
        seed: int,
        has_order: bool,
    ):
        self._cache = cache
        self._texts = texts
        self._seconds = seconds
        self._at_once = seconds if first or has_order else min(seconds, FIRST_SECONDS)
        """Of what takes longer than `seconds`."""
        self._digests = [digest_of(text) for text in texts]
        shuffled = np.random.default_rng(seed).permutation(len(texts)).tolist()
        self._order = [*first, *shuffled]
        self._first = {self._digests[i] for i in first}
        self._rates: dict[str, float] = {}
        """Texts a second, by the name of a part's vectors."""

    def run(self, wanted: AtHand, serving: str | None) -> Pool:
        waiting: list[Shard] = []
        if any(self._missing(part) for part in wanted.parts if not is_cheap(part.encoder)):
            waiting = self._cache.waiting.shards()  # first: what has ended since is kept by then
            wanted = self._cache.read_again(wanted)
        before = None
        if serving not in (None, wanted.name) and any(self._takes_long(part) for part in wanted.parts):
            before = self._cache.named(serving, self._texts)
        shards = []
        dear = [part for part in wanted.parts if not is_cheap(part.encoder)]
        for part in dear:
            part, made = self._encoded(part, [each for each in waiting if each.vectors == part.name], before)
            wanted = wanted.with_part(part)
            shards += made
        for part in wanted.parts:
            if is_cheap(part.encoder):  # of what has the others' vectors alone: without these it is of no use
                beside = [each for each in wanted.parts if not is_cheap(each.encoder)]
                wanted = wanted.with_part(self._kept(part, self._useful(part, beside), float("inf")))
        missing = sum(not wanted.has(digest) for digest in set(self._digests)) if shards else 0
        if before is None or not missing:
            return self._pool(wanted, wanted, missing, shards)
        for part in before.parts:
            long = self._takes_long(part)
            kept = self._kept(part, self._missing(part), self._seconds if long else float("inf"))
            before = before.with_part(kept)
        return self._pool(before, wanted, missing, shards)

    def _encoded(self, part: Part, waiting: list[Shard], before: AtHand | None) -> tuple[Part, list[Shard]]:
        """The part with what could be encoded, and the shards of what could not.

        before: what orders meanwhile, so that nothing is encoded here that would take long.
        """
        missing = self._missing(part)
        if not self._takes_long(part):
            part = self._kept(part, missing, float("inf"))
            for shard in waiting:
                self._cache.waiting.done(shard)
            return part, []
        free = self._cache.waiting.not_yet_in(waiting, missing)
        if before is None:
            here = {each: text for each, text in missing.items() if each in self._first or each in free}
            nothing_yet = len(missing) == len(set(self._digests))
            part = self._kept(part, here or (missing if nothing_yet else {}), self._at_once)
        rest = [text for digest, text in free.items() if digest not in part.kept.rows]
        size = int(self._rates[part.name] * SHARD_SECONDS)
        return part, [*waiting, *self._cache.waiting.add(part.name, rest, size)]

    def _missing(self, part: Part) -> dict[bytes, str]:
        """By digest, in the order in which they are to be encoded."""
        known = part.kept.rows
        return {self._digests[i]: self._texts[i] for i in self._order if self._digests[i] not in known}

    def _useful(self, part: Part, beside: Sequence[Part]) -> dict[bytes, str]:
        """As `_missing`, of the texts that all of those beside it have vectors of."""
        missing = self._missing(part)
        known = [each.kept.rows for each in beside]
        return {each: text for each, text in missing.items() if all(each in rows for rows in known)}

    def _takes_long(self, part: Part) -> bool:
        """Whether it is dear, and what it lacks would take longer than there is time for."""
        missing = self._missing(part)
        if is_cheap(part.encoder) or len(missing) < FEW:
            return False
        if part.name not in self._rates:
            some = list(missing.values())[:MEASURED]
            self._rates[part.name] = encoded_within(part.encoder, some, MEASURE_SECONDS)[1]
        return len(missing) / self._rates[part.name] > self._seconds

    def _kept(self, part: Part, missing: dict[bytes, str], seconds: float) -> Part:
        """With the vectors of as many of them as there is time for."""
        if not missing:
            return part
        if is_cheap(part.encoder):
            made = encoded(part.encoder, list(missing.values()))
        else:
            made, self._rates[part.name] = encoded_within(part.encoder, list(missing.values()), seconds)
        return self._cache.keep(part, list(missing)[: len(made)], made)

    def _pool(self, used: AtHand, wanted: AtHand, missing: int, shards: list[Shard]) -> Pool:
        has = (not missing or used.has(digest) for digest in self._digests)
        done = np.fromiter(has, np.bool_, len(self._digests))
        known = [self._digests[i] for i in np.flatnonzero(done).tolist()]
        texts = len(set(self._digests))
        self._forget_vanished(wanted)
        blocks = tuple(part.encoder.dims for part in used.parts)
        return Pool(used.features(known), done, used.name, wanted.name, texts, missing, shards, blocks)

    def _forget_vanished(self, used: AtHand) -> None:
        """Vectors of texts that the project has no more, once these outnumber the others."""
        texts = set(self._digests)
        for part in used.parts:
            if len(part.kept.rows) > 2 * len(texts) + SHARD:
                self._cache.vectors.forget(part.name, part.encoder.dims, texts)
