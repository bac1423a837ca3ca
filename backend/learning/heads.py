"""The error head: is the classifier wrong here?

Munro, *Human-in-the-Loop Machine Learning*, ch. 5.2; "Active Transfer Learning with PyTorch". It reads the
last hidden layer; that it reads all of them is an option, which the article expects to overfit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from backend.learning.logistic import fit_logistic, log_evidence
from backend.learning.network import Layers
from backend.learning.reading import Head, Reads, parts

MIN_VERDICTS = 3
"""Right and wrong verdicts needed of each kind before a head is worth training."""
ERROR_RIDGES = (0.5, 4.0, 32.0, 256.0)
"""Penalties on the error head's hidden-layer weights, of which the verdicts choose. Under the last the
head is hardly more than the classifier's own uncertainty, calibrated; with few verdicts, or where the
layer knows no more, that is what it should be (measured on four text sets: a fixed 8 loses to margin)."""
MOST_VERDICTS = 5_000
"""Of a kind that a head learns from where each item has many: neighbours in a text or an image say nearly the
same, and a hundred thousand rows take seconds for each fit."""
DOUBT_PENALTY = 1.0
"""How strongly the weight on the uncertainty is pulled to 1, where it is the classifier's own word: of two
classes' softmax, the probability of the second best is the sigmoid of the difference of the logits."""


class ErrorHead(Head):
    """P(the classifier is wrong) from its uncertainty and its last hidden layer, or all layers.

    A logistic regression that starts from what the classifier says of itself, and whose weights on the
    layers' units are small corrections to that.
    """

    kind = "error"
    is_calibrated: ClassVar[bool] = False
    """Whether what it says was corrected to the pool by labels drawn at random."""
    center: Tensor
    scale: Tensor
    weights: Tensor
    ridge: Tensor

    def __init__(self, hidden: int, reads: Reads = "last"):
        """hidden: the widths of the layers that it reads, together."""
        super().__init__()
        self.reads = reads
        self.register_buffer("center", torch.zeros(hidden))
        self.register_buffer("scale", torch.ones(hidden))
        self.register_buffer("weights", torch.zeros(2 + hidden))  # bias, uncertainty, the layers' units
        self.register_buffer("ridge", torch.tensor(ERROR_RIDGES[-1]))

    def described(self) -> dict[str, Any]:
        return {"kind": self.kind, "hidden": len(self.center), "reads": self.reads}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> ErrorHead:
        head = cls(described["hidden"], described.get("reads", "last"))
        head.load_state_dict(weights)
        return head

    def inputs(self, layers: Layers) -> Tensor:
        """A one, the doubt and the standardised units of each item: float32 [N, 2 + H]."""
        units = (torch.cat(parts(layers, self.reads), dim=1) - self.center) / self.scale
        doubts = doubt(layers.logits)
        return torch.cat([doubts.new_ones(len(doubts), 1), doubts[:, None], units], dim=1)

    def forward(self, layers: Layers, doubts: Tensor | None = None) -> Tensor:
        """P(wrong), float32 [N]. doubts: `doubt(layers.logits)`, for callers that ask again and again."""
        # The same as inputs @ weights, without the copy of a large pool's layers.
        read = parts(layers, self.reads)
        unit = self.weights[2:] / self.scale
        doubts = doubt(layers.logits) if doubts is None else doubts
        logit = doubts * self.weights[1]
        for layer, weights in zip(read, unit.split([layer.shape[1] for layer in read]), strict=True):
            logit = torch.addmv(logit, layer.float(), weights)
        return (logit + (self.weights[0] - unit @ self.center)).sigmoid_()


def doubt(logits: Tensor) -> Tensor:
    """How close the two best classes are, as a log-odds <= 0: float [N], higher = less certain."""
    two = logits.topk(2, dim=-1).values
    return (two[..., 1] - two[..., 0]).clamp(min=-14)


