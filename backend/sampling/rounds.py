"""Adaptive strategies pick a batch in rounds and learn anew in between."""

from __future__ import annotations

ROUNDS = 10


def sizes(n: int, rounds: int) -> list[int]:
    """n split into `rounds` nearly equal parts, the empty ones left out."""
    bounds = [n * i // rounds for i in range(rounds + 1)]
    return [bounds[i + 1] - bounds[i] for i in range(rounds) if bounds[i + 1] > bounds[i]]
