"""Binary logistic regression by Newton's method: a handful of steps where gradient descent takes hundreds."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_STEPS = 30
TOLERANCE = 1e-6
"""Newton steps shorter than this (largest coefficient) end the search."""


def fit_logistic(
    inputs: Tensor,
    truth: Tensor,
    penalty: Tensor,
    *,
    weights: Tensor | None = None,
    start: Tensor | None = None,
) -> Tensor:
    """Coefficients b, float64 [D], that minimise sum(weights * log-loss) + sum(penalty * b ** 2) / 2.

    inputs: float [M, D], with a column of ones where a bias is wanted; truth: bool or float [M] in [0, 1];
    penalty: float [D], 0 for a coefficient that is free; weights: float [M], ones by default; start: float
    [D], where to begin (a fit of nearly the same data saves most steps).
    """
    x, y = inputs.double(), truth.double()
    weights = torch.ones_like(y) if weights is None else weights.double()
    # A trace of ridge keeps the Hessian invertible where the data leave a free coefficient undetermined.
    ridge = penalty.double() + 1e-8
    beta = torch.zeros(x.shape[1], dtype=torch.float64) if start is None else start.double()
    loss = _loss(x, y, weights, ridge, beta)
    for _ in range(MAX_STEPS):
        p = (x @ beta).sigmoid()
        gradient = x.T @ (weights * (p - y)) + ridge * beta
        curvature = (weights * p * (1 - p)).clamp(min=1e-10)
        hessian = (x.T * curvature) @ x + ridge.diag()
        step = torch.linalg.solve(hessian, gradient)
        beta, loss, moved = _descend(x, y, weights, ridge, beta, step, loss)
        if moved < TOLERANCE:
            break
    return beta


def _descend(
    x: Tensor, y: Tensor, weights: Tensor, ridge: Tensor, beta: Tensor, step: Tensor, loss: float
) -> tuple[Tensor, float, float]:
    """Take the step, or as much of it as lowers the loss; returns how far the largest coefficient moved."""
    length = 1.0
    while length > 1e-4:
        candidate = beta - length * step
        new = _loss(x, y, weights, ridge, candidate)
        if new <= loss:
            return candidate, new, length * float(step.abs().max())
        length /= 2
    return beta, loss, 0.0


def _loss(x: Tensor, y: Tensor, weights: Tensor, ridge: Tensor, beta: Tensor) -> float:
    losses = torch.nn.functional.binary_cross_entropy_with_logits(x @ beta, y, weights, reduction="sum")
    return float(losses + (ridge * beta * beta).sum() / 2)
