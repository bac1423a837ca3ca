"""What each control that has a say in the queue learned, and how it would order the tasks that wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from backend.controls.scheme import LabelScheme
from backend.jobs.networks import Learned, main_network
from backend.jobs.taught import labeled, scores
from backend.sampling import Ranking, Scene
from backend.sampling.turns import Turns, in_turns
from backend.settings import Settings
from backend.store.model_version import OrderedBy
from backend.store.tasks import StoredTask


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
        ranking, trained = self.ranking, self.learned.trained
        worth = torch.zeros(0) if ranking.worth is None else ranking.worth[ranking.order].float()
        error_head = None if trained is None else self.scene.error_head
        return OrderedBy(self.name, self.share, worth, ranking.scorer_head, error_head)

    def told(self) -> dict[str, Any]:
        """For a version's stats."""
        trained, targets = self.learned.trained, self.learned.targets
        how_well = {} if trained is None else scores(trained, targets, self.scene)
        return {"share": round(self.share, 4), "trained_on": len(targets) if trained else 0, **how_well}


def learned_beside(
    settings: Settings,
    scheme: LabelScheme,
    shares: Mapping[str, float],
    tasks: Sequence[StoredTask],
    features: Tensor,
    group: Tensor,
) -> list[Learned]:
    """Of the companions that have a share.

    features: float [N, D]; group: int64 [N], tasks of the same content have the same.
    """
    found = []
    for control in scheme.companions:
        if control.from_name in shares:
            rows, targets = labeled(control, [task.others.get(control.from_name) for task in tasks])
            trained = main_network(settings, features[rows], targets, len(control.classes), group[rows])
            found.append(Learned(control, rows, targets, trained))
    return found


def ordered_beside(
    main: Ordered,
    others: Sequence[Learned],
    shares: Mapping[str, float],
    rank: Callable[[Learned, float], tuple[Scene, Ranking]],
) -> list[Ordered]:
    """All that have a say, the first control first; while that has no labels of two classes, others without
    them would say the same, and are left out. rank: what was learned and its share -> scene and ranking.
    """
    nothing_known = main.learned.trained is None
    said = [each for each in others if each.trained is not None or not nothing_known]
    named = [(each, shares[each.control.from_name]) for each in said]
    return [main, *(Ordered(each, share, *rank(each, share)) for each, share in named)]


def one_order(orders: Sequence[Ordered], head_size: int) -> Turns:
    """Where a control has no say yet, the others have its share."""
    if len(orders) == 1:
        ranking = orders[0].ranking
        return Turns(ranking, torch.zeros(len(ranking.order), dtype=torch.int64))
    total = sum(each.share for each in orders)
    return in_turns([each.ranking for each in orders], [each.share / total for each in orders], head_size)
