"""The two functions everybody calls: `select` for a batch, `rank` for the whole queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from backend.learning.devices import CPU
from backend.learning.reading import Head
from backend.learning.training import Trained
from backend.learning.units import UnitsLearned
from backend.learning.wrapped import WrappedLearned
from backend.sampling.checks import check_classifier, check_features, check_targets, check_units
from backend.sampling.coldstart import NO_CLASSES, cold_start
from backend.sampling.empty import behind_others
from backend.sampling.picks import Picks
from backend.sampling.placed import moved, placed
from backend.sampling.registry import find
from backend.sampling.scene import BATCH, Scene
from backend.sampling.strata import Strata, strata_of
from backend.sampling.strategy import Strategy
from backend.sampling.unit_scene import UnitScene
from backend.sampling.wrapped_scene import WrappedScene

Fields = Mapping[str, tuple[Sequence[str | None], Sequence[str | None]]]
"""By the name of a field of the tasks, its value for each pool item and for each labelled one, if any."""


@dataclass(frozen=True)
class Ranking:
    """The whole pool in the order to label it in.

    order: int64 [N], pool indices, best first; worth: float32 [N] by pool index, falling along the
    order, by which an item that was not in the pool finds its place (None where that cannot be said);
    scorer_head: what the strategy learned, None if nothing; notes: what the reader of a result should know.
    by: of each of the n that were picked, which come first, the name of what chose it; rounds: int64 [n],
    chance: float64 [n], see `Picks`.
    """

    order: Tensor
    worth: Tensor | None = None
    scorer_head: Head | None = None
    notes: list[str] = field(default_factory=list)
    by: tuple[str, ...] = ()
    rounds: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    chance: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))

    @property
    def scores(self) -> Tensor:
        """Places in the queue by pool index: float64 [N], distinct, in (0, 1), lowest = label next."""
        scores = torch.empty(len(self.order), dtype=torch.float64)
        scores[self.order] = queue_scores(len(self.order))
        return scores


def queue_scores(n: int) -> Tensor:
    """The scores of n queued items in order: float64 [n], (i + 1/2) / n."""
    return (torch.arange(n, dtype=torch.float64) + 0.5) / max(n, 1)


def select(
    strategy: str,
    pool: Tensor,
    labeled: Tensor,
    targets: Tensor,
    n: int,
    *,
    seed: int = 0,
    device: str = "cpu",
    trained: Trained | UnitsLearned | None = None,
    blocks: Sequence[int] = (),
    fields: Fields | None = None,
    **options: Any,
) -> Tensor:
    """The n most valuable pool items: distinct indices, best first, int64 [n].

    pool: float [N, D]; labeled: float [M, D]; targets: int [M]. What the strategy needs is trained
    inside, unless `trained` brings it along: a classifier, or what was learned of the items' units. The
    answer depends on the seed and on the items' content, not on their places in the pool. blocks: widths of
    what a vector is made of; fields: those that the strategy goes by, as in `margin by source`. `options`
    are the strategy's own.
    Raises ValueError for an unknown strategy or option, an option out of range, whatever `make_scene`
    refuses, and when the pool has fewer than n items.
    """
    chosen = find(strategy, options)
    parts = pool, labeled, targets
    scene = make_scene(*parts, seed=seed, device=device, trained=trained, blocks=blocks, fields=fields)
    if not 0 <= n <= len(pool):
        raise ValueError(f"asked for {n} items of a pool of {len(pool)}")
    return _picks(chosen, placed(scene.in_batches_of(n)), n).indices.cpu()


def rank(
    strategy: str,
    pool: Tensor,
    labeled: Tensor,
    targets: Tensor,
    *,
    n_classes: int | None = None,
    head_size: int = 200,
    batch: int = BATCH,
    seed: int = 0,
    device: str = "cpu",
    trained: Trained | UnitsLearned | None = None,
    blocks: Sequence[int] = (),
    fields: Fields | None = None,
    **options: Any,
) -> Ranking:
    """The whole pool in the order to label it in; arguments and errors as for `select`.

    batch: how many will be labelled before the next ranking; the first `batch` items are what `select` gives.
    The first `head_size` items are batches of the strategy (backend/sampling/batches.py), the others stand
    as `Scene.queue` says.
    """
    scene = make_scene(
        pool,
        labeled,
        targets,
        n_classes=n_classes,
        batch=batch,
        seed=seed,
        device=device,
        trained=trained,
        blocks=blocks,
        fields=fields,
    )
    return rank_scene(strategy, scene, head_size, **options)


def rank_scene(strategy: str, scene: Scene, head_size: int, **options: Any) -> Ranking:
    """`rank` for a scene that is at hand already."""
    chosen = find(strategy, options)
    if head_size < 0:
        raise ValueError(f"head_size must be at least 0, not {head_size}")
    here, scene = scene, placed(scene)
    picks = _picks(chosen, scene, min(head_size, scene.size))
    order, worth = scene.queue(picks), scene.worth(picks)
    if chosen.scorer is None or worth is None or not scene.has_classifier:
        lifted = None
    else:
        lifted = falling(worth, order, len(picks.indices))
    ranking = Ranking(order, lifted, picks.scorer_head, scene.notes, *_told(strategy, picks))
    return ranking if scene is here else moved(ranking, CPU)


def make_scene(
    pool: Tensor,
    labeled: Tensor,
    targets: Tensor,
    *,
    n_classes: int | None = None,
    batch: int = BATCH,
    seed: int = 0,
    device: str = "cpu",
    trained: Trained | UnitsLearned | None = None,
    blocks: Sequence[int] = (),
    target: Tensor | None = None,
    fields: Fields | None = None,
) -> Scene:
    """What strategies look at, checked. batch: how many will be labelled before the next ranking; blocks,
    target: see `Scene`; a target that names no item is none. fields: see `Fields`.
    Of items that have units `trained` is what was learned of these; then targets and n_classes say nothing.
    Until there is something learned, targets are zeros, and the cold start goes by the items' vectors.

    Raises ValueError, saying what to do, for shapes that do not fit, features that are not finite or
    beyond checks.MAX_FEATURE, targets that are no classes, and a `trained` for other data.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    check_features(pool, labeled, blocks)
    classes = _classes(targets, len(labeled), n_classes, trained)
    if isinstance(trained, UnitsLearned):
        check_units(trained, len(pool), len(labeled))
    elif trained is not None:
        check_classifier(trained, pool.shape[1], classes)
    if target is not None and target.shape != (len(pool),):
        raise ValueError(f"target must be [{len(pool)}], one for each pool item; got {tuple(target.shape)}")
    target = None if target is None or not target.any() else target.bool()
    strata = _strata(fields or {}, len(pool), len(labeled))
    parts = pool, labeled, targets.long(), classes, seed, device
    if isinstance(trained, UnitsLearned):
        kind = WrappedScene if isinstance(trained, WrappedLearned) else UnitScene
        return kind(*parts, batch=batch, blocks=tuple(blocks), target=target, strata=strata, learned=trained)
    return Scene(*parts, trained, batch=batch, blocks=tuple(blocks), target=target, strata=strata)


