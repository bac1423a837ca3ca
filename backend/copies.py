"""Tasks whose content is equal or nearly equal: one of each group is served, the label of one serves all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer
from torch import Tensor

Ints = npt.NDArray[np.int64]
Grouped = tuple[Ints, Ints]
"""`keys_of` N texts, and what they are `grouped` to."""

RULES = 1
"""Counts the rules by which texts are copies: to be raised with every change of them."""
NEARLY = 0.9
"""Nearly equal: so much of the words and word pairs of two texts is common (Jaccard). One word changed
of 29 is; of fewer words any may be the one that counts, so short texts are copies only where equal."""
TABLES, BITS = 10, 14
"""Random projections that candidates for it must agree in (locality-sensitive hashing; Charikar 2002): of
two vectors at a cosine of 0.97 one table in three has both in one bucket, hence 97 in 100 pairs are found."""
ALIKE = 0.9
"""Cosine of the encoder's vectors below which words are not compared."""
COMPARED = 4096
"""Pairs whose cosines are computed at once."""

_PLAIN = re.compile(r"[.,;!…\"'“”‘’*_\s-]+")
"""What a copy may differ in, beside case. Not "?" and ":", which may change what is said."""
_WORDS = HashingVectorizer(n_features=2**20, ngram_range=(1, 2), binary=True, norm=None, alternate_sign=False)


