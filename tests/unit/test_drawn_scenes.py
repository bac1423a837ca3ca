"""Scenes that are drawn: what is told of them is what is in them."""

from __future__ import annotations

import numpy as np
import pytest

from backend.demo.drawn_scenes import FIRST, SECOND, Setting, scenes
from backend.demo.shapes import SHAPES

BOTH = pytest.mark.parametrize("setting", [FIRST, SECOND], ids=["first", "second"])


@BOTH
def test_boxes_are_those_of_the_masks(setting: Setting) -> None:
    for drawn in scenes(setting, 6, seed=1):
        height, width = drawn.mask.shape
        inside = np.zeros(drawn.mask.shape, bool)
        for (x, y, w, h), number in zip(
            drawn.boxes * np.array([width, height] * 2) / 100, drawn.classes, strict=True
        ):
            cut = drawn.mask[round(y) : round(y + h), round(x) : round(x + w)] == 1 + number
            assert all(edge.any() for edge in (cut[0], cut[-1], cut[:, 0], cut[:, -1]))
            inside[round(y) : round(y + h), round(x) : round(x + w)] = True
        assert inside[drawn.mask > 0].all()
        assert drawn.pixels.shape == (height, width, 3)


@BOTH
def test_boxes_lie_within_the_picture_in_percent(setting: Setting) -> None:
    boxes = np.concatenate([drawn.boxes for drawn in scenes(setting, 12, seed=2)])
    assert len(boxes) > 6
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] > 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= 100 + 1e-9).all()


@BOTH
def test_the_last_class_is_rare_and_the_others_are_not(setting: Setting) -> None:
    drawn = np.concatenate([each.classes for each in scenes(setting, 60, seed=3)])
    counts = np.bincount(drawn, minlength=len(setting.classes))
    assert 0 < 2 * counts[-1] <= min(counts[:-1])


def test_a_seed_gives_the_same_scenes_however_many_are_asked_for() -> None:
    three, two = list(scenes(FIRST, 3, seed=4)), list(scenes(FIRST, 2, seed=4))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(two, three, strict=False))
    assert not np.array_equal(three[0].pixels, next(scenes(FIRST, 1, seed=5)).pixels)


def test_the_settings_ask_for_different_shapes() -> None:
    assert not set(FIRST.classes) & set(SECOND.classes)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_lies_within_its_circle(name: str) -> None:
    outline = SHAPES[name](np.random.default_rng(0))
    assert np.hypot(*outline.T).max() == pytest.approx(1, abs=0.45)
    assert np.ptp(outline, axis=0).min() > 0.4
