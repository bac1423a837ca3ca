"""Monte-Carlo dropout: many predictions of one network, each without some of its hidden units.

Gal & Ghahramani 2016, "Dropout as a Bayesian Approximation"; Munro, ch. 3. Where there
is but one network, such as one that was adapted, the passes stand for the siblings. The units of the last
hidden layer are dropped; the network was not trained so, hence the rate is modest.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.learning.training import BATCH
from backend.sampling.scene import Scene

PASSES = 20
NUMBERS = 2**25
"""Of probabilities, passes by items by classes, held at once: 128 MB, and a few times that while they are
measured."""
RATE = 0.1
"""Share of the hidden units dropped in a pass, and of the passes that each is dropped in."""


def over_passes(scene: Scene, measure: Callable[[Tensor], Tensor], passes: int = PASSES) -> Tensor:
    """A measure of what the passes say of each unit of the pool, pooled to its item: float32 [N].

    measure: from probabilities, float [P, n, C], to float [n]. A pass drops the same ones for all, so
    that it is one network's word; of [P, N, C] no more than NUMBERS are held at once.
    Raises ValueError for a network without a hidden layer.
    """
    hidden = scene.unit_layers.last_hidden  # [U, H]
    weight, bias = scene.last_layer
    chance = torch.Generator().manual_seed(scene.seed)
    # Each unit is dropped equally often: else a few passes would take sides.
    places = torch.rand(passes, hidden.shape[1], 1, generator=chance).argsort(0)
    kept = (places >= round(RATE * passes)).float()
    kept /= kept.mean()
    weights = weight * kept.to(hidden.device)  # [1, H, C] to [P, H, C]
    at_once = min(BATCH, max(1, NUMBERS // (passes * weight.shape[-1])))
    found = [measure((rows @ weights + bias).softmax(-1)) for rows in hidden.float().split(at_once)]
    return scene.pooled(torch.cat(found) if found else hidden.new_zeros(0))