def _strata(fields: Fields, pool: int, labeled: int) -> dict[str, Strata]:
    """The items' strata by field. Raises ValueError where a field has no value of some item."""
    strata = {name: strata_of(name, *values) for name, values in fields.items()}
    for name, each in strata.items():
        if (len(each.pool), len(each.labeled)) != (pool, labeled):
            raise ValueError(
                f"field {name!r} must have a value, or None, for each of {pool} pool items and "
                f"{labeled} labelled ones; got {len(each.pool)} and {len(each.labeled)}"
            )
    return strata


def _classes(
    targets: Tensor, labeled: int, n_classes: int | None, trained: Trained | UnitsLearned | None
) -> int:
    """How many there are to tell, of an item or of its units; two at least. Raises as `check_targets`."""
    if isinstance(trained, UnitsLearned):
        check_targets(targets, labeled, None)
        return trained.pool.layers.logits.shape[1]
    if n_classes is None and trained is not None:
        n_classes = trained.network.shape.classes
    check_targets(targets, labeled, n_classes)
    found = n_classes if n_classes is not None else int(targets.max()) + 1 if labeled else 2
    return max(found, 2)


def _told(strategy: str, picks: Picks) -> tuple[tuple[str, ...], Tensor, Tensor]:
    """`by`, `rounds` and `chance` of the picks, where they leave them out."""
    n = len(picks.indices)
    return (
        tuple(name or strategy for name in picks.by or (None,) * n),
        torch.ones(n, dtype=torch.int64) if picks.rounds is None else picks.rounds,
        torch.ones(n, dtype=torch.float64) if picks.chance is None else picks.chance,
    )


def _picks(strategy: Strategy, scene: Scene, n: int) -> Picks:
    if strategy.needs_classifier and not scene.has_classifier:
        scene.notes.append(NO_CLASSES)
        return cold_start(scene, n)
    if n == 0:  # an empty pool, above all: no strategy needs to think of it
        return Picks(torch.zeros(0, dtype=torch.int64, device=scene.pool.device))
    return behind_others(strategy.pick, scene, n)


def falling(worth: Tensor, order: Tensor, picked: int) -> Tensor:
    """The worth, lifted for the first `picked` items so that it falls along the order: float32 [N]."""
    along = worth[order].float()
    if len(along) > picked:
        behind = along[picked:].max()
    else:
        behind = along.min() if len(along) else worth.new_zeros(())
    along[:picked] = torch.maximum(along[:picked], behind)
    along[:picked] = along[:picked].flip(0).cummax(0).values.flip(0)
    falling = torch.empty_like(along)
    falling[order] = along
    return falling
