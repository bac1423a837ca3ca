"""The strategies by name, as users type them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial, wraps
from typing import Any

import torch
from torch import Tensor

from backend.learning.network import Layers
from backend.learning.reading import Head
from backend.plugins import Broken, installed
from backend.sampling import ensemble, uncertainty
from backend.sampling.auto import auto
from backend.sampling.badge import badge
from backend.sampling.batches import in_batches, of_what_is_left
from backend.sampling.checks import check_options
from backend.sampling.clusters import (
    centers_of_uncertainty,
    clusters,
    most_uncertain_cluster,
    representative_clusters,
)
from backend.sampling.composition import Within, parse
from backend.sampling.contrastive import contrastive
from backend.sampling.coreset import coreset
from backend.sampling.discriminative import discriminative
from backend.sampling.monte_carlo import PASSES, over_passes
from backend.sampling.outliers import model_outliers
from backend.sampling.representative import adaptive_representative, representative
from backend.sampling.scene import Picks, Scene
from backend.sampling.transfer import (
    atlas,
    transfer_adaptive_representative,
    transfer_representative,
    transfer_uncertainty,
)
from backend.sampling.typiclust import typiclust

GROUP = "label_studio_atlas.strategies"
"""Entry points by which other packages bring strategies: a pick, or a whole Strategy."""
Pick = Callable[..., Picks]
"""(scene, n, **options) -> n picks."""
ScorerHead = Head | None
Scorer = Callable[[Layers, ScorerHead], Tensor]
"""(layers of items, what the strategy learned) -> worth of a label, float [N], higher = sooner."""


@dataclass(frozen=True)
class Strategy:
    """How a batch is picked, and how an item that was not in the pool then finds its place.

    scorer: None where an item's worth cannot be told from what the network says of it; greedy: that the
    first of n picks are the same as of more, and none is in `scene.picked`. Of other packages' strategies
    that do not say so a head is made batch by batch, each out of what is left of the pool.
    """

    pick: Pick
    needs_classifier: bool = True
    scorer: Scorer | None = None
    greedy: bool = False


def _by_margin(layers: Layers, scorer_head: ScorerHead) -> Tensor:
    return uncertainty.margin(layers.probabilities)


def _by_scorer_head(layers: Layers, scorer_head: ScorerHead) -> Tensor:
    worth: Tensor = _by_margin(layers, None) if scorer_head is None else scorer_head(layers)
    return worth


def _uncertain(measure: Callable[[Tensor], Tensor]) -> Strategy:
    """A strategy that sorts by a function of the probabilities."""

    def pick(scene: Scene, n: int) -> Picks:
        worth = measure(scene.probabilities)
        return Picks(scene.top(worth, n), worth)

    return Strategy(pick, scorer=lambda layers, head: measure(layers.probabilities))


def _divided(measure: Callable[[Tensor], Tensor]) -> Strategy:
    """A strategy that sorts by how the siblings disagree."""

    def pick(scene: Scene, n: int) -> Picks:
        worth = measure(scene.member_probabilities)
        return Picks(scene.top(worth, n), worth)

    return Strategy(pick)


def _dropout(measure: Callable[[Tensor], Tensor]) -> Strategy:
    """A strategy that sorts by how passes of one network disagree."""

    def pick(scene: Scene, n: int, *, passes: int = PASSES) -> Picks:
        worth = over_passes(scene, measure, passes)
        return Picks(scene.top(worth, n), worth)

    return Strategy(pick)


def _within(inner: Strategy, outer: Strategy, share: float) -> Strategy:
    """A composition with a name of its own, and its share as an option."""

    def pick(scene: Scene, n: int, *, within: float = share) -> Picks:
        return Within(inner, outer, within).pick(scene, n)

    needs = Within(inner, outer, share)
    return Strategy(pick, needs.needs_classifier, _by_margin)


def _random(scene: Scene, n: int) -> Picks:
    left = scene.left - torch.arange(n, dtype=torch.float64, device=scene.pool.device)
    return Picks(scene.first_shuffled(n), scene.lots, chance=1 / left)


_MARGIN = _uncertain(uncertainty.margin)
_MODEL_OUTLIERS = Strategy(model_outliers)
_TRANSFER_UNCERTAINTY = Strategy(transfer_uncertainty, scorer=_by_scorer_head)
_TRANSFER_REPRESENTATIVE = Strategy(transfer_representative, scorer=_by_scorer_head)

STRATEGIES: dict[str, Strategy] = {
    "auto": Strategy(auto, scorer=_by_margin),
    "random": Strategy(_random, needs_classifier=False),
    "least_confidence": _uncertain(uncertainty.least_confidence),
    "margin": _MARGIN,
    "ratio": _uncertain(uncertainty.ratio),
    "entropy": _uncertain(uncertainty.entropy),
    "model_outliers": _MODEL_OUTLIERS,
    "clusters": Strategy(clusters, needs_classifier=False, scorer=_by_margin),
    "representative": Strategy(representative, needs_classifier=False),
    "adaptive_representative": Strategy(adaptive_representative, needs_classifier=False),
    "transfer_uncertainty": _TRANSFER_UNCERTAINTY,
    "transfer_representative": _TRANSFER_REPRESENTATIVE,
    "transfer_adaptive_representative": Strategy(transfer_adaptive_representative, scorer=_by_scorer_head),
    "atlas": Strategy(atlas, scorer=_by_scorer_head),
    "clustered_uncertainty": _within(Strategy(centers_of_uncertainty), _MARGIN, 0.2),
    "uncertain_outliers": _within(_MODEL_OUTLIERS, _MARGIN, 0.2),
    "representative_clusters": Strategy(representative_clusters, needs_classifier=False, scorer=_by_margin),
    "most_uncertain_cluster": Strategy(most_uncertain_cluster),
    "representative_transfer_uncertainty": _within(_TRANSFER_UNCERTAINTY, _TRANSFER_REPRESENTATIVE, 0.5),
    "bald": _divided(ensemble.bald),
    "variation_ratios": _divided(ensemble.variation_ratios),
    "ensemble_margin": _divided(ensemble.margin_of_mean),
    "ensemble_entropy": _divided(ensemble.entropy_of_mean),
    "dropout_bald": _dropout(ensemble.bald),
    "dropout_margin": _dropout(ensemble.margin_of_mean),
    "dropout_entropy": _dropout(ensemble.entropy_of_mean),
    "badge": Strategy(badge, scorer=_by_margin),
    "coreset": Strategy(coreset, needs_classifier=False),
    "typiclust": Strategy(typiclust, needs_classifier=False, scorer=_by_margin),
    "contrastive": Strategy(contrastive),
    "discriminative": Strategy(discriminative, needs_classifier=False),
}


@lru_cache(maxsize=1)
def _strategies() -> dict[str, Strategy]:
    """Ours, and those of other installed packages that can be used."""
    brought = {
        name: _guarded(name, given if isinstance(given, Strategy) else Strategy(given))
        for name, given in installed(GROUP).items()
        if not isinstance(given, Broken)
    }
    return brought | STRATEGIES


def names() -> list[str]:
    """The strategies' names, as users type them, the default first."""
    return [*STRATEGIES, *(name for name in _strategies() if name not in STRATEGIES)]


