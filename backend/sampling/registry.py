"""The strategies by name, as users type them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial, wraps
from typing import Any

import torch
from torch import Tensor

from backend.learning.network import Layers
from backend.learning.units import Pooling, UnitLayers
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
from backend.sampling.options import written
from backend.sampling.outliers import model_outliers
from backend.sampling.representative import adaptive_representative, representative
from backend.sampling.scene import Picks, Scene
from backend.sampling.strategy import (
    ScorerHead,
    Strategy,
    by_scorer_head,
    divided,
    dropout,
    uncertain,
    worth_by_margin,
)
from backend.sampling.transfer import (
    atlas,
    transfer_adaptive_representative,
    transfer_representative,
    transfer_uncertainty,
)
from backend.sampling.typiclust import typiclust

GROUP = "label_studio_atlas.strategies"
"""Entry points by which other packages bring strategies: a pick, or a whole Strategy."""
MAX_LENGTH = 1000
"""Characters of a strategy as it is written: each task's reason repeats them."""


def _within(inner: Strategy, outer: Strategy, share: float) -> Strategy:
    """A composition with a name of its own, and its share as an option."""

    def pick(scene: Scene, n: int, *, within: float = share) -> Picks:
        return Within(inner, outer, within).pick(scene, n)

    needs = Within(inner, outer, share)
    return worth_by_margin(pick, needs.needs_classifier)


def _clustered(scene: Scene, n: int, *, within: float = 0.2, measure: str = "margin") -> Picks:
    """Clusters of the most uncertain items. measure: of uncertainty, for the cut and for the clusters."""
    inner = Strategy(partial(centers_of_uncertainty, measure=measure))
    return Within(inner, uncertain(uncertainty.MEASURES[measure]), within).pick(scene, n)


def _random(scene: Scene, n: int) -> Picks:
    left = scene.left - torch.arange(n, dtype=torch.float64, device=scene.pool.device)
    return Picks(scene.first_shuffled(n), scene.lots, chance=1 / left)


_MARGIN = uncertain(uncertainty.margin)
_MODEL_OUTLIERS = Strategy(model_outliers)
_TRANSFER_UNCERTAINTY = Strategy(transfer_uncertainty, scorer=by_scorer_head, per_unit=True)
_TRANSFER_REPRESENTATIVE = Strategy(transfer_representative, scorer=by_scorer_head)

