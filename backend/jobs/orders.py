"""What each control that has a say in the queue learned, and how it would order the tasks that wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from backend.jobs.learners.base import Learned
from backend.sampling import Ranking, Scene
from backend.sampling.turns import Turns, in_turns
from backend.store.model_version import OrderedBy


class Ordered(NamedTuple):
    """What a control learned, and how it would order the queue, of which it has a share in (0, 1]."""

    learned: Learned
    share: float
    scene: Scene
    ranking: Ranking

    @property
    def name(self) -> str:
        return self.learned.control.from_name

    def kept(self) -> OrderedBy:
        ranking = self.ranking
        worth = torch.zeros(0) if ranking.worth is None else ranking.worth[ranking.order].float()
        error_head = self.scene.error_head if self.learned.is_trained else None
        return OrderedBy(self.name, self.share, worth, ranking.scorer_head, error_head)

    def told(self) -> dict[str, Any]:
        """For a version's stats."""
        trained_on = len(self.learned.taught.rows) if self.learned.is_trained else 0
        return {
            "share": round(self.share, 4),
            "trained_on": trained_on,
            **self.learned.how_well(self.scene),
        }


class Orders(NamedTuple):
    """Of each control that has a say, the first one's first, and the one order that they make."""

    each: Sequence[Ordered]
    one: Turns


def ordered(
    main: Learned,
    others: Sequence[Learned],
    shares: Mapping[str, float],
    head_size: int,
    rank: Callable[[Learned, float], tuple[Scene, Ranking]],
) -> Orders:
    """rank: what was learned and its share -> scene and ranking.

    While the first is not trained, others that are not would say the same, and are left out; where a control
    has no say yet, the others have its share.
    """
    said = [main, *(each for each in others if each.is_trained or main.is_trained)]
    named = [(each, shares[each.control.from_name]) for each in said]
    orders = [Ordered(each, share, *rank(each, share)) for each, share in named]
    return Orders(orders, _one_order(orders, head_size))


def _one_order(orders: Sequence[Ordered], head_size: int) -> Turns:
    if len(orders) == 1:
        ranking = orders[0].ranking
        return Turns(ranking, torch.zeros(len(ranking.order), dtype=torch.int64))
    total = sum(each.share for each in orders)
    return in_turns([each.ranking for each in orders], [each.share / total for each in orders], head_size)
