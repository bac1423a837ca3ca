"""Label Studio's run-length code, against its own converter; and masks as runs."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from label_studio_sdk.converter.brush import decode_rle, encode_rle, mask2rle
from numpy.typing import NDArray

from backend.controls import runs
from backend.controls.run_length import MAX_BYTES, decode, encode
from backend.controls.runs import Bools

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))
EDGES = [  # lengths around those at which a run is written in another way
    np.arange(65_537 * 2).reshape(2, -1) < each
    for each in (0, 1, 2, 3, 4, 5, 64, 65, 16_384, 16_385, 65_536, 65_537, 131_074)
]


def assert_same_as_label_studio(mask: Bools) -> None:
    written = encode(runs.runs_of(mask), *mask.shape)
    assert written == mask2rle(mask.astype(np.uint8) * 255)
    read = decode(written, *mask.shape)
    assert read is not None
    assert (runs.mask_of(read, *mask.shape) == mask).all()
    assert (decode_rle(written).reshape(*mask.shape, 4)[..., 3] == mask * 255).all()


@given(mask=MASKS)
def test_masks_are_written_as_label_studio_writes_them_and_read_as_it_reads_them(mask: Bools) -> None:
    assert_same_as_label_studio(mask)


@pytest.mark.parametrize("mask", EDGES)
def test_so_are_runs_of_any_length(mask: Bools) -> None:
    assert_same_as_label_studio(mask)


@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4))))
def test_a_stroke_that_fades_out_is_marked_where_it_is_more_than_half(pixels: NDArray[np.uint8]) -> None:
    height, width = pixels.shape[:2]
    read = decode(encode_rle(pixels.ravel()), height, width)
    assert read is not None
    assert (runs.mask_of(read, height, width) == (pixels[..., 3] > 127)).all()


def test_values_that_stand_there_one_by_one_are_read() -> None:
    literal = "0" + "01" + f"{7:04b}" + "".join(f"{each:08b}" for each in (1, 2, 3, 255, 9, 9, 9, 127))
    bits = f"{8:032b}00111" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16)) + literal
    bits += "0" * (-len(bits) % 8)
    code = [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
    assert decode_rle(code).tolist() == [1, 2, 3, 255, 9, 9, 9, 127]
    assert runs.mask_of(decode(code, 1, 2), 1, 2).tolist() == [[True, False]]  # type: ignore[arg-type]


@given(
    code=st.lists(st.integers(0, 255), max_size=60)
    | st.lists(st.integers() | st.text() | st.none())
    | st.text()
    | st.integers()
    | st.none()
)
def test_no_garbage_raises(code: Any) -> None:
    assert decode(code, 3, 5) is None


@given(mask=MASKS, at=st.integers(0, 60), value=st.integers(0, 255), cut=st.integers(0, 30))
def test_nor_does_a_damaged_code(mask: Bools, at: int, value: int, cut: int) -> None:
    code = encode(runs.runs_of(mask), *mask.shape)
    code[at % len(code)] = value
    read = decode(code[: len(code) - cut], *mask.shape)
    assert read is None or runs.area(read) <= mask.size


def test_a_code_of_another_size_is_none() -> None:
    code = encode(runs.runs_of(np.ones((3, 5), bool)), 3, 5)
    assert decode(code, 3, 5) is not None
    assert decode(code, 5, 4) is None


def test_a_code_of_too_many_bytes_is_not_looked_at() -> None:
    assert decode([0] * (MAX_BYTES + 1), 3, 5) is None


def test_a_huge_image_costs_no_memory() -> None:
    height, width = 65_535, 16_384  # of 1,073,725,440 pixels; a code has 32 bits for their number
    mask = np.array([5, height * width - 5])
    code = encode(mask, height, width)
    tracemalloc.start()
    try:
        read = decode(code, height, width)
        assert read is not None
        assert read.tolist() == mask.tolist()
        shares = runs.shares(read, (height, width), (80, 80))
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()
    assert shares == pytest.approx(np.ones((80, 80)), abs=1e-4)


def test_a_code_for_more_pixels_than_it_can_count_is_none() -> None:
    code = encode(np.array([5, 50]), 4, 20)
    code[:4] = (4 * 65_535**2 % 2**32).to_bytes(4, "big")
    assert decode(code, 65_535, 65_535) is None


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
        lambda size: st.tuples(arrays(bool, size), arrays(bool, size))
    )
)
def test_runs_reckon_as_masks_do(two: tuple[Bools, Bools]) -> None:
    one, other = two
    a, b = runs.runs_of(one), runs.runs_of(other)
    expected = {
        "union": (runs.union(a, b), one | other),
        "both": (runs.both(a, b), one & other),
        "without": (runs.without(a, b), one & ~other),
    }
    for name, (found, mask) in expected.items():
        assert found.tolist() == runs.runs_of(mask).tolist(), name
        assert runs.area(found) == mask.sum(), name


@given(mask=MASKS, rows=st.integers(1, 7), columns=st.integers(1, 7))
def test_the_shares_of_cells_are_those_of_their_pixels(mask: Bools, rows: int, columns: int) -> None:
    height, width = mask.shape
    fine = mask.repeat(rows, axis=0).repeat(columns, axis=1).astype(float)  # whole pixels in each cell
    expected = fine.reshape(rows, height, columns, width).mean((1, 3))
    assert runs.shares(runs.runs_of(mask), (height, width), (rows, columns)) == pytest.approx(expected)


@given(mask=MASKS, most=st.integers(1, 20))
def test_few_runs_are_enough(mask: Bools, most: int) -> None:
    whole = runs.runs_of(mask)
    few = runs.in_few(whole, most)
    assert len(few) <= 2 * most
    assert len(few) % 2 == 0
    assert (np.diff(few) > 0).all()
    if len(whole) <= 2 * most:
        assert few.tolist() == whole.tolist()
