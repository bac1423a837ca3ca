"""The head as "Active Transfer Learning with PyTorch" has it: two classes, one linear layer, nothing more.

Beside our own heads for comparison and for teaching: it knows nothing of the classifier's doubt, and nothing
pulls it to what the classifier says of itself. Of its code `advanced_active_learning.py` of
rmunro/pytorch_active_learning was read: an epoch takes equally many items of both kinds, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from backend.learning.network import Layers
from backend.learning.reading import Head, Reads, parts

EPOCHS, RATE = 10, 0.01
EACH = 100
"""Items of a kind in an epoch, at most."""
LOWEST = -1.0
"""No logit is below it."""


class ArticleHead(Head):
    """P(the second of two kinds) of each item."""

    kind = "article"

    def __init__(self, inputs: int, reads: Reads = "last", seed: int = 0):
        super().__init__()
        self.reads = reads
        generator = torch.Generator().manual_seed(seed)
        bound = inputs**-0.5
        self.weights = nn.Parameter(torch.empty(inputs, 2).uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(torch.empty(2).uniform_(-bound, bound, generator=generator))

    def described(self) -> dict[str, Any]:
        return {"kind": self.kind, "inputs": len(self.weights), "reads": self.reads}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> ArticleHead:
        head = cls(described["inputs"], described["reads"])
        head.load_state_dict(weights)
        return head

    @torch.no_grad()
    def forward(self, layers: Layers) -> Tensor:
        """float32 [N]."""
        read = parts(layers, self.reads)
        logits = self.bias.expand(len(read[0]), 2)
        for layer, weights in zip(read, self.weights.split([layer.shape[1] for layer in read]), strict=True):
            logits = torch.addmm(logits, layer.float(), weights)
        return logits.clamp(min=LOWEST).softmax(1)[:, 1]


def train_article_head(
    layers: Layers, second: Tensor, *, reads: Reads = "last", seed: int = 0
) -> ArticleHead | None:
    """layers: of M held-out items; second: bool [M], of which kind each is. None where one kind is missing.

    Raises ValueError as `parts` does.
    """
    kinds = [(~second).nonzero()[:, 0], second.nonzero()[:, 0]]
    if min(len(kind) for kind in kinds) == 0:
        return None
    inputs, targets = torch.cat(parts(layers, reads), dim=1).detach(), second.long().tolist()
    head = ArticleHead(inputs.shape[1], reads, seed).to(inputs.device)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        some = torch.cat([kind[torch.randperm(len(kind), generator=generator)[:EACH]] for kind in kinds])
        for item in some[torch.randperm(len(some), generator=generator)].tolist():
            _step(head, inputs[item], targets[item])
    return head


@torch.no_grad()
def _step(head: ArticleHead, row: Tensor, kind: int) -> None:
    """Down the slope of the cross-entropy of one item, which is of a logit its probability, less 1 for the
    item's own kind; none of one that is cut off. Written out: autograd takes five times as long for it."""
    logits = torch.addmv(head.bias, head.weights.T, row)
    slope = logits.clamp(min=LOWEST).softmax(0)
    slope[kind] -= 1
    slope *= logits >= LOWEST
    head.weights.addr_(row, slope, alpha=-RATE)
    head.bias.sub_(slope, alpha=RATE)
