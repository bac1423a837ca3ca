"""How likely an item is of what is still unlabelled: told of each task, whatever the strategy ranks by."""

from __future__ import annotations

from backend.learning.domain_head import DomainHead, train_domain_head
from backend.sampling.scene import Scene
from backend.sampling.transfer import domains

FEWEST = 2
"""Items of either side, so that some can be held out."""


def application_head(scene: Scene) -> DomainHead | None:
    """A domain head on all layers, none of its own: a third of the time, and enough to tell. None without a
    classifier, and where a side is too small."""
    if not scene.has_classifier or min(len(scene.labeled), scene.size) < FEWEST:
        return None
    layers, application = domains(scene)
    return train_domain_head(layers, application, blocks=scene.blocks, depth=0, seed=scene.seed).cpu()
