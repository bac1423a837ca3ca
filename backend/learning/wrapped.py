"""Somebody else's model, of which nothing is seen but what it answers.

What takes the place of a network's layers are the main directions of our own encoder's vectors, and beside
them what the model says of its answers. On these stand the same heads as on a network: is it wrong here
(Munro, *Human-in-the-Loop Machine Learning*, ch. 5.2), and is this like what was labelled (ch. 5.3)?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from backend.learning.network import Layers
from backend.learning.units import UnitLayers, UnitsLearned

DIRECTIONS = 32
"""Of the encoder's vectors. With few verdicts more of them is more to be wrong about."""
MOST = 20_000
"""Vectors, evenly spread, that the directions are found in."""
ROUNDS = 4
"""Of the iteration that finds them."""
UNKNOWN = 0.5
"""How sure a model counts as that never says it."""
SUREST = 1 - 1e-6
HALF_LIFE = 20
"""Verdicts on newer versions after which one on an older version counts half: enough to go by while there is
nothing newer, soon outvoted where the model has learned."""


class Answers(NamedTuple):
    """Of n items. features: float [n, D], our vectors of what is looked at; said: float [n, K], what answers
    say of themselves, rows of NaN without an answer; sure: float [n], in [0, 1], NaN where it does not say.
    """

    features: Tensor
    said: Tensor
    sure: Tensor


class WrappedModel(nn.Module):
    """Turns its answers to layers: hidden [n, width], of which heads learn, and logits [n, 2], right and
    wrong by its own word. An item without an answer is taken for an average one."""

    kind = "wrapped"
    """By what a version's manifest knows it."""
    basis: Tensor
    center: Tensor
    mean: Tensor
    scale: Tensor
    unsaid: Tensor

    def __init__(self, inputs: int, directions: int, said: int):
        super().__init__()
        self.register_buffer("basis", torch.zeros(inputs, directions))
        self.register_buffer("center", torch.zeros(inputs))
        self.register_buffer("mean", torch.zeros(said))
        self.register_buffer("scale", torch.ones(said))
        self.register_buffer("unsaid", torch.tensor(UNKNOWN))

    def described(self) -> dict[str, Any]:
        """What it takes to build it again, as JSON."""
        inputs, directions = self.basis.shape
        return {"kind": self.kind, "inputs": inputs, "directions": directions, "said": len(self.mean)}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> WrappedModel:
        """Out of `described()` and the state that it had."""
        model = cls(described["inputs"], described["directions"], described["said"])
        model.load_state_dict(weights)
        return model

    @classmethod
    def of(cls, answers: Answers, *, reads_content: bool = True) -> WrappedModel:
        """For such items. reads_content: whether their vectors say anything of what is looked at."""
        features = answers.features.float()
        some = torch.linspace(0, max(len(features) - 1, 0), min(MOST, len(features))).round().long()
        center = features[some].mean(0) if len(some) else features.new_zeros(features.shape[1])
        basis = (
            _main_directions(features[some] - center)
            if reads_content
            else features.new_zeros(features.shape[1], 0)
        )
        model = cls(basis.shape[0], basis.shape[1], answers.said.shape[1])
        model.basis.copy_(basis)
        model.center.copy_(center)
        said = answers.said[~answers.said.isnan().any(1)]
        if len(said):
            model.mean.copy_(said.mean(0))
            model.scale.copy_(said.std(0, correction=0).clamp(min=1e-3))
        sure = answers.sure[~answers.sure.isnan()]
        if len(sure):
            model.unsaid.copy_(sure.mean())
        return model

    def layers(self, answers: Answers) -> Layers:
        doubt = self._doubt(answers.sure)[:, None]
        said = ((answers.said - self.mean) / self.scale).nan_to_num(0.0)
        content = (answers.features.float() - self.center) @ self.basis
        return Layers((torch.cat([content, said, doubt], dim=1),), torch.cat([-doubt, doubt], dim=1) / 2)

    @property
    def last_layer(self) -> tuple[Tensor, Tensor]:
        """From the hidden layer to the logits: weight, float [width, 2], and bias, float [2]."""
        weight = torch.zeros(self.basis.shape[1] + len(self.mean) + 1, 2)
        weight[-1] = torch.tensor([-0.5, 0.5])
        return weight, torch.zeros(2)

    def _doubt(self, sure: Tensor) -> Tensor:
        """The log-odds of being wrong by its own word, at most 0: not sure at all is a coin's toss."""
        known = sure.float().where(~sure.isnan(), self.unsaid).clamp(0, SUREST)
        return ((1 - known) / (1 + known)).log()


