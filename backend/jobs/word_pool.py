"""A retrain's texts word by word: what fits into its time at once, the rest in shards for any worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.jobs.encode_pool import Pool
from backend.store.vectors import digest_of
from backend.store.waiting import SHARD_SECONDS, Shard
from backend.store.words import Words

MOST_WORDS = 600_000
"""Of a project: half a gigabyte. Texts beyond stand behind until others are labelled."""

CHARACTERS = 5
"""Of a word, roughly, to reckon how many a text has before it is read."""


def with_words(
    pool: Pool, texts: Sequence[str], first: Sequence[int], words: Words, seconds: float, *, seed: int = 0
) -> Pool:
    """The pool of those that have words, too. texts: all, in the pool's order; first: those to encode before
    others; seconds: for what is not cheap."""
    order = [*first, *np.random.default_rng(seed).permutation(len(texts)).tolist()]
    texts_by_digest = {digest_of(texts[i]): texts[i] for i in order}
    kept = words.kept.find(texts_by_digest.keys())
    labelled = {digest_of(texts[i]) for i in first}
    room = MOST_WORDS - kept.rows_of(texts_by_digest)
    missing = {digest: text for digest, text in texts_by_digest.items() if digest not in kept.blocks}
    missing = _fitting(missing, labelled, room)
    made = words.encoded(missing, float("inf") if words.encoder.is_cheap else seconds)
    words.kept.add(made)
    kept = kept.but(made)
    rest = {digest: text for digest, text in missing.items() if digest not in made}
    shards = _put_off(words, rest, made.rate)
    words.kept.merge(None if room > 0 else texts_by_digest.keys())
    words.forget_others()
    digests = [digest_of(text) for text in texts]
    has = np.array([digest in kept.blocks for digest in digests], np.bool_)
    done = pool.done & has
    lacking = {digest for digest, there in zip(digests, done.tolist(), strict=True) if not there}
    return replace(
        pool,
        features=pool.features[has[pool.done]],
        done=done,
        missing=len(lacking),
        shards=[*pool.shards, *shards],
        units=kept,
        unit_encoder=words.name,
    )


def _fitting(missing: dict[bytes, str], labelled: set[bytes], room: int) -> dict[bytes, str]:
    """Those labelled, and of the others as many as have no more words than there is room for, roughly."""
    found, held = {}, 0
    for digest, text in missing.items():
        if digest in labelled or held < room:
            found[digest] = text
            held += 1 + len(text) // CHARACTERS
    return found


def _put_off(words: Words, missing: dict[bytes, str], rate: float) -> list[Shard]:
    """All that wait, and new ones for those that are in none."""
    waiting = words.waiting.shards(words.name)
    if not missing:
        for shard in waiting:
            words.waiting.done(shard)
        return []
    new = list(words.waiting.not_yet_in(waiting, missing).values())
    return [*waiting, *words.waiting.add(words.name, new, int(rate * SHARD_SECONDS))]