def train_error_head(
    layers: Layers,
    correct: Tensor,
    *,
    reads: Reads = "last",
    start: ErrorHead | None = None,
    most: int | None = None,
    weights: Tensor | None = None,
) -> ErrorHead | None:
    """Learn to predict the classifier's own errors from its verdicts on items it had not seen.

    layers: of M such items; correct: bool [M]; weights: float [M], how much each verdict counts, all the same
    by default. `start` is a head for nearly the same verdicts: what it reads, its standardisation and its
    ridge are kept and the search begins at its weights.
    Verdicts are not balanced, so that the head's probabilities mean what they say; balancing would
    shift them all by the same log-odds and leave the order as it is.
    Of more than `most` verdicts of a kind it learns from so many, evenly spread, and its bias makes up for
    those left out (prior correction: King & Zeng 2001, "Logistic Regression in Rare Events Data").
    Returns None when there are fewer than MIN_VERDICTS of one kind; callers say so.
    """
    wrong = ~correct
    if start is None and min(_count(wrong, weights), _count(correct, weights)) < MIN_VERDICTS:
        return None
    kept, shift = _kept(wrong, most)
    if kept is not None:
        layers, wrong = layers.rows(kept), wrong[kept]
        weights = None if weights is None else weights[kept]
    if start is None:
        head = _untrained(layers, reads)
        _choose_ridge(head, head.inputs(layers), wrong, weights)
    else:
        head = copy.deepcopy(start)
        inputs = head.inputs(layers)
        head.weights[0] += shift
        head.weights.copy_(_fit(inputs, wrong, float(head.ridge), head.weights, weights))
    head.weights[0] -= shift
    return head


def _untrained(layers: Layers, reads: Reads) -> ErrorHead:
    """A head that standardises these layers, and knows nothing yet."""
    units = torch.cat(parts(layers, reads), dim=1)
    head = ErrorHead(units.shape[1], reads).to(units.device)
    head.center.copy_(units.mean(0))
    head.scale.copy_(units.std(0).clamp(min=1e-3))
    return head


def _choose_ridge(head: ErrorHead, inputs: Tensor, wrong: Tensor, weights: Tensor | None) -> None:
    """Gives the head the ridge under which the verdicts are likeliest, and the weights that go with it."""
    best = -torch.inf
    found = head.weights.double()
    for ridge in reversed(ERROR_RIDGES):  # the strongest first: each fit starts at the one before
        found = _fit(inputs, wrong, ridge, found, weights)
        penalty, own_word = _penalty(inputs, ridge), _own_word(inputs)
        evidence = log_evidence(inputs, wrong, penalty, found, toward=own_word, weights=weights)
        if evidence > best:
            best = evidence
            head.weights.copy_(found)
            head.ridge.fill_(ridge)


def _kept(wrong: Tensor, most: int | None) -> tuple[Tensor | None, float]:
    """Which verdicts to learn from, int64 [n], None for all, and by how much the log-odds of an error are
    higher among them. wrong: bool [M]."""
    kinds = [wrong.nonzero().squeeze(1), (~wrong).nonzero().squeeze(1)]
    if most is None or max(len(kind) for kind in kinds) <= most:
        return None, 0.0
    some = [
        kind[torch.linspace(0, len(kind) - 1, min(most, len(kind)), device=kind.device).round().long()]
        for kind in kinds
    ]
    rates = [len(one) / max(len(kind), 1) for one, kind in zip(some, kinds, strict=True)]
    shift = math.log(rates[0] / rates[1]) if min(rates) > 0 else 0.0
    return torch.cat(some).sort().values, shift


def _count(kind: Tensor, weights: Tensor | None) -> float:
    """Verdicts of a kind, bool [M]."""
    return float(kind.sum() if weights is None else weights[kind].sum())


def _fit(inputs: Tensor, wrong: Tensor, ridge: float, start: Tensor, weights: Tensor | None) -> Tensor:
    penalty, own_word = _penalty(inputs, ridge), _own_word(inputs)
    return fit_logistic(inputs, wrong, penalty, toward=own_word, start=start, weights=weights)


def _penalty(inputs: Tensor, ridge: float) -> Tensor:
    penalty = inputs.new_full((inputs.shape[1],), ridge)
    penalty[0], penalty[1] = 0.0, DOUBT_PENALTY
    return penalty


def _own_word(inputs: Tensor) -> Tensor:
    """The weights at which the head says what the classifier says of itself."""
    weights = inputs.new_zeros(inputs.shape[1])
    weights[1] = 1.0
    return weights


def estimated_accuracy(error_head: Head, layers: Layers) -> float:
    """The classifier's accuracy on unlabelled items, as the mean of P(correct) over them."""
    return float(1 - error_head(layers).double().mean())
