"""Adaptive strategies pick a batch in rounds and learn anew in between."""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDS = 10


def sizes(n: int, rounds: int) -> list[int]:
    """n split into `rounds` nearly equal parts, the empty ones left out."""
    bounds = [n * i // rounds for i in range(rounds + 1)]
    return [bounds[i + 1] - bounds[i] for i in range(rounds) if bounds[i + 1] > bounds[i]]


def numbers(n: int, rounds: int) -> Tensor:
    """Of each of n picks the round that it is of, from 1: int64 [n]."""
    each = torch.tensor(sizes(n, rounds), dtype=torch.int64)
    return torch.repeat_interleave(torch.arange(1, len(each) + 1), each)
