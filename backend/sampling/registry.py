"""The strategies by name, and the two functions everybody calls: `select` and `rank`.

A strategy scores items one by one: it maps what the network says of an item (and, where it has one,
a head trained for it) to how much that item's label is worth. So an item that was not in the pool
when the queue was ranked can be scored later and takes its proper place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.learning.heads import ErrorHead
from backend.learning.training import Trained
from backend.sampling import uncertainty
from backend.sampling.coldstart import facility_location
from backend.sampling.scene import Scene

COLD_START = "cold_start"
"""The order while labels of fewer than two classes exist. It needs no classifier, so it has no scorer."""
RANDOM = "random"

Scorer = Callable[[Tensor, Tensor, "ErrorHead | None"], Tensor]
"""(probabilities [N, C], last hidden layer [N, H], head) -> worth of a label, float [N], higher = sooner."""


@dataclass(frozen=True)
class Ranking:
    """The whole pool in the order to label it in.

    order: int64 [N], pool indices, best first; worth: float32 [N] by pool index, the strategy's own
    number, higher = sooner (None where the order did not come from one); head: what the strategy
    learned, None if nothing; notes: what the reader of a result should know, such as a fallback taken.
    """

    order: Tensor
    worth: Tensor | None = None
    head: ErrorHead | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def scores(self) -> Tensor:
        """Places in the queue by pool index: float64 [N], distinct, in (0, 1), lowest = label next."""
        scores = torch.empty(len(self.order), dtype=torch.float64)
        scores[self.order] = places(len(self.order))
        return scores


def places(n: int) -> Tensor:
    """The scores of n queued items in order: float64 [n], (i + 1/2) / n."""
    return (torch.arange(n, dtype=torch.float64) + 0.5) / max(n, 1)


def _predicted_error(probabilities: Tensor, last_hidden: Tensor, head: ErrorHead | None) -> Tensor:
    if head is None:
        return uncertainty.margin(probabilities)
    with torch.no_grad():
        return head(probabilities, last_hidden)


_POINTWISE: dict[str, Scorer] = {
    "least_confidence": lambda p, h, head: uncertainty.least_confidence(p),
    "margin": lambda p, h, head: uncertainty.margin(p),
    "ratio": lambda p, h, head: uncertainty.ratio(p),
    "entropy": lambda p, h, head: uncertainty.entropy(p),
    "transfer_uncertainty": _predicted_error,
}
_WITH_ERROR_HEAD = {"transfer_uncertainty"}


def names() -> list[str]:
    """The strategies' names, as users type them."""
    return [RANDOM, *_POINTWISE]


def check_name(strategy: str) -> str:
    """Raises ValueError naming the known strategies if this is none of them."""
    if strategy not in names():
        raise ValueError(f"unknown strategy {strategy!r}; choose one of: {', '.join(names())}")
    return strategy


def score(strategy: str, probabilities: Tensor, last_hidden: Tensor, head: ErrorHead | None) -> Tensor | None:
    """Worth of items by an already trained network, float32 [N]; None for strategies without a scorer."""
    scorer = _POINTWISE.get(strategy)
    return None if scorer is None else scorer(probabilities, last_hidden, head)


def rank(
    strategy: str,
    pool: Tensor,
    labeled: Tensor,
    targets: Tensor,
    *,
    n_classes: int | None = None,
    head_size: int = 200,
    seed: int = 0,
    device: str = "cpu",
    trained: Trained | None = None,
) -> Ranking:
    """The whole pool in the order to label it in.

    pool: float [N, D]; labeled: float [M, D]; targets: int [M]. With labels of fewer than two classes
    the order is the cold start's for the first `head_size` items and random behind them. `trained`
    saves training when the caller has done it. Ties are broken at random by `seed`.
    Raises ValueError for an unknown strategy, or features that are not finite.
    """
    check_name(strategy)
    if not torch.isfinite(pool).all() or not torch.isfinite(labeled).all():
        raise ValueError("features must be finite: found NaN or infinity")
    targets = targets.long()
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(pool), generator=generator)
    if strategy == RANDOM:
        return Ranking(shuffled)
    if len(targets.unique()) < 2:
        return _cold_start(pool, labeled, shuffled, head_size, seed)
    classes = n_classes if n_classes is not None else int(targets.max()) + 1
    scene = Scene(pool, labeled, targets, max(classes, 2), seed, device, trained)
    head, notes = None, []
    if strategy in _WITH_ERROR_HEAD:
        head = scene.error_head
        if head is None:
            notes.append("too few right or too few wrong verdicts to train the error head: ordered by margin")
    worth = _POINTWISE[strategy](scene.probabilities, scene.pool_layers.last_hidden, head)
    order = shuffled[worth[shuffled].argsort(descending=True, stable=True)]
    return Ranking(order, worth, head, notes)


def select(strategy: str, pool: Tensor, labeled: Tensor, targets: Tensor, n: int, *, seed: int = 0) -> Tensor:
    """The n most valuable pool items: distinct indices, best first, int64 [n].

    Shapes as in `rank`. Raises ValueError when the pool has fewer than n items.
    """
    if not 0 <= n <= len(pool):
        raise ValueError(f"asked for {n} items of a pool of {len(pool)}")
    return rank(strategy, pool, labeled, targets, head_size=n, seed=seed).order[:n]


def _cold_start(pool: Tensor, labeled: Tensor, shuffled: Tensor, n: int, seed: int) -> Ranking:
    first = facility_location(pool, n, labeled=labeled, seed=seed)
    behind = shuffled[~torch.isin(shuffled, first)]
    return Ranking(torch.cat([first, behind]), notes=["labels of fewer than two classes: cold start"])
