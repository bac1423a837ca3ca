"""A scene of items that have units: a text's tokens, an image's cells or boxes.

Doubt, disagreement and verdicts are a unit's, and pooled to its item. What is geometry, and what goes by an
item's class, takes one vector per item: the item's own, or a mean over its units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from backend.learning.heads import MOST_VERDICTS
from backend.learning.network import Layers
from backend.learning.reading import Head, Reads
from backend.learning.training import OutOfFold, Trained
from backend.learning.units import Pooling, UnitLayers, UnitsLearned, last_layer_of
from backend.sampling import uncertainty
from backend.sampling.asked import Asked
from backend.sampling.kept import once_per_labels, once_per_pool
from backend.sampling.picks import Picks
from backend.sampling.scene import SHARPNESS, Measure, Scene

AT_ONCE = 2**16
"""Units measured at once, of all siblings or with a vector for each."""

SHARPNESS_OF: dict[Pooling, int] = {"mean": 1, "top": SHARPNESS}
"""Exponent on a unit's margin that makes it information. Of words 1 and 4 were level (wnut17, 7 draws); of
boxes 4 was better in both draws (drawn scenes), and 1 no better than random order."""
FITS = 0.01
"""Share of the logits' variance that a linear layer may leave unexplained and still be taken for the last."""
NOT_LINEAR = "this model does not end in a linear layer: dropout goes by the one that is nearest to it"


