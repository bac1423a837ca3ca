"""What a strategy may look at: the pool, the labelled items, and a classifier trained on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from backend.learning.heads import ErrorHead, estimated_accuracy, train_error_head
from backend.learning.network import LayeredNetwork, Layers
from backend.learning.reading import Head
from backend.learning.training import OutOfFold, Trained, member_probabilities, outputs, train
from backend.sampling import chance, uncertainty
from backend.sampling.kept import Value, once_per_labels, once_per_pool
from backend.sampling.rows import unit_rows
from backend.sampling.strata import Strata


def _nothing() -> Tensor:
    return torch.zeros(0, dtype=torch.int64)


BATCH = 5
"""Labels between two rankings, where nobody says how many."""


@dataclass
class Scene:
    """Everything is computed when first asked for and kept, so strategies pay only for what they use.

    pool: float [N, D]; labeled: float [M, D]; targets: int64 [M] in [0, n_classes).
    """

    pool: Tensor
    labeled: Tensor
    targets: Tensor
    n_classes: int = 2
    seed: int = 0
    device: str = "cpu"
    given: Trained | None = None
    """A classifier trained already on `labeled`; without one the scene trains its own."""
    notes: list[str] = field(default_factory=list)
    """What the reader of a result should know, such as a fallback taken."""
    blocks: tuple[int, ...] = ()
    """Widths of what a vector is made of, such as an encoder's middle and last layer; () for one piece."""
    target: Tensor | None = None
    """Which pool items the target domain is seen in, bool [N]; None for all of them."""
    strata: Mapping[str, Strata] = field(default_factory=dict)
    """By the name of a field of the tasks, which items have the same value of it."""
    whole: Scene | None = None
    """The scene that this one is a part of; what was learned from the labels is learned once, there."""
    batch: int = BATCH
    """How many picks will be labelled before the next ranking."""
    picked: Tensor = field(default_factory=_nothing)
    """Pool indices that are picked already, int64 [p], and will be labelled: not to be picked again. They
    stay in the pool, so that what was computed of it holds."""
    origin: Scene | None = None
    """The scene of the same pool, before any pick, that keeps what is computed of it."""
    of_the_pool: dict[str, Any] = field(default_factory=dict)
    """What a strategy computed of this pool and may need for its next batch."""

    def __post_init__(self) -> None:
        self.picked = self.picked.to(self.pool.device)

    @property
    def size(self) -> int:
        return len(self.pool)

    @property
    def left(self) -> int:
        """How many may still be picked."""
        return self.size - len(self.picked)

    @cached_property
    def is_picked(self) -> Tensor:
        """bool [N]."""
        return torch.zeros(self.size, dtype=torch.bool, device=self.pool.device).index_fill_(
            0, self.picked, True
        )

    def after(self, chosen: Tensor) -> Scene:
        """The same scene once these were picked, too. chosen: int64 [n], pool indices."""
        return replace(self, picked=torch.cat([self.picked, chosen]), origin=self.origin or self)

    def once(self, name: str, compute: Callable[[], Value]) -> Value:
        """What `compute` says of the pool, kept under this name for the batches to come."""
        if name not in self.of_the_pool:
            self.of_the_pool[name] = compute()
        found: Value = self.of_the_pool[name]
        return found

    def in_batches_of(self, n: int) -> Scene:
        """The same scene with so many labels between two rankings."""
        return replace(self, batch=max(n, 1), origin=self.origin or self)

    @once_per_labels
    def has_classifier(self) -> bool:
        """Labels of two classes at least: less teaches nothing."""
        return self.given is not None or len(self.targets.unique()) > 1

    @once_per_labels
    def trained(self) -> Trained:
        if self.given is not None:
            return self.given
        return train(self.labeled, self.targets, self.n_classes, seed=self.seed, device=self.device)

    @property
    def network(self) -> LayeredNetwork:
        """The serving network. Always the one trained beside its siblings, so that hidden units of both
        mean the same, and that it does not depend on what is asked of a scene first."""
        return self.trained.network

    @once_per_pool
    def pool_layers(self) -> Layers:
        """The serving network's layers over the pool: hidden [N, width], logits [N, C], the pool itself."""
        return outputs(self.network, self.pool)

    @once_per_labels
    def labeled_layers(self) -> Layers:
        """The same over the labelled items, which it was trained on: hidden [M, width], logits [M, C]."""
        return outputs(self.network, self.labeled)

    @once_per_pool
    def probabilities(self) -> Tensor:
        """float32 [N, C]."""
        return self.pool_layers.probabilities

    @once_per_pool
    def margin(self) -> Tensor:
        """Uncertainty by margin of confidence, float32 [N] in [0, 1]: what most combinations start from."""
        return uncertainty.margin(self.probabilities)

    def uncertain(self, measure: str) -> Tensor:
        """Uncertainty by one of `uncertainty.MEASURES`: float32 [N]."""
        if measure == "margin":
            return self.margin
        return self.once(measure, lambda: uncertainty.MEASURES[measure](self.probabilities))

    @once_per_pool
    def member_probabilities(self) -> Tensor:
        """What each of the K siblings says, float32 [K, N, C]."""
        return member_probabilities(self.trained.siblings, self.pool)

    @once_per_labels
    def verdicts(self) -> OutOfFold:
        """What siblings say that never saw the labelled items, with all layers, and whether that is right."""
        found = self.trained.out_of_fold
        return replace(found, layers=found.layers._replace(features=self.labeled))

    @once_per_labels
    def error_head(self) -> ErrorHead | None:
        """None when the out-of-fold verdicts hold too few errors, or too few successes, to learn from."""
        return train_error_head(self.verdicts.layers, self.verdicts.correct)

    @property
    def estimated_accuracy(self) -> float | None:
        """The classifier's accuracy on the target domain's items in the pool as its error head sees it; None
        without a head or such items."""
        if self.error_head is None or not len(self.application):
            return None
        layers = self.pool_layers._replace(features=None)
        return estimated_accuracy(
            self.error_head, layers if self.target is None else layers.rows(self.target)
        )

    @property
    def application(self) -> Tensor:
        """Those pool items in which the target domain is seen, in random order: int64 [n]. All items once
        those are picked."""
        if self.target is None or not (self.target & ~self.is_picked).any():
            return self.shuffled
        return self.shuffled[self.target[self.shuffled]]

    @once_per_pool
    def unit_pool(self) -> Tensor:
        """The pool's rows at length 1 (all-zero rows stay so), float32 [N, D]."""
        return unit_rows(self.pool)

    @once_per_labels
    def unit_labeled(self) -> Tensor:
        """float32 [M, D]."""
        return unit_rows(self.labeled)

    @property
    def unit_known(self) -> Tensor:
        """What is labelled or will be, float32 [M + p, D]."""
        return torch.cat([self.unit_labeled, self.unit_pool[self.picked]])

    @once_per_pool
    def lots(self) -> Tensor:
        """A number per item that looks random but goes with its content: float64 [N]."""
        return chance.lots(self.pool, self.seed)

    @once_per_pool
    def shuffled(self) -> Tensor:
        """The pool in random order: int64 [N]."""
        return self.lots.argsort(stable=True)

    def first_shuffled(self, n: int) -> Tensor:
        """The first n in random order that are not picked: int64 [n]."""
        first = self.shuffled[: n + len(self.picked)]
        return first[~self.is_picked[first]][:n]

    def descending(self, worth: Tensor) -> Tensor:
        """All indices by falling worth, ties by lot: int64 [N]."""
        return chance.descending(worth, self.pool, self.seed)

    def top(self, worth: Tensor, n: int) -> Tensor:
        """The n indices of most worth that are not picked yet, ties by lot: int64 [n]."""
        if len(self.picked):
            worth = worth.masked_fill(self.is_picked, -torch.inf)
        return chance.top(worth, n, self.pool, self.seed)

    def best(self, worth: Tensor) -> int:
        """The index of most worth, ties by lot."""
        tied = (worth == worth.max()).nonzero().squeeze(1)
        return int(tied) if len(tied) == 1 else int(tied[self.lots[tied].argmin()])

    def narrowed(self, rows: Tensor) -> Scene:
        """The same scene with a part of the pool, behind what is picked already.

        rows: int64 [n], indices into this pool, not picked ones; the part's own are into cat(picked, rows).
        """
        part = self.without_picked(torch.cat([self.picked, rows]))
        part.picked = torch.arange(len(self.picked), device=self.pool.device)
        return part

    def without_picked(self, rows: Tensor) -> Scene:
        """The same with a part of the pool of which nothing counts as picked. rows: as for `narrowed`."""
        part = replace(
            self,
            pool=self.pool[rows],
            target=None if self.target is None or not self.target[rows].any() else self.target[rows],
            strata={name: each.rows(rows) for name, each in self.strata.items()},
            whole=self.whole or self.origin or self,
            origin=None,
            picked=_nothing(),
            of_the_pool={},
        )
        if "pool_layers" in (self.origin or self).__dict__:
            # Of the pool there is a copy already.
            layers = self.pool_layers._replace(features=None).rows(rows)
            part.pool_layers = layers._replace(features=part.pool)
        return part

    def queue(self, picks: Picks) -> Tensor:
        """What is not picked yet in the order to label it in, int64 [N - p]: the picks, then all others.

        Behind the picks items stand by the strategy's own number where it has one, else by margin, else,
        without a classifier, at random.
        """
        worth = self.worth(picks)
        behind = self.shuffled if worth is None else self.descending(worth)
        return torch.cat([picks.indices, behind[~self.after(picks.indices).is_picked[behind]]])

    def worth(self, picks: Picks) -> Tensor | None:
        """By what items behind the picks are ordered: float [N], higher = sooner; None for at random."""
        return self.margin if picks.worth is None and self.has_classifier else picks.worth


@dataclass(frozen=True)
class Picks:
    """A strategy's answer.

    indices: int64 [n], distinct pool indices, best first; worth: float [N], the strategy's own number
    for the whole pool, higher = sooner, None where it has none; scorer_head: what it learned, if anything.
    by: of each pick, or for all, the name of what chose it, None for the strategy that was asked; rounds:
    int64 [n], in which round, from 1, None for all in one; chance: float64 [n], how likely a draw for this
    place brought this item, 1 where nothing was random, NaN where something was and nobody knows; None for
    all 1.
    """

    indices: Tensor
    worth: Tensor | None = None
    scorer_head: Head | None = None
    by: tuple[str | None, ...] | None = None
    rounds: Tensor | None = None
    chance: Tensor | None = None