STRATEGIES: dict[str, Strategy] = {
    "auto": Strategy(auto, scorer=by_scorer_head, per_unit=True),
    "random": Strategy(_random, needs_classifier=False),
    "least_confidence": uncertain(uncertainty.least_confidence),
    "margin": _MARGIN,
    "ratio": uncertain(uncertainty.ratio),
    "entropy": uncertain(uncertainty.entropy),
    "model_outliers": _MODEL_OUTLIERS,
    "clusters": worth_by_margin(clusters, needs_classifier=False),
    "representative": Strategy(representative, needs_classifier=False),
    "adaptive_representative": Strategy(adaptive_representative, needs_classifier=False),
    "transfer_uncertainty": _TRANSFER_UNCERTAINTY,
    "transfer_representative": _TRANSFER_REPRESENTATIVE,
    "transfer_adaptive_representative": Strategy(transfer_adaptive_representative, scorer=by_scorer_head),
    "atlas": Strategy(atlas, scorer=by_scorer_head, per_unit=True),
    "clustered_uncertainty": worth_by_margin(_clustered),
    "uncertain_outliers": _within(_MODEL_OUTLIERS, _MARGIN, 0.2),
    "representative_clusters": worth_by_margin(representative_clusters, needs_classifier=False),
    "most_uncertain_cluster": Strategy(most_uncertain_cluster),
    "representative_transfer_uncertainty": _within(_TRANSFER_UNCERTAINTY, _TRANSFER_REPRESENTATIVE, 0.5),
    "bald": divided(ensemble.bald),
    "variation_ratios": divided(ensemble.variation_ratios),
    "ensemble_margin": divided(ensemble.margin_of_mean),
    "ensemble_entropy": divided(ensemble.entropy_of_mean),
    "dropout_bald": dropout(ensemble.bald),
    "dropout_margin": dropout(ensemble.margin_of_mean),
    "dropout_entropy": dropout(ensemble.entropy_of_mean),
    "badge": worth_by_margin(badge),
    "coreset": Strategy(coreset, needs_classifier=False),
    "typiclust": worth_by_margin(typiclust, needs_classifier=False),
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
    """The strategy by this name, with its options behind it, or composed as this says; `options` come on top.

    Raises ValueError for an unknown name or option, for an option's value out of range, and for more than
    MAX_LENGTH characters.
    """
    if len(strategy) > MAX_LENGTH:
        raise ValueError(f"a strategy of {len(strategy)} characters: at most {MAX_LENGTH} may be written")
    name, *given = _words(strategy)
    if name in _strategies() and all("=" in word for word in given):
        return _with_options(name, _strategies()[name], written(name, given) | options)
    return _with_options(strategy, _composed(strategy), options)


def _words(text: str) -> list[str]:
    """A name and its options; `clustered MEASURE` is short for `clustered_uncertainty measure=MEASURE`."""
    words = text.split() or [""]
    if words[0] == "clustered" and len(words) > 1 and "=" not in words[1]:
        return ["clustered_uncertainty", f"measure={words[1]}", *words[2:]]
    return words


def _with_options(name: str, strategy: Strategy, options: dict[str, Any]) -> Strategy:
    check_options(name, _taken(strategy.pick), options)
    if not options:
        return strategy
    scorer = strategy.scorer
    if scorer is not None:
        scorer = partial(scorer, **{each: options[each] for each in _taken(scorer) if each in options})
    return replace(strategy, pick=partial(strategy.pick, **options), scorer=scorer)


def _taken(function: Callable[..., Any]) -> list[str]:
    """The options that it takes."""
    parameters = inspect.signature(function).parameters.items()
    return [name for name, each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]


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
        told = {"by": picks.by, "rounds": picks.rounds, "chance": picks.chance}
        if wrong := [part for part, value in told.items() if value is not None and len(value) != n]:
            raise ValueError(f"strategy {name!r} must give {', '.join(wrong)} for each of {n} picks, or none")
        return picks

    return replace(strategy, pick=pick if strategy.greedy else in_batches(of_what_is_left(pick)))


def score(strategy: str, layers: Layers, scorer_head: ScorerHead) -> Tensor | None:
    """Worth of items by an already trained network, float32 [N]; None for strategies without a scorer.

    layers: of one network, over N items; scorer_head: what the strategy learned when it ranked the pool.
    """
    scorer = find(strategy, {}).scorer
    return None if scorer is None else scorer(layers, scorer_head)


def score_units(
    strategy: str, units: UnitLayers, vectors: Tensor, scorer_head: ScorerHead, pooling: Pooling
) -> Tensor | None:
    """The same of items that have units, float32 [N]. vectors: float [N, D], the items' own."""
    chosen = find(strategy, {})
    if chosen.scorer is None:
        return None
    if not chosen.per_unit:
        return chosen.scorer(units.mean_layers()._replace(features=vectors), scorer_head)
    layers = units.layers
    if layers.features is None and scorer_head is not None and scorer_head.reads == "all":
        layers = layers._replace(features=vectors[units.item])
    return units.pooled(chosen.scorer(layers, scorer_head), pooling)


def _composed(text: str) -> Strategy:
    broken = installed(GROUP).get(text)
    if isinstance(broken, Broken):
        raise ValueError(f"strategy {text!r} cannot be used: {broken.reason}")
    composition = parse(text, lambda name: _one(name, text))
    if composition is None:
        return _one(text, text)
    return worth_by_margin(composition.pick, composition.needs_classifier)


def _one(name: str, text: str) -> Strategy:
    """A strategy that is named within `text`, with its options."""
    first, *given = _words(name)
    if first not in _strategies() or (name == text and not all("=" in word for word in given)):
        if name == text:
            raise ValueError(_unknown(name))
        raise ValueError(f"{first!r} is no strategy; choose from: {', '.join(names())}")
    return _with_options(first, _strategies()[first], written(first, given))


def _unknown(name: str) -> str:
    return (
        f"unknown strategy {name!r}; choose one of: {', '.join(names())}; with options: 'atlas round=2'; "
        "or compose them: 'margin within 20% by representative', '70% auto and 30% random'"
    )