def check_name(strategy: str) -> str:
    """Raises ValueError, saying what there is, when this is neither a name nor a composition of names."""
    find(strategy, {})
    return strategy


def find(strategy: str, options: dict[str, Any]) -> Strategy:
    """The strategy by this name, or composed as this says, with its options filled in.

    Raises ValueError for an unknown name or option, and for an option's value out of range.
    """
    known = _strategies().get(strategy)
    if known is None:
        known = _composed(strategy)
    taken = [
        name
        for name, parameter in inspect.signature(known.pick).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    check_options(strategy, taken, options)
    return replace(known, pick=partial(known.pick, **options)) if options else known


def _guarded(name: str, strategy: Strategy) -> Strategy:
    """Of somebody else's strategy a wrong answer is told at once, not met as an error somewhere later."""

    @wraps(strategy.pick)  # for its options
    def pick(scene: Scene, n: int, **options: Any) -> Picks:
        picks = strategy.pick(scene, n, **options)
        indices = picks.indices.tolist()
        if len(indices) != n or len(set(indices)) != n or not set(indices) <= set(range(scene.size)):
            raise ValueError(
                f"strategy {name!r} must pick {n} different indices of a pool of {scene.size}; "
                f"it picked {len(indices)}, {len(set(indices))} of them different"
            )
        if picks.worth is not None and picks.worth.shape != (scene.size,):
            raise ValueError(
                f"strategy {name!r} must give a worth for each of the {scene.size} items or none; "
                f"it gave {tuple(picks.worth.shape)}"
            )
        return picks

    return replace(strategy, pick=pick if strategy.greedy else in_batches(of_what_is_left(pick)))


def score(strategy: str, layers: Layers, scorer_head: ScorerHead) -> Tensor | None:
    """Worth of items by an already trained network, float32 [N]; None for strategies without a scorer.

    layers: of one network, over N items; scorer_head: what the strategy learned when it ranked the pool.
    """
    scorer = find(strategy, {}).scorer
    return None if scorer is None else scorer(layers, scorer_head)


def _composed(text: str) -> Strategy:
    broken = installed(GROUP).get(text)
    if isinstance(broken, Broken):
        raise ValueError(f"strategy {text!r} cannot be used: {broken.reason}")
    composition = parse(text, _strategies())
    if composition is None:
        raise ValueError(
            f"unknown strategy {text!r}; choose one of: {', '.join(names())}; "
            "or compose them: 'margin within 20% by representative', '70% auto and 30% random'"
        )
    return Strategy(composition.pick, composition.needs_classifier, _by_margin)
