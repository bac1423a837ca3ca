"""Which items first, while there is nothing to learn from: representative and diverse.

Greedy facility location: each pick is the item that adds most to how well every item of the pool is
represented by its nearest pick (Nemhauser, Wolsey & Fisher 1978: within 1 - 1/e of the best choice;
Wei, Iyer & Bilmes 2015 for data subset selection). Dense regions come first, then what they leave out.
"""

from __future__ import annotations

import torch
from torch import Tensor

MAX_CANDIDATES = 20_000
MAX_REFERENCES = 2_000
"""Items that may be picked, and items that must be represented: random samples of larger pools,
so that a pick costs one 20,000 x 2,000 comparison however large the pool is."""


def facility_location(pool: Tensor, n: int, *, labeled: Tensor | None = None, seed: int = 0) -> Tensor:
    """Indices of up to `n` distinct pool items, best first: int64 [min(n, N, MAX_CANDIDATES)].

    pool: float [N, D], rows of about unit length; labeled: float [M, D], items that represent already.
    """
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(pool), generator=generator)
    candidates = shuffled[:MAX_CANDIDATES].sort().values
    references = pool[shuffled[:MAX_REFERENCES]].float()
    similarity = (pool[candidates].float() @ references.T).clamp_(min=0)  # [candidates, references]
    covered = torch.zeros(len(references))
    if labeled is not None and len(labeled):
        covered = (references @ labeled.float().T).clamp(min=0).max(dim=1).values
    picks: list[int] = []
    taken = torch.zeros(len(candidates), dtype=torch.bool)
    for _ in range(min(n, len(candidates))):
        gain = (similarity - covered).clamp_(min=0).sum(dim=1)
        best = int(gain.masked_fill_(taken, -1).argmax())
        taken[best] = True
        picks.append(best)
        covered = torch.maximum(covered, similarity[best])
    return candidates[torch.tensor(picks, dtype=torch.int64)]
