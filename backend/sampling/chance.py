"""Chance that depends on an item's content and the seed, not on its place in the pool.

The same item draws the same lot wherever it stands and whatever else is in the pool, so permuting the
pool permutes a strategy's answer, and a queue does not reshuffle itself when a task is added.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 512
"""Rows hashed at once: the 64-bit copies stay in the processor's cache."""
_GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, are the most evenly spread sequence of numbers (Weyl 1916)."""


def lots(features: Tensor, seed: int) -> Tensor:
    """One number per item that looks uniform on [0, 1): float64 [N]. Equal rows draw equal lots.

    A multiplicative hash of the bits of the whole row, added to a number that the seed draws, so that a
    row of zeros, which is what an empty text becomes, is no special case. features: float [N, D].
    """
    width = features.shape[1]
    generator = torch.Generator().manual_seed(seed)
    odd = torch.randint(-(2**62), 2**62, (-(-width // 2),), generator=generator) * 2 + 1
    odd = odd.to(features.device)
    start_at = torch.randint(-(2**62), 2**62, (), generator=generator)
    sums = torch.empty(len(features), dtype=torch.int64, device=features.device)
    for start in range(0, len(features), CHUNK):
        rows = features[start : start + CHUNK].float()
        if width % 2:
            rows = torch.nn.functional.pad(rows, (0, 1))
        pairs = rows.contiguous().view(torch.int64)  # two numbers' bits at a time
        # The topmost bit, a sign, would come through any multiplication as it is, and two flipped signs
        # would cancel each other; folded onto the lower half it does not stand alone.
        folded = (pairs >> 32).bitwise_xor_(pairs)
        torch.sum(folded.mul_(odd), dim=1, out=sums[start : start + CHUNK])
    sums += start_at
    for shift in (29, 32):  # let the high bits reach the low ones and back
        sums = (sums ^ (sums >> shift)) * -7046029254386353131
    return (sums ^ (sums >> 31)).bitwise_and_(2**53 - 1).double() / 2**53


def drawn_again(lot: Tensor, draw: int) -> Tensor:
    """The items' lots in a later draw: float64 [N] on [0, 1)."""
    return (lot + draw * _GOLDEN).remainder_(1.0)


def race(weight: Tensor, lot: Tensor, draw: int) -> int:
    """The index of one item, drawn with a probability proportional to its weight.

    weight: float [N] >= 0, not all 0. The first of N exponential clocks with these rates to ring is
    item i with probability weight[i] / sum(weight).
    """
    ring = -drawn_again(lot, draw).clamp_(min=1e-300).log_()
    return int((ring / weight.double().clamp(min=1e-300)).argmin())


def descending(worth: Tensor, features: Tensor, seed: int) -> Tensor:
    """Indices by falling worth, equal ones by lot: int64 [N].

    Only the rows of tied items are hashed, so that untied pools pay for no hash.
    """
    order = worth.argsort(descending=True, stable=True)
    ranked = worth[order]
    same = torch.zeros(len(ranked) + 1, dtype=torch.bool, device=worth.device)
    torch.eq(ranked[1:], ranked[:-1], out=same[1:-1])
    tied = (same[1:] | same[:-1]).nonzero().squeeze(1)
    if len(tied):
        rows = order[tied]
        group = (~same[tied]).cumsum(0)
        by_lot = lots(features[rows], seed).argsort(stable=True)
        order[tied] = rows[by_lot[group[by_lot].argsort(stable=True)]]
    return order


def top(worth: Tensor, n: int, features: Tensor, seed: int) -> Tensor:
    """The n items of most worth, best first, equal ones by lot: int64 [n]. Sorts only what it returns."""
    if n == 0:
        return torch.zeros(0, dtype=torch.int64, device=worth.device)
    threshold = worth.topk(n).values[-1]
    candidates = (worth >= threshold).nonzero().squeeze(1)
    return candidates[descending(worth[candidates], features[candidates], seed)[:n]]