@dataclass(kw_only=True)
class UnitScene(Scene):
    """targets: of no use, zeros [M]; learned: of this pool and these labelled items."""

    learned: UnitsLearned

    most_verdicts: ClassVar[int | None] = MOST_VERDICTS

    @property
    def units(self) -> UnitLayers:
        return self.learned.pool

    @property
    def has_classifier(self) -> bool:
        return True

    @property
    def is_ordered_by_doubt(self) -> bool:
        """That nothing was measured to order these items better than doubt alone."""
        return self.learned.pooling == "top"

    @property
    def trains_its_own(self) -> bool:
        return False

    @property
    def numbers(self) -> int:
        return self.pool.numel() + self.unit_layers.all_layers.numel()

    @property
    def trained(self) -> Trained:
        raise ValueError("items with units have no network of whole items: take `learned`")

    def pooled(self, of_units: Tensor) -> Tensor:
        return self.units.pooled(of_units, self.learned.pooling)

    @property
    def unit_layers(self) -> Layers:
        return self.units.layers

    @once_per_pool
    def probabilities_of_units(self) -> Tensor:
        return self.unit_layers.probabilities

    @once_per_pool
    def pool_layers(self) -> Layers:
        """Means over each item's units; the logits say the mean probabilities."""
        return self.units.mean_layers()._replace(features=self.pool)

    @once_per_labels
    def labeled_layers(self) -> Layers:
        return self._labeled_units.mean_layers()._replace(features=self.labeled)

    @once_per_pool
    def information(self) -> Tensor:
        """What a label of each item tells, float32 [N], from its units: that of a coin's toss is 1/4."""
        return self.measured(self._informative)

    @once_per_labels
    def labeled_information(self) -> Tensor:
        units = self._labeled_units
        return units.pooled(self._informative(units.layers.probabilities), self.learned.pooling)

    def _informative(self, probabilities: Tensor) -> Tensor:
        return uncertainty.margin(probabilities) ** SHARPNESS_OF[self.learned.pooling] / 4

    @property
    def _labeled_units(self) -> UnitLayers:
        learned = self.learned
        return learned.held_out if learned.labeled is None else learned.labeled

    @once_per_pool
    def members_of_units(self) -> Tensor:
        """What each of the K siblings says, float32 [K, U, C]."""
        return self.learned.members()

    @once_per_pool
    def member_probabilities(self) -> Tensor:
        """Of an item the mean of what is said of its units."""
        return torch.stack([self.units.pooled(said) for said in self.members_of_units])

    def divided(self, measure: Measure) -> Tensor:
        parts = [measure(some) for some in self.members_of_units.split(AT_ONCE, dim=1)]
        return self.pooled(torch.cat(parts))

    @property
    def most_doubtful(self) -> Layers:
        return self.once("most doubtful", self._most_doubtful)

    def _most_doubtful(self) -> Layers:
        order = uncertainty.margin(self.probabilities_of_units).argsort(descending=True, stable=True)
        found = torch.full((self.size,), -1, dtype=torch.int64, device=order.device)
        found[self.units.item[order.flip(0)]] = order.flip(0)  # the last one written stays
        return self.unit_layers.rows(found)

    @once_per_labels
    def last_layer(self) -> tuple[Tensor, Tensor]:
        if self.learned.last_layer is not None:
            return self.learned.last_layer
        weight, bias = last_layer_of(self.unit_layers)
        logits = self.unit_layers.logits
        missed = torch.addmm(bias, self.unit_layers.last_hidden.float(), weight) - logits
        if float(missed.square().mean()) > FITS * float(logits.var()):
            self.notes.append(NOT_LINEAR)
        return weight, bias

    def wrong(self, error_head: Head) -> Tensor:
        if error_head.reads != "all" or self.unit_layers.features is not None:
            return super().wrong(error_head)
        vectors = self.pool
        parts = [
            error_head(self.unit_layers.rows(some)._replace(features=vectors[self.units.item[some]]))
            for some in torch.arange(len(self.units.item), device=vectors.device).split(AT_ONCE)
        ]
        return self.pooled(torch.cat(parts))

    @once_per_labels
    def verdicts(self) -> OutOfFold:
        """On each unit of the labelled items."""
        return OutOfFold(self.learned.held_out.layers, self.learned.correct, self.learned.weights)

    def verdicts_for(self, reads: Reads) -> OutOfFold:
        if reads != "all":
            return self.verdicts
        return replace(self.verdicts, layers=_with_vectors(self.learned.held_out, self.labeled))

    @once_per_labels
    def held_out(self) -> Layers:
        """Of the labelled items with units."""
        found = self.learned.held_out
        layers = found.mean_layers()._replace(features=self.labeled)
        return layers.rows(found.counts > 0)

    def by_siblings(self, rows: Tensor, turn: Tensor) -> Layers:
        return self._seen_by_siblings(rows, turn).mean_layers()._replace(features=self.pool[rows])

    def units_by_siblings(self, rows: Tensor, turn: Tensor) -> Layers:
        return _with_vectors(self._seen_by_siblings(rows, turn), self.pool[rows])

    def _seen_by_siblings(self, rows: Tensor, turn: Tensor) -> UnitLayers:
        siblings = self.learned.n_siblings
        asked = self.once("siblings", lambda: Asked(self.learned.by_siblings, siblings))
        return asked.of(rows, turn % siblings)

    def units_of(self, items: Tensor) -> Tensor:
        return items[self.units.item]

    @once_per_pool
    def without_unit(self) -> Tensor | None:
        none = self.units.counts == 0
        return none if bool(none.any()) else None

    @property
    def application(self) -> Tensor:
        """Without items that have no unit: of these no network says anything."""
        found, none = super().application, self.without_unit
        return found if none is None else found[~none[found]]

    def without_picked(self, rows: Tensor) -> UnitScene:
        part = super().without_picked(rows)
        assert isinstance(part, UnitScene)
        part.learned = self._learned_of(rows)
        return part

    def _learned_of(self, rows: Tensor) -> UnitsLearned:
        """Of a part of the pool."""
        units, place = self.units.units_of(rows)
        return replace(
            self.learned,
            pool=UnitLayers(self.unit_layers.rows(units), place, len(rows)),
            members=lambda: self.members_of_units[:, units],
            by_siblings=lambda some, turn: self.learned.by_siblings(rows[some], turn),
        )

    def worth(self, picks: Picks) -> Tensor | None:
        """Items without a unit stand behind."""
        found, none = super().worth(picks), self.without_unit
        if found is None or none is None:
            return found
        return found.masked_fill(none, float(found.min()) - 1)


def _with_vectors(units: UnitLayers, items: Tensor) -> Layers:
    """With the item's vector for what went in, where the learner kept no unit's own. items: float [n, D]."""
    if units.layers.features is not None:
        return units.layers
    return units.layers._replace(features=items[units.item])
