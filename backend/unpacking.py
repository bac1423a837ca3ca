"""Answers that are packed, in pieces that are small however well they are packed.

httpx unpacks at once whatever comes at once, and as often as the answer says that it is packed: a bound on
bytes would count only what is in memory already.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

UNPACKED = "gzip, deflate"
"""What an answer may be packed by: by one of them, once."""
PIECE = 2**16
"""Bytes that are unpacked at a time."""


def unpacked(answer: httpx.Response) -> Iterator[bytes]:
    """The content of an answer of which nothing was read yet. Raises httpx's errors, DecodingError for what
    is packed otherwise."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        yield from answer.iter_raw()
    elif coding == "gzip":
        yield from _inflated(answer.iter_raw(), zlib.MAX_WBITS | 16)
    elif coding == "deflate":
        yield from _inflated(answer.iter_raw(), zlib.MAX_WBITS)
    else:
        raise httpx.DecodingError(f"it is packed by {coding[:40]!r}; unpacked is one of {UNPACKED}, once")


def _inflated(packed: Iterator[bytes], window: int) -> Iterator[bytes]:
    """window: as zlib has it. Some servers' deflate comes without zlib's head (RFC 9110, 8.4.1.2)."""
    inflate, head = zlib.decompressobj(window), b""  # head: the first two bytes, by which zlib knows its own
    for rest in packed:
        while rest:
            if inflate.eof:
                raise httpx.DecodingError("something stands behind what is packed")
            try:
                part = inflate.decompress(rest, PIECE)
            except zlib.error as error:
                if len(head) > 1 or window != zlib.MAX_WBITS:
                    raise httpx.DecodingError(f"it cannot be unpacked: {error}") from error
                window, rest = -zlib.MAX_WBITS, head + rest
                inflate = zlib.decompressobj(window)
                continue
            head, rest = (head + rest)[:2], inflate.unconsumed_tail or inflate.unused_data
            yield part
    if head and not inflate.eof:
        raise httpx.DecodingError("it ends in the midst of what is packed")
