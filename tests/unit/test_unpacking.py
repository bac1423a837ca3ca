"""What answers are packed by is unpacked in small pieces, or refused: never more in memory than was asked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import httpx
import pytest

from backend.unpacking import PIECE, unpacked

TEXT = b"some text, and then some; " * 40


class Coming(httpx.SyncByteStream):
    """A body that comes in pieces of so many bytes."""

    def __init__(self, body: bytes, size: int):
        self._body, self._size = body, size

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), self._size):
            yield self._body[start : start + self._size]


def answer(body: bytes, coding: str | None, size: int = 10**6) -> httpx.Response:
    headers = {} if coding is None else {"content-encoding": coding}
    return httpx.Response(200, headers=headers, stream=Coming(body, size))


def bare(content: bytes) -> bytes:
    """Deflate without zlib's head, as some servers have it."""
    return zlib.compress(content)[2:-4]


PACKED: list[tuple[str | None, bytes]] = [
    (None, TEXT),
    ("identity", TEXT),
    (" Identity ", TEXT),
    ("", TEXT),
    ("gzip", gzip.compress(TEXT)),
    ("GZIP", gzip.compress(TEXT)),
    ("deflate", zlib.compress(TEXT)),
    ("deflate", bare(TEXT)),
]


@pytest.mark.parametrize("size", [1, 7, 10**6])
@pytest.mark.parametrize(
    ("coding", "body"), PACKED, ids=[f"{coding}, {len(body)}" for coding, body in PACKED]
)
def test_what_was_packed_comes_out_however_it_comes(coding: str | None, body: bytes, size: int) -> None:
    assert b"".join(unpacked(answer(body, coding, size))) == TEXT


@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_nothing_is_nothing(coding: str | None) -> None:
    assert b"".join(unpacked(answer(b"", coding))) == b""


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bare])
def test_what_is_packed_well_comes_in_small_pieces(pack: object) -> None:
    """Four megabytes of nothing, packed into four thousand bytes: a reader stops when it has enough."""
    body = pack(bytes(4 * 2**20))  # type: ignore[operator]
    coding = "gzip" if pack is gzip.compress else "deflate"
    pieces = unpacked(answer(body, coding))
    first = [next(pieces) for _ in range(4)]
    assert max(map(len, first)) <= PIECE
    assert sum(map(len, first)) > PIECE
    pieces.close()  # type: ignore[attr-defined]


REFUSED: list[tuple[str, bytes, str]] = [
    ("br", TEXT, "it is packed by 'br'; unpacked is one of gzip, deflate, once"),
    ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), "it is packed by 'gzip, gzip'"),
    ("x" * 500, TEXT, f"it is packed by '{'x' * 40}';"),
    ("gzip", TEXT, "it cannot be unpacked: "),
    ("gzip", gzip.compress(TEXT)[:-9], "it ends in the midst of what is packed"),
    ("gzip", gzip.compress(TEXT)[:-8] + bytes(8), "it cannot be unpacked: "),
    ("gzip", gzip.compress(TEXT) + b"more", "something stands behind what is packed"),
    ("gzip", gzip.compress(TEXT) + gzip.compress(TEXT), "something stands behind what is packed"),
    ("gzip", zlib.compress(TEXT), "it cannot be unpacked: "),
    ("deflate", TEXT, "it cannot be unpacked: "),
    ("deflate", zlib.compress(TEXT)[:-6], "it ends in the midst of what is packed"),
    ("deflate", zlib.compress(TEXT) + b"more", "something stands behind what is packed"),
]


@pytest.mark.parametrize("size", [5, 10**6])
@pytest.mark.parametrize(("coding", "body", "said"), REFUSED, ids=[row[0][:12] for row in REFUSED])
def test_what_is_packed_otherwise_or_torn_is_refused(coding: str, body: bytes, said: str, size: int) -> None:
    with pytest.raises(httpx.DecodingError) as refused:
        list(unpacked(answer(body, coding, size)))
    assert str(refused.value).startswith(said)
