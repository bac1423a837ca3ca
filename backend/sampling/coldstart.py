"""Which items first, while there is nothing to learn from: typical of the pool, and diverse.

Greedy facility location: each pick is the item that adds most to how well every item of the pool is
represented by its nearest pick. Dense regions come first, then what they leave out.
"""

from __future__ import annotations

import torch

from backend.sampling.facility import lazy_greedy
from backend.sampling.scene import Picks, Scene

NAME = "cold_start"
NO_CLASSES = "labels of fewer than two classes: cold start"
MAX_CANDIDATES = 20_000
MAX_REFERENCES = 2_000
"""Items that may be picked, and items that must be represented: random samples of larger pools."""


def cold_start(scene: Scene, n: int) -> Picks:
    """The first MAX_CANDIDATES picks by facility location, whatever is asked beyond them at random."""
    candidates = scene.shuffled[:MAX_CANDIDATES]
    rows = scene.unit_pool
    references = rows[scene.shuffled[:MAX_REFERENCES]]
    similarity = (rows[candidates] @ references.T).clamp_(min=0)  # [candidates, references]
    covered = references.new_zeros(len(references))
    if len(scene.labeled):
        covered = (references @ scene.unit_labeled.T).clamp(min=0).max(dim=1).values
    first = candidates[lazy_greedy(similarity, covered, min(n, len(candidates)))]
    rest = scene.shuffled[len(candidates) :][: n - len(first)]
    chance = torch.full((n,), torch.nan if len(rest) else 1.0, dtype=torch.float64, device=rows.device)
    return Picks(torch.cat([first, rest]), by=(NAME,) * n, chance=chance)
