"""Classes of regions: a network on one vector of each region, the same as of whole contents."""

from __future__ import annotations

from torch import Tensor

from backend.learning.network import LayeredNetwork
from backend.learning.training import train_network


class RegionNetwork(LayeredNetwork):
    kind = "region classes"


def train_regions(
    vectors: Tensor, targets: Tensor, n_classes: int, *, seed: int = 0, device: str = "cpu"
) -> RegionNetwork:
    """vectors: float32 [R, D], of any size; targets: int64 [R], of at least two classes."""
    center = vectors.mean(0)
    size = ((vectors - center) ** 2).sum(1).mean().sqrt().clamp(min=1e-6)
    trained = train_network((vectors - center) / size, targets, n_classes, seed=seed, device=device).cpu()
    network = RegionNetwork(trained.shape)
    network.load_state_dict(trained.state_dict())
    network.take_over_scaling(center, size)
    return network
