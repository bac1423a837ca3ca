"""How much there is in a JSON text, told without parsing it: each list, object and item takes memory, and the
parser holds Python's lock, and so every other request, until it is done with all of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BLOCK = 2**20
_QUOTE, _BACKSLASH = b'"'[0], b"\\"[0]
_SIGNS = b",[{"


def exceeds(data: bytes, most: int) -> bool:
    """Whether more than so many of `,[{` stand outside strings. Looks no further than it must."""
    if sum(data.count(bytes([sign])) for sign in _SIGNS) <= most:
        return False
    found = start = 0
    within = False  # a string
    while start < len(data) and found <= most:
        end = _end(data, start)
        block = data[start:end].replace(b"\\\\", b"").replace(b'\\"', b"")
        more, within = _count(np.frombuffer(block, np.uint8), within)
        found, start = found + more, end
    return found > most


def _end(data: bytes, start: int) -> int:
    """Of a block that does not end within an escape."""
    end = min(start + _BLOCK, len(data))
    backslashes = 0
    while end - backslashes > start and data[end - backslashes - 1] == _BACKSLASH:
        backslashes += 1
    return end + 1 if backslashes % 2 and end < len(data) else end


def _count(signs: npt.NDArray[np.uint8], within: bool) -> tuple[int, bool]:
    """signs: uint8 [n], without escapes. Returns the count, and whether the block ends within a string."""
    inside = (np.cumsum(signs == _QUOTE, dtype=np.uint8) + np.uint8(within)) & 1
    structural = np.isin(signs, np.frombuffer(_SIGNS, np.uint8)) & (inside == 0)
    return int(structural.sum()), bool(inside[-1]) if len(inside) else within
