"""Outlines of shapes by name, each a little different every time: for scenes that are drawn.

Points float64 [n, 2] within the circle of radius 1, closed by their last side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
Shape = Callable[[np.random.Generator], Outline]


def _around(radii: NDArray[np.float64], turn: float = 0.0) -> Outline:
    """Points at these distances from the middle, all the way round."""
    angles = turn + np.linspace(0, 2 * math.pi, len(radii), endpoint=False)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1)


def _points(*at: tuple[float, float]) -> Outline:
    return np.array(at)


def _arc(radius: float, begin: float, end: float, x: float = 0.0) -> Outline:
    """A part of a circle about (x, 0), its angles in turns."""
    angles = np.linspace(begin, end, 24) * 2 * math.pi
    return np.stack([x + radius * np.cos(angles), radius * np.sin(angles)], 1)


def _star(rng: np.random.Generator) -> Outline:
    tips, inner = int(rng.integers(5, 8)), rng.uniform(0.35, 0.55)
    return _around(np.tile([1.0, inner], tips))


def _gear(rng: np.random.Generator) -> Outline:
    teeth, inner = int(rng.integers(8, 12)), rng.uniform(0.68, 0.8)
    return _around(np.tile([1.0, 1.0, inner, inner], teeth))


def _flower(rng: np.random.Generator) -> Outline:
    petals = int(rng.integers(4, 8))
    return _around(0.75 + 0.25 * np.cos(petals * np.linspace(0, 2 * math.pi, 90, endpoint=False)))


def _cross(rng: np.random.Generator) -> Outline:
    a = rng.uniform(0.22, 0.36)
    quarter = [(1.0, -a), (1.0, a), (a, a)]
    turns = ((1, 0), (0, 1), (-1, 0), (0, -1))
    turned = [(x * c - y * s, x * s + y * c) for c, s in turns for x, y in quarter]
    return 0.95 * _points(*turned)


def _crescent(rng: np.random.Generator) -> Outline:
    moved = rng.uniform(0.35, 0.55)
    half = math.acos(moved / 2) / (2 * math.pi)
    inner = _arc(1.0, 0.5 - half, 0.5 + half, moved)
    return np.concatenate([_arc(1.0, half, 1 - half), inner[::-1]])


def _key(rng: np.random.Generator) -> Outline:
    """A round head, a shaft, two teeth."""
    head, a = rng.uniform(0.36, 0.46), rng.uniform(0.09, 0.13)
    gap = math.asin(a / head) / (2 * math.pi)
    shaft = [(1.0, -a), (1.0, 0.45), (0.84, 0.45), (0.84, a), (0.66, a), (0.66, 0.4), (0.5, 0.4), (0.5, a)]
    return np.concatenate([_arc(head, gap, 1 - gap, head - 1), _points(*shaft)])


def _ring(rng: np.random.Generator) -> Outline:
    """Nearly closed."""
    inner, gap = rng.uniform(0.5, 0.72), 0.01
    return np.concatenate([_arc(1.0, gap, 1 - gap), _arc(inner, 1 - gap, gap)])


def _arrow(rng: np.random.Generator) -> Outline:
    a, b, neck = rng.uniform(0.15, 0.25), rng.uniform(0.5, 0.7), rng.uniform(0.0, 0.3)
    return _points((1, 0), (neck, b), (neck, a), (-1, a), (-1, -a), (neck, -a), (neck, -b))


def _heart(rng: np.random.Generator) -> Outline:
    t = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t), -y * rng.uniform(0.9, 1.1)], 1) / 19


def _drop(rng: np.random.Generator) -> Outline:
    t, sharp = np.linspace(0, 2 * math.pi, 60, endpoint=False), rng.uniform(1.2, 2.2)
    return np.stack([np.cos(t), 0.75 * np.sin(t) * np.abs(np.sin(t / 2)) ** sharp], 1)


def _flag(rng: np.random.Generator) -> Outline:
    """A pole, and a flag with two tails at its end."""
    a, deep, notch = 0.09, rng.uniform(0.0, 0.25), rng.uniform(0.4, 0.6)
    cloth = [(-0.55, -0.95), (0.85, -0.9), (notch, -0.9 + (0.9 + deep) / 2), (0.85, deep)]
    return _points(*cloth, (-0.55 + 2 * a, deep), (-0.55 + 2 * a, 0.95), (-0.55, 0.95)) * 0.9


def _half(rng: np.random.Generator) -> Outline:
    cut = rng.uniform(-0.05, 0.1)
    return _arc(1.0, -0.25 + cut, 0.25 - cut)


SHAPES: dict[str, Shape] = {
    "star": _star,
    "cross": _cross,
    "crescent": _crescent,
    "key": _key,
    "ring": _ring,
    "gear": _gear,
    "flower": _flower,
    "arrow": _arrow,
    "heart": _heart,
    "drop": _drop,
    "flag": _flag,
    "half": _half,
    "disc": lambda rng: _around(np.ones(40)),
    "square": lambda rng: _around(np.ones(4)) * [1.0, rng.uniform(0.6, 1.0)],
    "hexagon": lambda rng: _around(np.ones(int(rng.integers(5, 8)))),
    "triangle": lambda rng: _around(np.ones(3)),
}
