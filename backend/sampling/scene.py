"""What a strategy may look at: the pool, the labelled items, and a classifier trained on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from backend.learning.heads import ErrorHead, doubt, estimated_accuracy, train_error_head
from backend.learning.network import LayeredNetwork, Layers
from backend.learning.reading import Head, Reads
from backend.learning.training import (
    OutOfFold,
    Trained,
    layers_by_member,
    member_probabilities,
    outputs,
    train,
)
from backend.learning.trust import trust
from backend.sampling import uncertainty
from backend.sampling.kept import Value, once_per_labels, once_per_pool
from backend.sampling.picks import Picks, nothing
from backend.sampling.strata import Strata
from backend.sampling.vectors import Vectors

__all__ = ["BATCH", "Measure", "Picks", "Scene"]

Measure = Callable[[Tensor], Tensor]
"""Of probabilities, float [n, C] to [n], higher = sooner; of siblings, float [K, n, C] to [n]."""
SHARPNESS = 4
"""Exponent on the margin that makes it information; 1 loses the rare classes."""
LEAST = 1e-6
"""The doubt of what is certain."""
BATCH = 5
"""Labels between two rankings, where nobody says how many."""


@dataclass
class Scene(Vectors):
    """Everything is computed when first asked for and kept, so strategies pay only for what they use.

    pool: float [N, D]; labeled: float [M, D]; targets: int64 [M] in [0, n_classes).
    What is said of a unit is the same as of its item here; `UnitScene` is of items that have several.
    """

    is_another_models: ClassVar[bool] = False
    """Whether somebody else's model answers, of which no more than its answers is seen."""
    most_verdicts: ClassVar[int | None] = None
    """Of a kind that an error head learns from; None for all."""

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
    picked: Tensor = field(default_factory=nothing)
    """Pool indices that are picked already, int64 [p], and will be labelled: not to be picked again. They
    stay in the pool, so that what was computed of it holds."""
    origin: Scene | None = None
    """The scene of the same pool, before any pick, that keeps what is computed of it."""
    of_the_pool: dict[str, Any] = field(default_factory=dict)
    """What a strategy computed of this pool and may need for its next batch."""

    def __post_init__(self) -> None:
        self.picked = self.picked.to(self.pool.device)

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

    @property
    def trains_its_own(self) -> bool:
        """That nobody brought along what was learned from the labels."""
        return self.given is None

    @property
    def numbers(self) -> int:
        """Roughly how many are held of the pool."""
        return self.pool.numel()

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
        return self.measured(uncertainty.margin)

    @once_per_labels
    def trust(self) -> float:
        """How far the classifier's doubt means something: see `trust.trust`."""
        return trust(self.verdicts.layers.logits, self.targets)

    @once_per_pool
    def doubt(self) -> Tensor:
        """What a label is worth to `auto`, float32 [N] > 0: the calibrated margin, more in rare classes."""
        probabilities = (self.pool_layers.logits * self.trust).softmax(-1)
        rarity = (probabilities / (probabilities.mean(0) + 1e-3)).sum(1)
        return uncertainty.margin(probabilities) ** SHARPNESS * rarity + LEAST

    def uncertain(self, measure: str) -> Tensor:
        """Uncertainty by one of `uncertainty.MEASURES`: float32 [N]."""
        if measure == "margin":
            return self.margin
        return self.once(measure, lambda: self.measured(uncertainty.MEASURES[measure]))

    def pooled(self, of_units: Tensor) -> Tensor:
        """What is said of each unit, float [U], as what is said of its item: float [N]."""
        return of_units

    @property
    def unit_layers(self) -> Layers:
        """The serving network's layers over the pool's units: each [U, width]."""
        return self.pool_layers

    def measured(self, measure: Measure, temperature: float = 1.0) -> Tensor:
        """Each unit's probabilities measured, pooled to the item: float32 [N]; logits divided first."""
        if temperature == 1:
            return self.pooled(measure(self.probabilities_of_units))
        return self.pooled(measure((self.unit_layers.logits / temperature).softmax(-1)))

    @property
    def probabilities_of_units(self) -> Tensor:
        """float32 [U, C]."""
        return self.probabilities

    def divided(self, measure: Measure) -> Tensor:
        """The same of what the siblings say of each unit: float32 [N]. measure: from [K, n, C]."""
        return measure(self.member_probabilities)

    def wrong(self, error_head: Head) -> Tensor:
        """P(the classifier is wrong) of each unit by a head, pooled to the item: float32 [N]."""
        if not isinstance(error_head, ErrorHead):
            return self.pooled(error_head(self.unit_layers))
        doubts = self.once("doubts", lambda: doubt(self.unit_layers.logits))
        return self.pooled(error_head(self.unit_layers, doubts))

    @property
    def most_doubtful(self) -> Layers:
        """The layers of one unit of each item, the most doubtful one: each [N, width]."""
        return self.pool_layers

    @property
    def last_layer(self) -> tuple[Tensor, Tensor]:
        """From the last hidden layer to the logits: weight, float [H, C], and bias, float [C]."""
        weight, bias = (part.detach().to(self.pool.device) for part in self.network.layers[-1].parameters())
        return weight[0], bias[0, 0]

    @once_per_pool
    def member_probabilities(self) -> Tensor:
        """What each of the K siblings says, float32 [K, N, C]."""
        return member_probabilities(self.trained.siblings, self.pool)

    @once_per_labels
    def verdicts(self) -> OutOfFold:
        """What siblings say that never saw the labelled items, with all layers, and whether that is right."""
        found = self.trained.out_of_fold
        return replace(found, layers=found.layers._replace(features=self.labeled))

    def verdicts_for(self, reads: Reads) -> OutOfFold:
        """The verdicts, with the layers that a head reads, `features` above all."""
        return self.verdicts

    @property
    def held_out(self) -> Layers:
        """Layers of the labelled items by siblings that never saw them: each [M, width]."""
        return self.verdicts.layers

    def by_siblings(self, rows: Tensor, turn: Tensor) -> Layers:
        """Layers of pool items as the held-out labelled ones have them: each from a sibling in turn. From
        the serving network's a head could tell the networks apart, not the domains. rows, turn: int64 [n]."""
        siblings = self.trained.siblings
        return layers_by_member(siblings, self.pool[rows], turn % siblings.shape.members)

    def units_by_siblings(self, rows: Tensor, turn: Tensor) -> Layers:
        """The same of their units: each [units of the rows, width]."""
        return self.by_siblings(rows, turn)

    @once_per_labels
    def error_head(self) -> ErrorHead | None:
        """None when the out-of-fold verdicts hold too few errors, or too few successes, to learn from."""
        found = self.verdicts
        return train_error_head(found.layers, found.correct, most=self.most_verdicts, weights=found.weights)

    @property
    def estimated_accuracy(self) -> float | None:
        """On the target domain's items in the pool, as the error head sees it; None without either."""
        if self.error_head is None or not len(self.application):
            return None
        layers = self.unit_layers._replace(features=None)
        if self.target is not None:
            layers = layers.rows(self.units_of(self.target))
        return estimated_accuracy(self.error_head, layers)

    def units_of(self, items: Tensor) -> Tensor:
        """Which units are of these items, bool [U]. items: bool [N]."""
        return items

    @property
    def without_unit(self) -> Tensor | None:
        """Which pool items have no unit, bool [N]; None where each has one."""
        return None

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
            picked=nothing(),
            of_the_pool={},
        )
        if "pool_layers" in (self.origin or self).__dict__:
            # Of the pool there is a copy already.
            layers = self.pool_layers._replace(features=None).rows(rows)
            part.pool_layers = layers._replace(features=part.pool)
        return part

    def queue(self, picks: Picks) -> Tensor:
        """What is not picked yet in the order to label it in, int64 [N - p]: the picks, then all others, by
        the strategy's own number where it has one, else by margin, else, without a classifier, at random."""
        worth = self.worth(picks)
        behind = self.shuffled if worth is None else self.descending(worth)
        return torch.cat([picks.indices, behind[~self.after(picks.indices).is_picked[behind]]])

    def worth(self, picks: Picks) -> Tensor | None:
        """By what items behind the picks are ordered: float [N], higher = sooner; None for at random."""
        return self.margin if picks.worth is None and self.has_classifier else picks.worth
