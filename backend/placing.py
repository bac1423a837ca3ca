"""Where a task stands in the queue that was not there when it was ranked."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from backend.sampling import queue_scores


def between(ranked: Tensor, worth: Tensor, keys: list[float]) -> list[float]:
    """Places in the gaps of a queue whose worth falls from item to item: by worth, then by key.

    ranked: float [N], descending; worth: float [M]; keys: M numbers in (0, 1) that settle equal worth.
    """
    ranked, worth = ranked.double(), worth.double()
    before = torch.searchsorted(-ranked, -worth, right=True)  # as many ranked items come sooner
    ends = torch.cat([ranked[:1] + 1, ranked, ranked[-1:] - 1])
    upper, lower = ends[before], ends[before + 1]
    into = ((upper - worth) / (upper - lower).clamp(min=1e-12)).clamp(0, 1)  # 0: as good as the item before
    into = 0.05 + 0.85 * into + 0.05 * torch.tensor(keys, dtype=torch.float64)
    place = queue_scores(len(ranked))
    edges = torch.cat([torch.zeros(1, dtype=torch.float64), place, torch.ones(1, dtype=torch.float64)])
    return (edges[before] + into * (edges[before + 1] - edges[before])).tolist()


def lot_of(task_id: Any, text: str) -> float:
    """A number in (0, 1) that looks random but is always the same for this task."""
    digest = blake2b(repr((task_id, text)).encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**48
