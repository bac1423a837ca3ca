"""Model-based outliers (Munro, ch. 4.2): items that light up the network less than anything held out did."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.scene import Picks, Scene


def model_outliers(scene: Scene, n: int) -> Picks:
    """Items whose neurons rank lowest, on average, among the activations of held-out items.

    All layers count, the logits included. What the ranks are taken against are the out-of-fold
    activations of the labelled items: data the activating network had not seen, as the book asks.
    """
    held_out = scene.held_out.all_layers  # [M, U]
    worth = 1 - mean_rank(scene.pool_layers.all_layers, held_out)
    return Picks(scene.top(worth, n), worth)


def mean_rank(activations: Tensor, held_out: Tensor) -> Tensor:
    """Mean over neurons of the share of held-out activations below an item's own: float [N] in [0, 1].

    activations: float [N, U]; held_out: float [M, U]. Between two held-out values the rank is
    interpolated, so that few held-out items do not make many ties. Below the lowest and above the
    highest the rank still falls and rises a little, by the value's distance in units of their range.
    """
    values = held_out.T.sort(dim=1).values.contiguous()  # [U, M]
    last = values.shape[1] - 1
    spread = (values[:, -1:] - values[:, :1]).clamp(min=1e-6)
    total = activations.new_zeros(len(activations))
    for neuron, column in enumerate(activations.T.contiguous()):
        known = values[neuron]
        above = torch.searchsorted(known, column).clamp_(1, max(last, 1)).clamp_(max=last)
        below = (above - 1).clamp_(min=0)
        width = (known[above] - known[below]).clamp_(min=1e-9)
        inside = ((column - known[below]) / width).clamp_(0, 1)
        beyond = ((column - known[-1]).clamp(min=0) - (known[0] - column).clamp(min=0)) / spread[neuron]
        total += (below + inside) / max(last, 1) + 0.1 * beyond.clamp_(-1, 1)
    return total / values.shape[0]
