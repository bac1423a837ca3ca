"""Several orders of one pool made into one: each has its turns, by its share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from backend.sampling.ranking import Ranking


class Turns(NamedTuple):
    """ranking: the one order; turn: int64 [N], along it, in whose turn each item came."""

    ranking: Ranking
    turn: Tensor


def in_turns(rankings: Sequence[Ranking], shares: Sequence[float], head_size: int) -> Turns:
    """Of every stretch of the order each ranking has its share, shares adding up to 1; what several want is
    taken once, by who comes to it first.

    An item is due at its place in a ranking divided by that one's share, in whichever ranking it is due
    first; so its worth is minus that, and an item that is in none of them finds its place by `due` likewise.
    The worth is None where a ranking has none.
    """
    size = len(rankings[0].order)
    places = torch.stack([_places(ranking.order) for ranking in rankings])  # [K, N], by pool index
    dues = places / torch.tensor(shares, dtype=torch.float64)[:, None]
    due, turn = dues.min(dim=0)
    order = turn.argsort(stable=True)
    order = order[due[order].argsort(stable=True)]
    of, place = turn[order], (places[turn, torch.arange(size)] - 1).long()[order]
    head = range(min(head_size, size))
    chosen = [(rankings[k], i) for k, i in zip(of[: len(head)].tolist(), place.tolist(), strict=False)]
    has_worth = all(ranking.worth is not None for ranking in rankings)
    told = Ranking(
        order,
        -(due / max(size, 1)).float() if has_worth else None,
        rankings[0].scorer_head,
        list(dict.fromkeys(note for ranking in rankings for note in ranking.notes)),
        tuple(ranking.by[i] for ranking, i in chosen),
        torch.tensor([int(ranking.rounds[i]) for ranking, i in chosen], dtype=torch.int64),
        torch.tensor([float(ranking.chance[i]) for ranking, i in chosen], dtype=torch.float64),
    )
    return Turns(told, of)


def due(ranked: Tensor, worth: Tensor, share: float) -> Tensor:
    """When items of this worth, new to a ranking, would be due by it, as a part of the pool: float64 [M].

    ranked: float [N], that ranking's worth along its order, falling; worth: float [M].
    """
    before = torch.searchsorted(-ranked.double(), -worth.double(), right=True)
    return (before + 0.5) / share / max(len(ranked), 1)


def _places(order: Tensor) -> Tensor:
    """From 1, by pool index: float64 [N]."""
    places = torch.empty(len(order), dtype=torch.float64)
    places[order] = torch.arange(1, len(order) + 1, dtype=torch.float64)
    return places
