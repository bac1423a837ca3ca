"""The domain head: does an item come from what was labelled ("training"), or from what is still unlabelled
("application")?

Munro, *Human-in-the-Loop Machine Learning*, ch. 5.3; "Active Transfer Learning with PyTorch": such a head
needs all layers, the early ones above all, since the last one has forgotten what did not matter for the
labels.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from backend.learning.network import Layers
from backend.learning.reading import Head, Reads, block_scales, parts
from backend.learning.training import stratified_folds

WIDTH = 16
"""Width of each of the head's own layers."""
DEPTH = 1
"""How many of its own it has, beside the direct way; with none it is a logistic regression."""
RIDGE, OWN_RIDGE = 12.0, 0.5
"""L2 penalties on the direct weights and on those of its own layers, against losses that weigh 1 in all;
divided by the items of the smaller side, so that they fade as labels come in."""
SHARPNESS = tuple(2 ** (i / 4) for i in range(-8, 29))
"""Of which held-out items choose: from a quarter to 128."""
STEPS, STEPS_AGAIN = 40, 10
"""Of the search, and of one that starts at a head for nearly the same items."""
BATCH = 8_192
"""Rows of a pool at once."""
FORMER_NAMES = {"own.0": "first", "biases.0": "first_bias", "own.1": "second", "biases.1": "second_bias"}
"""What the weights are called in versions of the release before."""


