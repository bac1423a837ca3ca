"""An order on adapted vectors: of the tasks that these are kept of; the others stand behind, as they stood.

Nothing is encoded for it: a fine-tuning has kept what the adapted networks see (`jobs/tuning_views.py`). With
each retrain the classifier and its siblings are fitted anew on that, by the labels that there are by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from backend.jobs.learners.base import Learned
from backend.jobs.learners.whole_items import LearnedWhole
from backend.jobs.material import Material
from backend.learning.views import train_on_views
from backend.sampling import Ranking, Scene
from backend.sampling.ranking import falling, rank_scene
from backend.sampling.views_scene import ViewsScene
from backend.store.adapted_views import NO_FOLD, KeptViews
from backend.store.vectors import digest_of

RANKED_ON = "ranked_on"
"""Where a version's stats tell what was ranked on adapted vectors; nothing where all is on frozen ones."""


@dataclass
class OnAdapted:
    """One retrain's. told: for the version's stats, once something was ranked so."""

    kept: KeptViews
    told: dict[str, Any] = field(default_factory=dict)

    def ranking(
        self, strategy: str, learned: Learned, material: Material, scene: Scene, frozen: Ranking, head: int
    ) -> Ranking:
        """frozen: of the scene, by the encoder as it is. It stays where too little is seen to learn from."""
        row_of = {digest: row for row, digest in enumerate(self.kept.digests)}
        waiting = _seen(material, material.waiting, row_of)
        if not isinstance(learned, LearnedWhole) or not learned.is_trained or not len(waiting.items):
            return frozen
        if 2 * len(waiting.items) < int((self.kept.fold_of == NO_FOLD).sum()):
            return frozen  # the best are labelled: the rest would stand before what nobody looked at
        labelled = _seen(material, learned.taught.rows, row_of)
        seen = self._scene(learned, material, scene, waiting, labelled)
        if seen is None:
            return frozen
        found = rank_scene(strategy, seen, head)
        self.told = {
            RANKED_ON: {"vectors": "adapted", "tasks": len(waiting.items), "labels": len(labelled.items)}
        }
        return _before_others(found, waiting.items, frozen)

    def _scene(
        self, learned: LearnedWhole, material: Material, scene: Scene, waiting: Seen, labelled: Seen
    ) -> ViewsScene | None:
        """None where the labels that are seen are of one class, or those of a fold's rest are."""
        taught, some = learned.taught, labelled.items
        targets, together = taught.targets[some], taught.together[some]
        pool, known = (
            self.kept.views(of.rows, material.features[torch.tensor(rows)[of.items]])
            for of, rows in ((waiting, material.waiting), (labelled, taught.rows))
        )
        fold_of = folds_by_group(self.kept.fold_of[labelled.rows], together, len(pool.of_folds))
        try:
            trained = train_on_views(
                known, targets, scene.n_classes, fold_of, seed=scene.seed, device=scene.device
            )
        except ValueError:
            return None
        target = None if scene.target is None else scene.target[waiting.items]
        strata = {
            name: replace(each.rows(waiting.items), labeled=each.labeled[some])
            for name, each in scene.strata.items()
        }
        return ViewsScene(
            pool.of_all,
            known.of_all,
            targets,
            scene.n_classes,
            scene.seed,
            scene.device,
            trained,
            blocks=scene.blocks,
            target=target if target is not None and target.any() else None,
            strata=strata,
            batch=scene.batch,
            by_fold=pool.of_folds,
        )


@dataclass(frozen=True)
class Seen:
    """items: int64 [n], which of some rows are seen; rows: which of what is kept these are."""

    items: Tensor
    rows: list[int]


def _seen(material: Material, rows: Sequence[int], row_of: dict[bytes, int]) -> Seen:
    found = [(i, row_of.get(digest_of(text))) for i, text in enumerate(material.texts(rows))]
    there = [(i, row) for i, row in found if row is not None]
    return Seen(torch.tensor([i for i, _ in there], dtype=torch.int64), [row for _, row in there])


def folds_by_group(known: Tensor, together: Tensor, folds: int) -> Tensor:
    """The fold of each labelled item, int64 [M]: its own where it has one, else that of an item of the same
    content, else, since no network was adapted to its label, any, by lot.

    known: int64 [M], less than 0 for none; together: int64 [M], the same for items of the same content.
    """
    of_group = {int(group): int(fold) for group, fold in zip(together, known, strict=True) if fold >= 0}
    found = [
        int(fold) if fold >= 0 else of_group.get(int(group), crc32(np.int64(group).tobytes()) % folds)
        for group, fold in zip(together, known, strict=True)
    ]
    return torch.tensor(found, dtype=torch.int64)


def _before_others(found: Ranking, items: Tensor, frozen: Ranking) -> Ranking:
    """The order of these items of the pool, int64 [n], before that of the others. A new task finds its place
    by what the frozen network says of it, so the worth is that of the frozen order, lifted along this one."""
    is_seen = torch.zeros(len(frozen.order), dtype=torch.bool)
    is_seen[items] = True
    order = torch.cat([items[found.order], frozen.order[~is_seen[frozen.order]]])
    worth = None if frozen.worth is None else falling(frozen.worth, order, len(items))
    notes = list(dict.fromkeys([*frozen.notes, *found.notes]))
    # Where fewer are seen than were picked, the frozen order's own picks come next.
    picked = len(frozen.by)
    rest = (~is_seen[frozen.order[:picked]]).nonzero()[:, 0][: max(picked - len(found.by), 0)]
    by = (*found.by, *(frozen.by[i] for i in rest.tolist()))
    rounds, chance = (
        torch.cat([found.rounds, frozen.rounds[rest]]),
        torch.cat([found.chance, frozen.chance[rest]]),
    )
    return replace(frozen, order=order, worth=worth, notes=notes, by=by, rounds=rounds, chance=chance)
