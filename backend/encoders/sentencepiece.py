"""SentencePiece models read into the `tokenizers` library, which cuts texts as SentencePiece does."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

PIECES, NORMALIZER = 1, 3
"""Fields of a model; of a piece: its text and its score; of the normalizer: its table."""
TEXT, SCORE, TABLE = 1, 2, 2
SPACE = "\u2581"
UNKNOWN = 0


def read_tokenizer(model: bytes) -> Tokenizer:
    """A unigram model that puts a space before the first word, as SentencePiece writes them by default.

    The ids are those of SentencePiece, but for texts that two ways to cut are equally likely for, such as
    "???????"; unknown characters in a row are one piece. Raises ValueError where it is no such model.
    """
    pieces, table = [], b""
    try:
        for field, content in _fields(model):
            if field == PIECES:
                piece = dict(_fields(content))
                pieces.append((piece[TEXT].decode(), struct.unpack("<f", piece.get(SCORE, bytes(4)))[0]))
            elif field == NORMALIZER:
                table = dict(_fields(content))[TABLE]
        tokenizer = Tokenizer(models.Unigram(pieces, unk_id=UNKNOWN, byte_fallback=False))
        tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.Precompiled(table),
                normalizers.Strip(),
                normalizers.Replace(Regex(" {2,}"), " "),
            ]
        )
    except Exception as error:  # of the library: plain Exception
        raise ValueError(f"no SentencePiece model: {error}") from error
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    return tokenizer


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message that have bytes, by number; numbers are left out."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        kind = tag & 7
        if kind == 0:
            _, at = _number(message, at)
            continue
        if kind == 2:
            size, at = _number(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"unknown kind of field {kind}")
        if at + size > len(message):
            raise ValueError("it ends in the midst of a field")
        yield tag >> 3, message[at : at + size]
        at += size


def _number(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where it ends."""
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