class DomainHead(Head):
    """P(application): a logistic regression on others' layers, and beside it layers of its own.

    sharpness: factor of the logits, by which probabilities mean what they say; the penalties flatten them.
    """

    kind = "domain"
    center: Tensor
    scale: Tensor
    sharpness: Tensor

    def __init__(
        self, inputs: int, *, reads: Reads = "all", width: int = WIDTH, depth: int = DEPTH, seed: int = 0
    ):
        """inputs: the widths of all layers that it reads, together."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.reads, self.width, self.depth, self.seed = reads, width, depth, seed
        self.register_buffer("center", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.register_buffer("sharpness", torch.ones(()))
        self.direct = nn.Parameter(torch.zeros(inputs, 1))
        self.bias = nn.Parameter(torch.zeros(1))
        own = [
            torch.randn(a, b, generator=generator) / a**0.5 for a, b in pairwise([inputs, *[width] * depth])
        ]
        own += [torch.zeros(width, 1)] if depth else []
        self.own = nn.ParameterList(own)
        self.biases = nn.ParameterList(torch.zeros(matrix.shape[1]) for matrix in own)

    def described(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "inputs": len(self.center),
            "reads": self.reads,
            "width": self.width,
            "depth": self.depth,
        }

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> DomainHead:
        if "inputs" in described:
            shape = {name: described[name] for name in ("reads", "width", "depth")}
            head = cls(described["inputs"], **shape)
            head.load_state_dict(weights)
            return head
        # Of the release before: on the hidden layers alone, by one layer of its own, no direct way.
        head = cls(described["hidden"], reads="hidden", width=len(weights["first_bias"]), depth=1)
        former = {name: weights[FORMER_NAMES.get(name, name)] for name in ("center", "scale", *FORMER_NAMES)}
        head.load_state_dict({**head.state_dict(), **former, "own.1": former["own.1"][:, None]})
        return head

    @property
    def first(self) -> Tensor:
        """The direct weights and those of its first layer, side by side: [D, 1 + width]."""
        return torch.cat([self.direct, *self.own[:1]], dim=1)

    @property
    def first_bias(self) -> Tensor:
        return torch.cat([self.bias, *self.biases[:1]])

    def logit(self, first: Tensor) -> Tensor:
        """Out of what `first` gives, float [N, 1 + width]: float [N]."""
        direct, own = first[:, 0], first[:, 1:]
        for weights, bias in zip(self.own[1:], self.biases[1:], strict=True):
            own = torch.addmm(bias, own.tanh(), weights)
        return direct + own.squeeze(1) if self.depth else direct

    @torch.no_grad()
    def forward(self, layers: Layers) -> Tensor:
        """P(application), float32 [N]. Nothing of a large pool is copied: what the layers are to the first of
        its own is a sum over them, batch by batch."""
        read = parts(layers, self.reads)
        scaled = self.first / self.scale[:, None]
        bias = self.first_bias - self.center @ scaled
        split = scaled.split([layer.shape[1] for layer in read])
        said = torch.empty(len(read[0]), device=read[0].device)
        for start in range(0, len(said), BATCH):
            rows = slice(start, start + BATCH)
            first = bias.expand(len(said[rows]), -1)
            for layer, weights in zip(read, split, strict=True):
                first = torch.addmm(first, layer[rows].float(), weights)
            said[rows] = (self.sharpness * self.logit(first)).sigmoid()
        return said

    @torch.no_grad()
    def scaled(self, layers: Layers) -> Tensor:
        """What it reads, as it is learned from: float [N, D], a copy."""
        return (torch.cat(parts(layers, self.reads), dim=1).float() - self.center) / self.scale

    def deepened(self, depth: int) -> DomainHead:
        """The same with so many layers of its own."""
        deep = DomainHead(len(self.center), reads=self.reads, width=self.width, depth=depth, seed=self.seed)
        deep.center.copy_(self.center)
        deep.scale.copy_(self.scale)
        return deep.to(self.center.device)

    def penalty(self) -> Tensor:
        own = [OWN_RIDGE * (matrix**2).sum() for matrix in self.own]
        return torch.stack([RIDGE * (self.direct**2).sum(), *own]).sum()


def train_domain_head(
    layers: Layers,
    application: Tensor,
    *,
    blocks: Sequence[int] = (),
    reads: Reads = "all",
    width: int = WIDTH,
    depth: int = DEPTH,
    seed: int = 0,
    start: DomainHead | None = None,
) -> DomainHead:
    """Learn to tell the target domain from the training data.

    layers: of M items; application: bool [M]; blocks: see `block_scales`. Both sides weigh the same in total,
    however many items each has. Where the head tells held-out items apart no better with layers of its own,
    it gets none: by some dozens of labels they mostly learn noise. `start` is a head for nearly the same
    items, whose shape is kept; its search is shorter. L-BFGS on all rows.
    """
    if start is not None:
        head = copy.deepcopy(start)
        _descend(head, head.scaled(layers), application, STEPS_AGAIN)
        return head
    bare = untrained_head(layers, blocks=blocks, reads=reads, width=width, seed=seed)
    rows = bare.scaled(layers)
    tried = [bare, bare.deepened(depth)] if depth else [bare]
    if int(torch.bincount(application.long(), minlength=2).min()) < 2:  # none can be held out
        head = bare
    else:
        said = [held_out_logits(each, rows, application, seed) for each in tried]
        found = [_sharpest(each, application) for each in said]
        head = tried[min(range(len(tried)), key=lambda i: found[i])]
        head.sharpness.fill_(min(found)[1])
    _descend(head, rows, application, STEPS)
    return head


def untrained_head(
    layers: Layers, *, blocks: Sequence[int] = (), reads: Reads = "all", width: int = WIDTH, seed: int = 0
) -> DomainHead:
    """One without layers of its own, that knows only how to bring what it reads to one size."""
    read = [layer.detach() for layer in parts(layers, reads)]
    inputs = sum(layer.shape[1] for layer in read)
    head = DomainHead(inputs, reads=reads, width=width, depth=0, seed=seed).to(read[0].device)
    head.center.copy_(torch.cat([layer.mean(0) for layer in read]))
    head.scale.copy_(block_scales(read, blocks if reads == "all" else ()))
    return head


def _sharpest(logits: Tensor, application: Tensor) -> tuple[float, float]:
    """The least loss of held-out logits, float [M], times one of SHARPNESS, and that."""
    return min((float(_losses(logits * factor, application).sum()), factor) for factor in SHARPNESS)


def held_out_logits(head: DomainHead, rows: Tensor, application: Tensor, seed: int) -> Tensor:
    """What heads of this shape, untrained, say that saw the other half only: float [M].

    rows: float [M, D], `head.scaled`; application: bool [M], at least two of each.
    """
    half = stratified_folds(application.long(), 2, seed)
    said = torch.empty(len(rows), device=rows.device)
    for fold in range(2):
        seen, unseen = half != fold, half == fold
        taught = copy.deepcopy(head)
        _descend(taught, rows[seen], application[seen], STEPS)
        with torch.no_grad():
            said[unseen] = taught.logit(torch.addmm(taught.first_bias, rows[unseen], taught.first))
    return said


def _losses(logits: Tensor, application: Tensor) -> Tensor:
    """Of each item, weighed so that each side weighs 1/2 in all: float [M]."""
    counts = torch.bincount(application.long(), minlength=2).clamp(min=1)
    weights = 0.5 / counts[application.long()]
    losses = nn.functional.binary_cross_entropy_with_logits(logits, application.float(), reduction="none")
    return losses * weights


def _descend(head: DomainHead, rows: Tensor, application: Tensor, steps: int) -> None:
    fewest = int(torch.bincount(application.long(), minlength=2).min().clamp(min=1))
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        head.zero_grad()
        logits = head.logit(torch.addmm(head.first_bias, rows, head.first))
        loss: Tensor = _losses(logits, application).sum() + head.penalty() / fewest
        loss.backward()
        return loss

    optimizer.step(closure)
