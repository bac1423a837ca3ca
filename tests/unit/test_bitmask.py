"""Masks as PNGs whose alpha is the mask, and answers about areas."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from backend.controls import runs
from backend.controls.areas import Areas, overlaps
from backend.controls.bitmask import BEGIN, MAX_CHARACTERS, MAX_PIXELS, mask_in, picture_of, size_in
from backend.controls.runs import Bools
from backend.controls.specks import LEAST, without_specks
from tests.unit.whatever import FEW, WHATEVER

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24))


@FEW
@given(mask=MASKS)
def test_a_mask_is_read_as_it_was_written(mask: Bools) -> None:
    url = picture_of(runs.runs_of(mask), *mask.shape)
    assert size_in(url) == mask.shape
    read = mask_in(url)
    assert read is not None
    assert read[0] == mask.shape
    assert (runs.mask_of(read[1], *mask.shape) == mask).all()


def png(picture: Image.Image, **more: Any) -> str:
    written = io.BytesIO()
    picture.save(written, "PNG", **more)
    return BEGIN + base64.b64encode(written.getvalue()).decode()


def header(height: int, width: int) -> str:
    sizes = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return BEGIN + base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + sizes + b"\0" * 12).decode()


@pytest.mark.parametrize(("alpha", "marked"), [(0, False), (127, False), (128, True), (255, True)])
def test_it_is_the_alpha_that_counts_and_more_than_half_is_marked(alpha: int, marked: bool) -> None:
    read = mask_in(png(Image.new("RGBA", (3, 2), (255, 255, 255, alpha))))
    assert read is not None
    assert read[0] == (2, 3)
    assert runs.area(read[1]) == (6 if marked else 0)


@pytest.mark.parametrize(
    "url",
    [
        BEGIN,
        BEGIN + "x",
        BEGIN + base64.b64encode(b"GIF89a" + b"\0" * 60).decode(),
        "data:image/jpeg;base64,AAAA",
        header(0, 5),
        header(5, 5),  # a header and nothing behind it
        header(MAX_PIXELS, 2),
        png(Image.new("L", (3, 2))),  # no alpha
        png(Image.new("RGB", (3, 2))),
        BEGIN + "A" * MAX_CHARACTERS,
        *WHATEVER,
    ],
)
def test_what_is_no_such_picture_is_no_mask(url: Any) -> None:
    assert mask_in(url) is None


def test_the_size_is_told_by_the_header_alone() -> None:
    assert size_in(header(70_000, 3)) == (70_000, 3)
    assert size_in(header(5, 5)[:40]) is None
    for url in WHATEVER:
        assert size_in(url) is None


def cut(url: str, share: float) -> str:
    return url[: len(BEGIN) + int((len(url) - len(BEGIN)) * share)]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_picture_is_none(share: float) -> None:
    noise = np.random.default_rng(0).random((60, 60)) > 0.5
    assert mask_in(cut(picture_of(runs.runs_of(noise), 60, 60), share)) is None


ONE = runs.runs_of(np.arange(12).reshape(3, 4) < 6)
TWO = runs.runs_of(np.arange(12).reshape(3, 4) >= 4)


def test_the_pixels_of_both_and_of_either_are_told_by_label() -> None:
    ours, theirs = Areas((3, 4), {"a": ONE, "b": TWO}), Areas((3, 4), {"a": TWO})
    assert overlaps(ours, theirs) == {"a": (2, 12), "b": (0, 8)}
    assert overlaps(theirs, ours) == overlaps(ours, theirs)
    assert overlaps(ours, Areas((0, 0), {})) == {"a": (0, 6), "b": (0, 8)}


def test_where_one_does_not_know_nothing_is_counted() -> None:
    unsaid = runs.runs_of(np.arange(12).reshape(3, 4) >= 8)
    ours, theirs = Areas((3, 4), {"a": ONE, None: unsaid}), Areas((3, 4), {"a": TWO})
    assert overlaps(ours, theirs) == {"a": (2, 8)}
    everything = Areas((3, 4), {None: runs.runs_of(np.ones((3, 4), bool))})
    assert overlaps(everything, theirs) == {}


@FEW
@given(mask=arrays(bool, (30, 40)), more=st.integers(0, 3))
def test_no_speck_is_left_and_what_is_left_stays(mask: Bools, more: int) -> None:
    """Of 1,200 pixels an area of one is a speck neither way."""
    assert 30 * 40 * LEAST > 1
    once = without_specks(mask)
    assert (without_specks(once) == once).all()
    assert (without_specks(np.zeros((more, 7), bool)) == np.zeros((more, 7), bool)).all()


def test_a_speck_goes_and_a_gap_is_closed() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:40, 10:40] = True
    mask[20, 20:22] = False
    mask[80, 80] = True
    found = without_specks(mask)
    assert found.sum() == 900
    assert found[20, 20]
    assert not found[80, 80]
