"""The most likely tags that are spans: an I only behind a B or an I of its label (Viterbi 1967).

All items go forward together, a word a step.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

CELLS = 2**18
"""Words of a batch, with what fills up the shorter items."""


def viterbi(likely: Tensor, item: Tensor, items: int) -> Tensor:
    """Tags as of `backend.learning.bio`, int64 [U].

    likely: float [U, T], the words' log-probabilities; item: int64 [U], rising, in [0, items).
    """
    counts = torch.bincount(item, minlength=items)
    firsts = counts.cumsum(0) - counts
    tags = torch.empty(len(item), dtype=torch.int64)
    for alike in _batches(counts):
        places = firsts[alike, None] + torch.arange(int(counts[alike].max()))  # [n, L]
        real = places < (firsts + counts)[alike, None]
        found = _best_paths(likely[places.clamp(max=len(item) - 1)], counts[alike])
        tags[places[real]] = found[real]
    return tags


def _batches(counts: Tensor) -> Iterator[Tensor]:
    """Items of alike lengths, int64 each, longest first; those without a word are in none."""
    order = counts.argsort(descending=True, stable=True)[: int((counts > 0).sum())]
    while len(order):
        n = max(1, CELLS // int(counts[order[0]]))
        yield order[:n]
        order = order[n:]


def _best_paths(likely: Tensor, counts: Tensor) -> Tensor:
    """likely: float [n, L, T]; counts: int64 [n], how many words are an item's own. Tags, int64 [n, L]."""
    n, length, tags = likely.shape
    begin, inside = torch.arange(1, tags, 2), torch.arange(2, tags, 2)
    stays = torch.arange(tags).expand(n, tags)
    best = likely[:, 0].clone()
    best[:, inside] = -torch.inf
    origins = []
    for step in range(1, length):
        # O and B may follow anything, I its own label's B or I.
        highest, whose = best.max(1, keepdim=True)
        came, score = whose.repeat(1, tags), highest.repeat(1, tags)
        from_begin = best[:, begin] >= best[:, inside]
        came[:, inside] = torch.where(from_begin, begin, inside)
        score[:, inside] = torch.where(from_begin, best[:, begin], best[:, inside])
        goes_on = (step < counts)[:, None]
        best = torch.where(goes_on, score + likely[:, step], best)
        origins.append(torch.where(goes_on, came, stays))
    path = [best.argmax(1, keepdim=True)]
    for came in reversed(origins):
        path.append(came.gather(1, path[-1]))
    return torch.cat(path[::-1], 1)