@dataclass(frozen=True)
class Copies:
    """Of N tasks. keys: int64 [N], `keys_of` their texts; group: int64 [N], the number of the first task of
    the same content; given: int64 [N], the class that most annotators gave to content like it, -1 for none;
    label: int64 [N], what its own annotators gave it, or else that; behind: bool [N], tasks that wait but
    have a copy that is labelled or served before them."""

    keys: Ints
    group: Ints
    given: Ints
    label: Ints
    behind: npt.NDArray[np.bool_]

    def taught_beside(self, own: Ints) -> Ints:
        """The tasks to train on beside those with a label of their `own`, int64 [N], -1 for none: of each
        text that nobody labelled, but one nearly equal to it, one. Equal ones would teach nothing."""
        inherits = (own < 0) & (self.label >= 0) & ~np.isin(self.keys, self.keys[own >= 0])
        rows = np.flatnonzero(inherits)
        return np.sort(rows[np.unique(self.keys[rows], return_index=True)[1]])

    def known(self, waits: npt.NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
        """The content that is labelled or waits: its keys, rising, and the class it was given, or -1."""
        rows = np.flatnonzero((waits | (self.given >= 0)) & (self.keys != 0))
        keys, first = np.unique(self.keys[rows], return_index=True)
        return torch.from_numpy(keys), torch.from_numpy(self.given[rows[first]])


def key_of(text: str) -> int:
    """Equal for texts that differ in case, white space and punctuation alone; 0 where nothing is left."""
    content = _PLAIN.sub(" ", text.casefold()).strip()
    if not content:
        return 0
    digest = blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


def keys_of(texts: Sequence[str]) -> Ints:
    """`key_of` each text, int64 [N]."""
    return np.fromiter(map(key_of, texts), np.int64, len(texts))


def copies_among(
    texts: Sequence[str], keys: Ints, features: Tensor, own: Ints, waits: npt.NDArray[np.bool_]
) -> Copies:
    """Which of N tasks repeat each other. keys: `keys_of` the texts; features: float [N, D]; own: int64 [N],
    the class that its own annotators gave a task, -1 for none; waits: bool [N], tasks in the queue.

    Texts without any content are nobody's copies.
    """
    return copies_in(keys, grouped(texts, keys, features), own, waits)


def copies_in(keys: Ints, group: Ints, own: Ints, waits: npt.NDArray[np.bool_]) -> Copies:
    """The same where the texts are `grouped` already: group: int64 [N]."""
    votes = _majorities(group[own >= 0], own[own >= 0])
    majority = np.full(len(group), -1, np.int64)
    majority[list(votes)] = list(votes.values())
    given = majority[group]
    label = np.where(own >= 0, own, given)
    waiting = np.flatnonzero(waits)
    first = np.zeros(len(group), bool)
    first[waiting[np.unique(group[waiting], return_index=True)[1]]] = True
    return Copies(keys, group, given, label, waits & ((label >= 0) | ~first))


def keyed_and_grouped(texts: Sequence[str], features: Tensor) -> Grouped:
    """features: float [N, D]."""
    keys = keys_of(texts)
    return keys, grouped(texts, keys, features)


def grouped(texts: Sequence[str], keys: Ints, features: Tensor) -> Ints:
    """The number of the first text that is equal, or nearly so, to each: int64 [N]."""
    numbers = np.arange(len(texts))
    _, first, inverse = np.unique(
        np.where(keys == 0, -1 - numbers, keys), return_index=True, return_inverse=True
    )
    group = first[inverse]  # empty texts have a made-up key each; that it is another's is next to impossible
    some = np.unique(group[keys[group] != 0]) if len(texts) else group
    of_some = features if len(some) == len(features) else features[torch.from_numpy(some)]
    left, right = _alike([texts[i] for i in some.tolist()], of_some)
    if not len(left):
        return group
    ends = (np.ones(len(left)), (some[left], some[right]))
    component = connected_components(coo_matrix(ends, shape=(len(texts),) * 2), directed=False)[1]
    lowest = np.full(component.max() + 1, len(texts))
    np.minimum.at(lowest, component, numbers)
    found: Ints = lowest[component][group]
    return found


def _alike(texts: Sequence[str], features: Tensor) -> tuple[Ints, Ints]:
    """Pairs of nearly equal texts, as two columns of indices; enough to join what belongs together."""
    found = _near(features.float()).numpy()
    if not len(found):
        return found[:, 0], found[:, 1]
    some, numbers = np.unique(found, return_inverse=True)
    words = _WORDS.transform([texts[i].encode("utf-8", "replace").decode() for i in some.tolist()])
    left_words, right_words = (words[side] for side in numbers.reshape(found.shape).T)
    common = np.asarray(left_words.multiply(right_words).sum(1)).ravel()
    either = left_words.getnnz(1) + right_words.getnnz(1) - common
    nearly = common >= NEARLY * np.maximum(either, 1)
    # Of some ten words and pairs all may be common to texts in another order, or of other one-letter words.
    nearly &= either >= 2 / (1 - NEARLY)
    return found[nearly, 0], found[nearly, 1]


def _near(rows: Tensor) -> Tensor:
    """Pairs at a cosine of ALIKE at least, the smaller index first: int64 [P, 2]. rows: float32 [N, D]."""
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True).clamp(min=1e-12)
    generator = torch.Generator().manual_seed(0)
    planes = [torch.randn(rows.shape[1], BITS + 1, generator=generator) for _ in range(TABLES)]
    sides = rows @ torch.cat(planes, dim=1) / lengths  # all tables at once: the rows are read once
    # The last side of a table settles who stands beside whom in a bucket.
    pairs = torch.cat(
        [_neighbours(table[:, :BITS] > 0, table[:, BITS]) for table in sides.split(BITS + 1, 1)]
    )
    pairs = (pairs.amin(1) * len(rows) + pairs.amax(1)).unique()
    found = torch.stack([pairs // len(rows), pairs % len(rows)], dim=1)
    cosines = [
        (rows[left] * rows[right]).sum(1) / (lengths[left] * lengths[right])[:, 0]
        for left, right in (some.T for some in found.split(COMPARED))
    ]
    return found[torch.cat([torch.zeros(0), *cosines]) >= ALIKE]


def _neighbours(above: Tensor, place: Tensor) -> Tensor:
    """Who stands beside whom, by place, among those that are above the same planes: int64 [P, 2].

    above: bool [N, BITS]; place: float [N].
    """
    bucket = (above.long() << torch.arange(BITS)).sum(1)
    order = place.argsort(stable=True)
    order = order[bucket[order].argsort(stable=True)]
    beside = torch.stack([order[:-1], order[1:]], dim=1)
    return beside[bucket[order[:-1]] == bucket[order[1:]]]


def _majorities(group: Ints, own: Ints) -> dict[int, int]:
    """By group, the class that most of its tasks were given; of equally many the first."""
    votes: dict[int, Counter[int]] = {}
    for number, label in zip(group.tolist(), own.tolist(), strict=True):
        votes.setdefault(number, Counter())[label] += 1
    return {number: each.most_common(1)[0][0] for number, each in votes.items()}
