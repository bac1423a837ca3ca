"""Train a tagger of words and its k-fold siblings at once, and keep what ranking needs of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from backend.learning import devices
from backend.learning.bio import UNSAID, spans_of
from backend.learning.logistic import fit_logistic
from backend.learning.network import LayeredNetwork, Shape
from backend.learning.tagger import AS_IT_SAYS, Tagger, log_odds
from backend.learning.training import (
    groups,
    layers_by_member,
    member_probabilities,
    minimise,
    stratified_folds,
)
from backend.learning.units import UnitLayers, Units, UnitsLearned
from backend.learning.viterbi import viterbi

HIDDEN = (32,)
"""On wnut17, 3 draws, entity F1 at 100 and 300 labelled sentences: 0.26 and 0.32, with 64 the same; with no
hidden layer 0.22 and 0.31."""
ITERATIONS = 30
"""On wnut17 25, 35, 50 and 80 come to the same F1 within 0.01 at 50, 150 and 500 sentences."""
FOLDS = 4
"""Siblings, each of which sees all items but its fold's: a word costs what an item costs elsewhere."""
MOST_ROWS = 1_500_000
"""Words times networks that are trained at once, two gigabytes of them; above it there are fewer folds."""


@dataclass(frozen=True)
class TaggerTrained:
    """The tagger that serves, its K siblings, and what they say of the M labelled items.

    labeled: of all their words, by the network that serves; held_out: of those that something is said of, by
    a sibling that never saw their item; correct: bool, of each whether its tag is right.
    """

    tagger: Tagger
    siblings: LayeredNetwork
    labeled: UnitLayers
    held_out: UnitLayers
    correct: Tensor

    def learned(self, pool: Units) -> UnitsLearned:
        """What a strategy asks about the items that wait."""
        layers = self.tagger.layers(pool)
        return UnitsLearned(
            pool=layers,
            held_out=self.held_out,
            correct=self.correct,
            n_siblings=self.siblings.shape.members,
            members=lambda: member_probabilities(self.siblings, pool.rows),
            by_siblings=lambda items, sibling: self._by_siblings(pool, layers.units_of(items), sibling),
            labeled=self.labeled,
        )

    def _by_siblings(self, pool: Units, asked: tuple[Tensor, Tensor], sibling: Tensor) -> UnitLayers:
        """What a sibling of its own sees of each of some items. asked: their units, and whose each is."""
        units, place = asked
        found = layers_by_member(self.siblings, pool.rows[units], sibling[place])
        return UnitLayers(found, place, len(sibling))


def train_tagger(
    units: Units,
    tags: Tensor,
    n_tags: int,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    device: str = "cpu",
    together: Tensor | None = None,
) -> TaggerTrained:
    """Train on all labelled items' words, and once more per fold without that fold, as one batched network.

    units: the words of M labelled items; tags: int64 [U] in [0, n_tags) (`backend.learning.bio`), UNSAID for
    words that are not to be learned from; together: int64 [M], equal for items that must be in one fold, such
    as copies. All words of an item are in one fold. Tags count as often as they occur: an O is mostly right.
    Raises ValueError with fewer than two items or fewer than two different tags.
    """
    said, rows, tags, item = _said(units, tags, device)
    first, which = groups(together, units.items)
    folds = max(2, min(folds, len(first), MOST_ROWS // len(rows) - 1))
    fold_of = stratified_folds(rarest_tag(tags, item, units.items, n_tags)[first], folds, seed)[which][item]
    network = LayeredNetwork(Shape(rows.shape[1], n_tags, folds + 1, HIDDEN), seed).to(device)
    _fit(network, rows, tags.to(device), fold_of.to(device))
    siblings = network.members(slice(1, None)).to(device)
    layers = layers_by_member(siblings, rows, fold_of.to(device)).to(devices.CPU)
    held_out = UnitLayers(layers._replace(features=units.rows[said]), item, units.items)
    serving = Tagger(network.members(slice(0, 1))).to(device)
    serving.sureness.copy_(sureness(held_out.layers.logits, held_out.item, held_out.items, tags))
    return TaggerTrained(serving, siblings, serving.layers(units), held_out, layers.logits.argmax(-1) == tags)


def train_tagger_alone(
    units: Units, tags: Tensor, n_tags: int, *, seed: int = 0, device: str = "cpu"
) -> Tagger:
    """The tagger that serves alone, for callers that need no verdicts: a fifth of the work of `train_tagger`.
    Its spans are as sure as the words say. Arguments and errors as there.
    """
    _, rows, tags, _ = _said(units, tags, device)
    network = LayeredNetwork(Shape(rows.shape[1], n_tags, 1, HIDDEN), seed).to(device)
    _fit(network, rows, tags.to(device), torch.full((len(tags),), -1, device=device))
    return Tagger(network)


def _said(units: Units, tags: Tensor, device: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Which words something is said of, bool [U]; then of these the rows, float32, the tags and the items."""
    said = tags != UNSAID
    if len(units.item[said].unique()) < 2 or len(tags[said].unique()) < 2:
        raise ValueError("training needs labelled items, and words of at least two tags")
    return said, units.rows[said].float().to(device), tags[said], units.item[said]


def rarest_tag(tags: Tensor, item: Tensor, items: int, n_tags: int) -> Tensor:
    """Of each item the tag that fewest words have, int64 [M]; 0 of one without a word."""
    rank = torch.bincount(tags, minlength=n_tags).argsort(descending=True, stable=True).argsort()
    highest = torch.zeros(items, dtype=torch.int64).scatter_reduce_(0, item, rank[tags], "amax")
    return rank.argsort()[highest]


def sureness(logits: Tensor, item: Tensor, items: int, tags: Tensor) -> Tensor:
    """How sure spans are, by those that were found in items that their network never saw (Platt 1999).

    float64 [2], see `Tagger`. A tagger by itself is too sure of what it finds: a word's tag is mostly O, of
    which it is right to be sure. logits: float [U, T], of the held-out words; item, items: see `Units`; tags:
    int64 [U], what is true of them.
    """
    likely = logits.log_softmax(-1)
    found = viterbi(likely, item, items)
    spans = spans_of(found, item)
    true = {tuple(span) for span in spans_of(tags, item).tolist()}
    right = torch.tensor([tuple(span) in true for span in spans.tolist()], dtype=torch.bool)
    odds = log_odds(likely, found, item, spans)
    inputs = torch.stack([torch.ones_like(odds), odds], 1)
    own_word = torch.tensor(AS_IT_SAYS, dtype=torch.float64)
    return fit_logistic(inputs, right, torch.ones(2), toward=own_word)


def _fit(network: LayeredNetwork, rows: Tensor, tags: Tensor, fold_of: Tensor) -> None:
    """Member 0 by all rows, float32 [U, D], member k + 1 by those of other folds than k; -1 is no fold."""
    members = torch.arange(-1, network.shape.members - 1, device=rows.device)[:, None]
    seen = ((fold_of != members) | (members < 0)).float()  # [K, U]
    weights = seen / seen.sum(1, keepdim=True).clamp(min=1)
    repeated = tags.repeat(len(seen))

    def losses(logits: Tensor) -> Tensor:
        return cross_entropy(logits.flatten(0, 1), repeated, reduction="none").view(len(seen), -1)

    center = rows.mean(0)
    size = ((rows - center) ** 2).sum(1).mean().sqrt().clamp(min=1e-6)
    minimise(network, (rows - center) / size, losses, weights, iterations=ITERATIONS)
    network.take_over_scaling(center, size)
