"""Polygons: what is inside of one, and the outlines of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.controls import polygons, runs
from backend.controls.outlines import MOST_POINTS, inside, outlines_of
from backend.controls.runs import Bools
from tests.unit.test_masks import POLYGONS, disc


def even_odd(points: list[tuple[float, float]], height: int, width: int, beside: float) -> Bools:
    """By the definition, pixel by pixel, so much beside each one's middle."""
    found = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            x, y, crossings = column + 0.5 + beside, row + 0.5, 0
            for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
                if (ay <= y) != (by <= y) and x > ax + (y - ay) / (by - ay) * (bx - ax):
                    crossings += 1
            found[row, column] = crossings % 2 == 1
    return found


COORDINATES = st.floats(0, 10, width=32)


@given(points=st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=9))
@example(points=[(0.0, 0.0), (0.0, 0.0), (9.375, 9.375)])
@settings(max_examples=60)
def test_polygons_may_cross_themselves(points: list[tuple[float, float]]) -> None:
    found = runs.mask_of(inside(np.array(points), 9, 10), 9, 10)
    left, right = (even_odd(points, 9, 10, beside) for beside in (-1e-6, 1e-6))
    clear = left == right  # else the middle lies on the line
    assert (found[clear] == left[clear]).all()


def test_an_outline_with_a_hole_is_drawn_with_its_hole() -> None:
    ring = disc(200, 0.5, 0.5, 0.4) & ~disc(200, 0.5, 0.5, 0.2)
    (outline,) = outlines_of(ring)
    assert len(outline) <= MOST_POINTS + 3
    drawn = runs.mask_of(inside(outline * 200, 200, 200), 200, 200)
    assert (drawn & ring).sum() / (drawn | ring).sum() > 0.95
    assert not drawn[100, 100]


@given(bits=st.integers(0, 2**64 - 1))
def test_any_mask_has_outlines(bits: int) -> None:
    mask = np.array([bits >> i & 1 for i in range(64)], bool).reshape(8, 8)
    again = runs.no_runs()
    for outline in outlines_of(mask, most=10_000):
        assert len(outline) >= 3
        assert ((outline >= 0) & (outline <= 1)).all()
        again = runs.union(again, inside(outline * 8, 8, 8))
    assert (runs.mask_of(again, 8, 8) == mask).all()


@pytest.mark.parametrize(
    "points",
    [
        [[0, 0], [1, 1]],
        [[0, 0], [1, float("nan")], [1, 0]],
        [[0, 0], [1, 10**400], [float("inf"), 0]],
        [[0, 0], [1, True], [1, 0]],
        [[0, 0], [1], [1, 0]],
        [[0, 0]] * (polygons.MOST_POINTS + 1),
    ],
)
def test_what_is_no_polygon_says_nothing(points: Any) -> None:
    assert POLYGONS.read([{"from_name": "c", "value": {"points": points, "polygonlabels": ["car"]}}]) is None


def test_a_polygon_beside_the_picture_ends_at_its_edge() -> None:
    value = {"points": [[-5, 0], [10**400, 0], [50, 101.5]], "polygonlabels": ["car"]}
    read = POLYGONS.read([{"from_name": "c", "value": value}])
    assert read == '[["car", [[0.0, 0.0], [100.0, 0.0], [50.0, 100.0]]]]'
