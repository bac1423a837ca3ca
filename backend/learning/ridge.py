"""A number by ridge regression, as a network that says how likely each of some numbers is.

Hoerl & Kennard 1970; the penalty is chosen by leaving out one item at a time (Golub, Heath & Wahba 1979).
With a Gaussian of the left-out errors' size around what is predicted, the logits of numbers are linear in the
features, but for what all have in common: a network without a hidden layer.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from backend.learning.network import LayeredNetwork, Layers, Shape, StackedLinear
from backend.learning.training import outputs

PENALTIES = tuple(10.0**each for each in range(-3, 4))
FOLDS = 5
SHARPEST = 1e-3
"""The least size of the errors, in standard deviations of the numbers: fewer items than features may be met
to the last digit."""


class Fitted(NamedTuple):
    """What is predicted is features @ weights + offset. weights: float64 [D]; error: the root of the mean
    square of the left-out errors."""

    weights: Tensor
    offset: Tensor
    error: Tensor


def fit_ridge(features: Tensor, numbers: Tensor) -> Fitted:
    """features: float [M, D]; numbers: float [M], of which two differ at least."""
    rows, values = features.double(), numbers.double()
    center, mean = rows.mean(0), values.mean()
    rows, values = rows - center, values - mean
    along, back, sizes = _components(rows)
    least = torch.stack([_left_out(along, sizes, values, penalty) for penalty in PENALTIES])
    best = int(least.argmin())
    weights = back @ ((along.T @ values) / (sizes + PENALTIES[best]))
    error = least[best].sqrt().maximum(SHARPEST * values.square().mean().sqrt())
    return Fitted(weights, mean - center @ weights, error)


def _components(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The rows along their principal components [M, k], these [D, k], and the squared singular values [k]:
    through the smaller of the two matrices of products."""
    if len(rows) > rows.shape[1]:
        sizes, back = torch.linalg.eigh(rows.T @ rows)
        return rows @ back, back, sizes.clamp(min=0)
    sizes, left = torch.linalg.eigh(rows @ rows.T)
    sizes = sizes.clamp(min=0)
    root = sizes.sqrt()
    return left * root, rows.T @ left / root.clamp(min=1e-9), sizes


def _left_out(along: Tensor, sizes: Tensor, values: Tensor, penalty: float) -> Tensor:
    """The mean square of what is predicted of each item without it, less its value. values: of mean 0."""
    shrunk = along / (sizes + penalty)
    own = (along * shrunk).sum(1) + 1 / len(values)  # the leverage, that of the offset with it
    errors = values - shrunk @ (along.T @ values)
    return (errors / (1 - own).clamp(min=1e-9)).square().mean()


def train_ridge(features: Tensor, numbers: Tensor, centres: Tensor) -> LayeredNetwork:
    """How likely each of `centres` is nearest to an item's number: a class for each.

    features: float [M, D]; numbers: float [M], of which two differ at least; centres: float [C], rising, none
    twice, two at least. A centre counts for as much as lies nearer to it than to others. Errors smaller than
    half of what is between two centres count as that: else the nearest centre would be all that is said.
    """
    fitted, centres = fit_ridge(features, numbers), centres.double()
    error = fitted.error.maximum(centres.diff().median() / 2)
    middle = centres.mean()
    z, offset = (centres - middle) / error, (fitted.offset - middle) / error
    between = (z[1:] + z[:-1]) / 2
    edges = torch.cat([(2 * z[0] - between[0])[None], between, (2 * z[-1] - between[-1])[None]])
    network = LayeredNetwork(Shape(features.shape[1], len(centres), hidden=()))
    (layer,) = network.layers
    assert isinstance(layer, StackedLinear)
    weights = (fitted.weights / error)[:, None] * z / network.scale
    with torch.no_grad():
        layer.weight.copy_(weights[None])
        layer.bias.copy_((offset * z - z * z / 2 + edges.diff().log())[None, None])
    return network.requires_grad_(False)


def held_out(features: Tensor, numbers: Tensor, centres: Tensor, together: Tensor) -> Layers:
    """What such networks say of items that they have not seen: of M items. together: int64 [M], the same for
    items that are in one fold; other arguments as of `train_ridge`."""
    groups = together.unique(return_inverse=True)[1]
    dealt = torch.randperm(int(groups.max()) + 1, generator=torch.Generator().manual_seed(0)) % FOLDS
    fold = dealt[groups]
    logits = torch.zeros(len(features), len(centres))
    for each in fold.unique().tolist():
        out = fold == each
        logits[out] = _said(features[~out], numbers[~out], centres, features[out])
    return Layers((), logits)


def _said(features: Tensor, numbers: Tensor, centres: Tensor, others: Tensor) -> Tensor:
    """Logits of the others, float32 [n, C]; all alike where there are no two numbers to learn from."""
    if len(numbers.unique()) < 2:
        return torch.zeros(len(others), len(centres))
    return outputs(train_ridge(features, numbers, centres), others).logits
