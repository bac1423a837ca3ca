"""The words of a few texts: those that are kept, and of the others as many as there is time to make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from backend.store.finding import FEW, WAITING_AT_MOST, Found
from backend.store.unit_files import KeptUnits
from backend.store.vectors import digest_of
from backend.store.waiting import SHARD_SECONDS, Shard
from backend.store.words import Encoded, Words


def find_words(found: Found, texts: Sequence[str], words: Words, seconds: float, *, keep_from: int) -> Found:
    """Of those texts that have vectors, those that have words, too. seconds: 0 for what is kept alone, or
    cheap; keep_from: so many that are made are kept."""
    there = found.of(texts)
    by_digest = {digest_of(text): text for text in there}
    makes = seconds > 0 or words.encoder.is_cheap
    # A few are read sooner than found.
    kept = KeptUnits(words.kept.row) if makes and len(by_digest) <= FEW else words.find(there)
    missing = {digest: text for digest, text in by_digest.items() if digest not in kept.blocks}
    made = Encoded()
    if missing and makes:
        made = words.encoded(missing, float("inf") if words.encoder.is_cheap else seconds)
        if len(made) >= keep_from:
            words.kept.add(made)
        kept = kept.but(made)
    digests = [digest_of(text) for text in there]
    has = np.array([digest in kept.blocks for digest in digests], np.bool_)
    whole = found.has.copy()
    whole[found.has] = has
    return replace(
        found,
        features=found.features[torch.from_numpy(has)],
        has=whole,
        made=found.made + len(made),
        units=kept.of([digest for digest in digests if digest in kept.blocks]),
        late_words={digest: text for digest, text in missing.items() if digest not in made},
        word_rate=made.rate,
    )


def put_off_words(words: Words, found: Found) -> list[Shard]:
    """Have what there was no time for read by workers. Returns the shards that are new."""
    waiting = words.waiting.shards(words.name)
    if not found.late_words or sum(shard.count for shard in waiting) >= WAITING_AT_MOST:
        return []
    new = list(words.waiting.not_yet_in(waiting, found.late_words).values())
    return words.waiting.add(words.name, new, int(min(found.word_rate, 1000) * SHARD_SECONDS))
