"""Label Studio's run-length code of brush masks: thi.ng's rle-pack over four equal bytes per pixel.

A stream of bits, in bytes: 32 for the number of values, 5 for a value's bits, four times 4 for the bits of
four lengths; then, until all values are there, a bit that says whether one value is repeated or each stands
there, two that choose how the length is written, the length less one, and the value or values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backend.controls.runs import Runs, no_runs

CHANNELS = 4
"""Red, green, blue and alpha, of which alpha is the mask."""
MARKED = 128
"""From this alpha on a pixel counts as marked: the editor's strokes fade out at their edges."""
MAX_BYTES = 2_000_000
"""Of one mask. The code of a disc in a photograph of 12 million pixels has 60,000."""
_SIZES = (3, 4, 8, 16)
_LONGEST = 1 << _SIZES[-1]


def encode(runs: Runs, height: int, width: int) -> list[int]:
    """The bytes, as JSON takes them: 255 where pixels are marked, 0 elsewhere. The same as of Label Studio's
    own converter."""
    values = height * width * CHANNELS
    edges = np.concatenate([[0], runs * CHANNELS, [values]])
    words = [f"{values:032b}00111", *(f"{size - 1:04b}" for size in _SIZES)]
    for i, length in enumerate(np.diff(edges).tolist()):
        words.extend(_run(length, f"{255 * (i % 2):08b}"))
    bits = "".join(words)
    bits += "0" * (8 - len(bits) % 8)  # a whole byte where none is needed, as Label Studio does
    return list(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _run(length: int, value: str) -> Iterator[str]:
    which = 3 if length > 256 else 2 if length > 16 else 1 if length > 8 else 0
    while length:
        part = min(length, _LONGEST)
        yield f"1{which:02b}{part - 1:0{_SIZES[which]}b}{value}"
        length -= part


def decode(rle: Any, height: int, width: int) -> Runs | None:
    """The pixels that are marked; None for what is no such code of an image of this size. Never raises, and
    takes no more memory for a large image than for a small one."""
    if not isinstance(rle, list) or not 7 <= len(rle) <= MAX_BYTES:
        return None
    try:
        code = _Bits(bytes(rle))
    except (TypeError, ValueError):  # not whole numbers from 0 to 255
        return None
    try:
        return _marked(code, height * width * CHANNELS)
    except EOFError:
        return None


def _marked(code: _Bits, values: int) -> Runs | None:
    if code.read(32) != values or code.read(5) != 7:
        return None
    sizes = [code.read(4) + 1 for _ in range(4)]
    starts: list[int] = []
    alphas: list[int] = []
    at = 0
    while at < values:
        repeated, length = code.read(1), code.read(sizes[code.read(2)]) + 1
        if at + length > values:
            return None
        if repeated:
            starts.append(at)
            alphas.append(code.read(8))
        else:
            starts.extend(range(at, at + length))
            alphas.extend(code.bytes(length))
        at += length
    return _of_pixels(starts, alphas, values)


def _of_pixels(starts: list[int], alphas: list[int], values: int) -> Runs:
    """Runs of pixels from where each of the stream's values begins to be repeated."""
    if not starts:
        return no_runs()
    # The fourth value of each pixel, its alpha, lies in [start, end) where start // 4 differs from end // 4.
    first = np.array([*starts, values], np.int64) // CHANNELS
    seen = first[1:] > first[:-1]
    on = np.concatenate([[False], np.array(alphas)[seen] >= MARKED, [False]])
    edges = np.append(first[:-1][seen], values // CHANNELS)
    return edges[on[1:] != on[:-1]]


class _Bits:
    """The most significant first. Raises EOFError behind the last."""

    def __init__(self, content: bytes):
        self._content = content
        self._at = 0

    def read(self, bits: int) -> int:
        self._at += bits
        first, last = (self._at - bits) >> 3, (self._at + 7) >> 3
        if last > len(self._content):
            raise EOFError
        word = int.from_bytes(self._content[first:last], "big")
        return word >> (last * 8 - self._at) & ((1 << bits) - 1)

    def bytes(self, count: int) -> bytes:
        start = self._at
        self._at += 8 * count
        first, last = start >> 3, (self._at + 7) >> 3
        if last > len(self._content):
            raise EOFError
        bits = np.unpackbits(np.frombuffer(self._content[first:last], np.uint8))
        return np.packbits(bits[start & 7 :][: 8 * count]).tobytes()
