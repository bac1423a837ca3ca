"""Transfer heads: small models on top of the classifier's hidden layers.

Active transfer learning for uncertainty sampling (Munro, *Human-in-the-Loop Machine Learning*,
ch. 5; "Active Transfer Learning with PyTorch"): items the model got right or wrong while held out
become the two classes of a new task, and a head on the last hidden layer learns to tell them apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MIN_VERDICTS = 3
"""Right and wrong verdicts needed of each kind before a head is worth training."""
WEIGHT_DECAY = 2.0
"""Ridge on the hidden-layer weights, divided by the number of verdicts: with few of them the head
falls back on the uncertainty alone, which is never worse than what the classifier knows itself."""


class ErrorHead(nn.Module):
    """P(the model is wrong) from its uncertainty and its last hidden layer.

    A logistic regression whose weight on the uncertainty is free and whose weights on the hidden
    units are small corrections to it.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, hidden: int):
        super().__init__()
        self.uncertainty = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(1))
        self.correction = nn.Parameter(torch.zeros(hidden))
        self.register_buffer("center", torch.zeros(hidden))
        self.register_buffer("scale", torch.ones(hidden))

    def forward(self, probabilities: Tensor, last_hidden: Tensor) -> Tensor:
        """probabilities: float [N, C]; last_hidden: float [N, H]; returns P(wrong), float32 [N]."""
        return self.logit(probabilities, last_hidden).sigmoid()

    def logit(self, probabilities: Tensor, last_hidden: Tensor) -> Tensor:
        standardised = (last_hidden - self.center) / self.scale
        return self.uncertainty * doubt(probabilities) + standardised @ self.correction + self.bias


def doubt(probabilities: Tensor) -> Tensor:
    """How close the two best classes are, as a log-odds: float [N], higher = less certain, always finite."""
    two = probabilities.clamp(1e-6, 1 - 1e-6).log().topk(2, dim=-1).values
    return two[..., 1] - two[..., 0]


def train_error_head(probabilities: Tensor, last_hidden: Tensor, correct: Tensor) -> ErrorHead | None:
    """Learn to predict the classifier's own errors from its out-of-fold verdicts.

    probabilities: float [M, C]; last_hidden: float [M, H]; correct: bool [M]. Right and wrong weigh
    the same in total, however rare errors are. Inputs are detached: the classifier is not touched.
    Returns None when there are too few verdicts of one kind to learn from; callers say so.
    """
    wrong = ~correct
    if min(int(wrong.sum()), int(correct.sum())) < MIN_VERDICTS:
        return None
    probabilities, last_hidden = probabilities.detach(), last_hidden.detach()
    head = ErrorHead(last_hidden.shape[1])
    head.center.copy_(last_hidden.mean(0))
    head.scale.copy_(last_hidden.std(0).clamp(min=1e-3))
    weights = torch.where(wrong, 0.5 / wrong.sum(), 0.5 / correct.sum())
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            head.logit(probabilities, last_hidden), wrong.float(), reduction="none"
        )
        loss: Tensor = (losses * weights).sum() + WEIGHT_DECAY / len(wrong) * (head.correction**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return head
