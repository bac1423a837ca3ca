"""Planted noise in marked areas is found: wrong labels, and areas that nobody marked."""

from __future__ import annotations

from backend.learning.cells import UNSAID
from backend.learning.segmentation import train_segmentation
from backend.learning.suspected_areas import suspected_areas
from backend.learning.suspected_parts import NOTHING
from tests.unit.test_segmentation import CLASSES, GRID, toy

PERCENT = 100 / GRID


def test_planted_areas_come_first() -> None:
    """In two pictures the first label's area has the second label, in two the second's is not marked, in one
    the background of a corner is marked."""
    look, right = toy(30)
    given = right.clone()
    for picture in (3, 7):
        given[picture][right[picture] == 2] = 0
        given[picture][right[picture] == 1] = 2
    for picture in (11, 15):
        given[picture][right[picture] == 2] = 0
    given[20][right[20] == 1] = 0
    given[20, :4, :4][right[20, :4, :4] == 0] = 1
    found = suspected_areas(train_segmentation(look, given, CLASSES))
    planted = {(3, 1, 0), (7, 1, 0), (11, NOTHING, 1), (15, NOTHING, 1), (20, 0, NOTHING)}
    first = {(each.item, each.label, each.instead) for each in found[: len(planted)]}
    assert len(first & planted) >= len(planted) - 1
    assert {each.item for each in found[:3]} <= {3, 7, 11, 15, 20}
    assert all(each.p_instead > each.p_label for each in found)


def test_an_area_lies_within_the_box_around_it() -> None:
    look, right = toy(30)
    given = right.clone()
    picture = 4
    given[picture][right[picture] == 1] = 0
    found = suspected_areas(train_segmentation(look, given, CLASSES))
    part = next(each for each in found if (each.item, each.label, each.instead) == (picture, NOTHING, 0))
    rows, columns = (right[picture] == 1).nonzero().unbind(1)
    x, y, width, height = part.place
    assert x <= float(columns.min() + 1) * PERCENT
    assert y <= float(rows.min() + 1) * PERCENT
    assert x + width >= float(columns.max()) * PERCENT
    assert y + height >= float(rows.max()) * PERCENT


def test_of_what_nobody_knows_nothing_is_suspected() -> None:
    look, right = toy(30)
    given = right.clone()
    given[4] = UNSAID
    given[4, 0, 0] = 0
    found = suspected_areas(train_segmentation(look, given, CLASSES))
    assert not [each for each in found if each.item == 4]
