"""What a strategy is, and those that sort by one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from backend.learning.network import Layers
from backend.learning.reading import Head
from backend.sampling import uncertainty
from backend.sampling.monte_carlo import PASSES, over_passes
from backend.sampling.picks import Picks
from backend.sampling.scene import Measure, Scene

Pick = Callable[..., Picks]
"""(scene, n, **options) -> n picks."""
ScorerHead = Head | None
Scorer = Callable[[Layers, ScorerHead], Tensor]
"""(layers of items, what the strategy learned) -> worth of a label, float [N], higher = sooner."""


@dataclass(frozen=True)
class Strategy:
    """How a batch is picked, and how an item that was not in the pool then finds its place.

    scorer: None where an item's worth cannot be told from what the network says of it; per_unit: that it is
    asked of each unit, and what it says is pooled, else of an item's mean layers; greedy: that the
    first of n picks are the same as of more, and none is in `scene.picked`. Of other packages' strategies
    that do not say so a head is made batch by batch, each out of what is left of the pool.
    """

    pick: Pick
    needs_classifier: bool = True
    scorer: Scorer | None = None
    greedy: bool = False
    per_unit: bool = False


def by_margin(layers: Layers, scorer_head: ScorerHead) -> Tensor:
    return uncertainty.margin(layers.probabilities)


def by_scorer_head(layers: Layers, scorer_head: ScorerHead) -> Tensor:
    worth: Tensor = by_margin(layers, None) if scorer_head is None else scorer_head(layers)
    return worth


def worth_by_margin(pick: Pick, needs_classifier: bool = True) -> Strategy:
    """A strategy whose late items find their place by margin."""
    return Strategy(pick, needs_classifier, by_margin, per_unit=True)


def uncertain(measure: Measure) -> Strategy:
    """A strategy that sorts by a function of the probabilities; temperature: by which logits are divided."""

    def pick(scene: Scene, n: int, *, temperature: float = 1.0) -> Picks:
        worth = scene.measured(measure, temperature)
        return Picks(scene.top(worth, n), worth)

    def scorer(layers: Layers, head: ScorerHead, *, temperature: float = 1.0) -> Tensor:
        logits = layers.logits if temperature == 1 else layers.logits / temperature
        return measure(logits.softmax(-1))

    return Strategy(pick, scorer=scorer, per_unit=True)


def divided(measure: Measure) -> Strategy:
    """A strategy that sorts by how the siblings disagree."""

    def pick(scene: Scene, n: int) -> Picks:
        worth = scene.divided(measure)
        return Picks(scene.top(worth, n), worth)

    return Strategy(pick)


def dropout(measure: Measure) -> Strategy:
    """A strategy that sorts by how passes of one network disagree."""

    def pick(scene: Scene, n: int, *, passes: int = PASSES) -> Picks:
        worth = over_passes(scene, measure, passes)
        return Picks(scene.top(worth, n), worth)

    return Strategy(pick)
