"""Binary logistic regression by Newton's method: a handful of steps where gradient descent takes hundreds."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_STEPS = 30
TOLERANCE = 1e-4
"""Newton steps shorter than this (largest coefficient) end the search: the error left is its square."""
LENGTHS = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125)
"""Parts of a step that are tried, should the whole of it overshoot."""


def fit_logistic(
    inputs: Tensor,
    truth: Tensor,
    penalty: Tensor,
    *,
    toward: Tensor | None = None,
    start: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Coefficients b, float64 [D], that minimise sum(log-loss) + sum(penalty * (b - toward) ** 2) / 2.

    inputs: float [M, D], with a column of ones where a bias is wanted; truth: bool or float [M] in [0, 1];
    penalty: float [D], 0 for a coefficient that is free; toward: float [D], what the penalty pulls to, zeros
    by default; start: float [D], where to begin (a fit of nearly the same data saves most steps); weights:
    float [M], how much each row counts, all the same by default.
    """
    x, y = inputs.double(), truth.double()
    w = None if weights is None else weights.double()
    center = x.new_zeros(x.shape[1]) if toward is None else toward.double()
    # A trace of ridge keeps the Hessian invertible where the data leave a free coefficient undetermined.
    ridge = penalty.double() + 1e-8
    beta = center if start is None else start.double()
    loss = _loss(y, ridge, beta - center, x @ beta, w)
    for _ in range(MAX_STEPS):
        p = (x @ beta).sigmoid()
        gradient = x.T @ _weighed(p - y, w) + ridge * (beta - center)
        hessian = (x.T * _weighed((p * (1 - p)).clamp(min=1e-10), w)) @ x + ridge.diag()
        step = torch.linalg.solve(hessian, gradient)
        for length in LENGTHS:  # as much of the step as lowers the loss
            candidate = beta - length * step
            new = _loss(y, ridge, candidate - center, x @ candidate, w)
            if new <= loss:
                break
        else:
            return beta
        beta, loss = candidate, new
        if length * float(step.abs().max()) < TOLERANCE:
            break
    return beta


def log_evidence(
    inputs: Tensor,
    truth: Tensor,
    penalty: Tensor,
    coefficients: Tensor,
    *,
    toward: Tensor | None = None,
    weights: Tensor | None = None,
) -> float:
    """How well a fit explains the data for the freedom it took, up to a constant: Laplace's approximation.

    Higher is better; it compares penalties without holding data out (MacKay 1992, "The Evidence
    Framework Applied to Classification Networks"). Arguments as of `fit_logistic`, whose answer is
    `coefficients`; those without a penalty must be the same in all fits compared.
    """
    x, y, ridge, beta = inputs.double(), truth.double(), penalty.double() + 1e-8, coefficients.double()
    p = (x @ beta).sigmoid()
    w = None if weights is None else weights.double()
    hessian = (x.T * _weighed((p * (1 - p)).clamp(min=1e-10), w)) @ x + ridge.diag()
    prior = ridge[penalty > 0].log().sum() / 2
    away = beta if toward is None else beta - toward.double()
    return float(prior - torch.logdet(hessian) / 2) - _loss(y, ridge, away, x @ beta, w)


def _weighed(of_rows: Tensor, weights: Tensor | None) -> Tensor:
    return of_rows if weights is None else of_rows * weights


def _loss(y: Tensor, ridge: Tensor, away: Tensor, logits: Tensor, weights: Tensor | None) -> float:
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, y, weight=weights, reduction="sum")
    return float(losses + (ridge * away * away).sum() / 2)