class Judged(NamedTuple):
    """Verdicts on m labelled items. item: int64 [m], rising, which of the labelled ones; answers: as the
    model gave them before it could learn from the label; agreement: float [m], in [0, 1], with what
    annotators say; weights: float [m], see `weights_by_age`."""

    item: Tensor
    answers: Answers
    agreement: Tensor
    weights: Tensor


def weights_by_age(versions: Tensor) -> Tensor:
    """How much verdicts on versions of a model count: float [m], 1 for those on the newest judged one.

    versions: int64 [m], rising from older to newer. A verdict counts half for each HALF_LIFE verdicts on
    newer versions than its own: what an older one got wrong is all that is known of the newer one at first.
    """
    ordered = versions.sort().values
    newer = len(versions) - torch.searchsorted(ordered, versions, right=True)
    return 0.5 ** (newer.float() / HALF_LIFE)


@dataclass(frozen=True)
class WrappedLearned(UnitsLearned):
    """Of a model that has no siblings: the one voice is all K."""


def learned_of(model: WrappedModel, pool: Answers, judged: Judged, labelled: int) -> WrappedLearned:
    """What a scene is made of: an item has one unit, and a labelled one, of which there are so many, one for
    each side of a verdict that is neither right nor wrong altogether, which counts as much as that side has
    of it; none where there is no verdict."""
    of_pool = _one_each(model.layers(pool))
    verdict, correct, weights = _sides(judged.agreement, judged.weights)
    held_out = model.layers(judged.answers).rows(verdict)
    said = of_pool.layers.probabilities
    return WrappedLearned(
        pool=of_pool,
        held_out=UnitLayers(held_out, judged.item[verdict], labelled),
        correct=correct,
        n_siblings=1,
        members=lambda: said[None],
        by_siblings=lambda items, which: of_pool.of_items(items),
        last_layer=model.last_layer,
        weights=weights,
    )


def _one_each(layers: Layers) -> UnitLayers:
    items = len(layers.logits)
    return UnitLayers(layers, torch.arange(items), items)


def _sides(agreement: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each side of each verdict: which verdict, int64 [u], rising; whether it is the right side, bool [u];
    how much it counts, float [u]."""
    shares = torch.stack([agreement, 1 - agreement], dim=1) * weights[:, None]  # [m, 2]
    item, side = (shares > 0).nonzero().unbind(1)
    return item, side == 0, shares[item, side]


def _main_directions(rows: Tensor) -> Tensor:
    """Orthonormal columns, float32 [D, d], that span nearly what the rows differ most in: at most DIRECTIONS,
    fewer of few. By orthogonal iteration from a fixed start (Halko, Martinsson and Tropp 2011, alg. 4.4).

    Turned at random within what they span, so that each has its part of the strong directions: heads bring
    columns to one size, and the weak ones are mostly noise.
    """
    directions = min(DIRECTIONS, *rows.shape)
    if directions < 1:
        return rows.new_zeros(rows.shape[1], 0)
    chance = torch.Generator().manual_seed(0)
    basis = torch.randn(rows.shape[1], directions, generator=chance)
    for _ in range(ROUNDS):
        basis = torch.linalg.qr(rows.T @ (rows @ basis)).Q
    turned = torch.linalg.qr(torch.randn(directions, directions, generator=chance)).Q
    return basis @ turned
