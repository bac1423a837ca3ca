"""From a file's bytes to its characters: packed or not, in whichever encoding a spreadsheet wrote it."""

from __future__ import annotations

import codecs
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from backend.errors import AtlasError

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_MARKED = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
MANY = 0.25
"""Share of bytes beyond ASCII from which a text is not written in Latin letters."""
SAMPLE = 100_000
"""Bytes looked at to guess an encoding."""


@dataclass(frozen=True)
class Decoded:
    """encoding: its name, as one would write it; guessed: whether the file did not say, and is not UTF-8."""

    text: str
    encoding: str
    guessed: bool = False


def decode_file(path: Path) -> Decoded:
    """A file's characters, unpacked where it is gzip.

    Raises AtlasError, saying what to do, when it cannot be read, is empty, or is a spreadsheet's own format.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz" or content.startswith(_GZIP):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise AtlasError(f"{path} cannot be read: {error}") from error
    if content.startswith(_OLD_OFFICE) or (content.startswith(_ZIP) and _is_office(content)):
        raise AtlasError(
            f"{path} is an Excel file or its like, whatever its name: save it as CSV there "
            '(File > Save As > "CSV UTF-8"), and give that file'
        )
    if content.startswith(_ZIP):
        raise AtlasError(f"{path} is a zip archive: unpack it, and give the file in it")
    decoded = _decoded(path, content)
    if not decoded.text.strip():
        raise AtlasError(f"{path} is empty: a header line, text,label, and a row for each text are needed")
    return decoded


def _is_office(content: bytes) -> bool:
    return any(part in content for part in (b"xl/", b"[Content_Types].xml", b"opendocument"))


def _decoded(path: Path, content: bytes) -> Decoded:
    try:
        for mark, encoding in _MARKED.items():
            if content.startswith(mark):
                return Decoded(content.decode(encoding), encoding.removesuffix("-sig").upper())
        if (zeros := _unmarked_utf16(content)) is not None:
            return Decoded(content.decode(zeros), "UTF-16", guessed=True)
        try:
            return Decoded(content.decode(), "UTF-8")
        except UnicodeDecodeError:
            encoding = _guess(content)
            return Decoded(content.decode(encoding), encoding, guessed=True)
    except UnicodeDecodeError as error:
        raise AtlasError(f"{path} cannot be read: {error}. Save it as UTF-8.") from error


def _unmarked_utf16(content: bytes) -> str | None:
    """Of Latin letters in UTF-16 every second byte is 0."""
    sample = content[: SAMPLE // 2 * 2]
    half = max(1, len(sample) // 2)
    if sample[1::2].count(0) > half / 2:
        return "utf-16-le"
    return "utf-16-be" if sample[::2].count(0) > half / 2 else None


def _guess(content: bytes) -> str:
    """Of 8-bit text: where Latin letters prevail what Windows writes in Western Europe, else by statistics.

    For the first, statistics are worse: charset-normalizer takes French for Mac Latin 2.
    """
    sample = content[:SAMPLE]
    if sum(byte > 127 for byte in sample) < MANY * len(sample):
        try:
            content.decode("cp1252")
            return "cp1252"
        except UnicodeDecodeError:
            return "latin-1"
    best = from_bytes(sample).best()
    return best.encoding if best is not None else "latin-1"


def storable(text: str) -> str:
    """Without halves of surrogate pairs, which JSON may have and nothing can store. As long as it was."""
    return text.encode("utf-8", "replace").decode()
