"""A file's bytes become characters in the encoding they were written in, or the reason is told."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from pathlib import Path

import pytest

from backend.errors import AtlasError
from backend.labelled.decoding import Decoded, decode_file

LATIN = "text,label\nGrüße,x\n"
RUSSIAN = "текст,метка\n" + "Сегодня хорошая погода, и мы пошли гулять\n" * 20


def decoded(folder: Path, content: bytes, name: str = "mine.csv") -> Decoded:
    file = folder / name
    file.write_bytes(content)
    return decode_file(file)


def refusal(folder: Path, content: bytes, name: str = "mine.csv") -> str:
    with pytest.raises(AtlasError) as refused:
        decoded(folder, content, name)
    return str(refused.value)


WRITTEN: list[tuple[str, bytes, Decoded]] = [
    ("ASCII", b"text,label\n", Decoded("text,label\n", "UTF-8")),
    ("UTF-8", LATIN.encode(), Decoded(LATIN, "UTF-8")),
    ("UTF-8 with a mark", LATIN.encode("utf-8-sig"), Decoded(LATIN, "UTF-8")),
    ("UTF-16 with a mark", LATIN.encode("utf-16"), Decoded(LATIN, "UTF-16")),
    ("big UTF-16 with a mark", b"\xfe\xff" + LATIN.encode("utf-16-be"), Decoded(LATIN, "UTF-16")),
    ("UTF-32 with a mark", LATIN.encode("utf-32"), Decoded(LATIN, "UTF-32")),
    ("big UTF-32 with a mark", b"\0\0\xfe\xff" + LATIN.encode("utf-32-be"), Decoded(LATIN, "UTF-32")),
    ("UTF-16 without", LATIN.encode("utf-16-le"), Decoded(LATIN, "UTF-16", guessed=True)),
    ("big UTF-16 without", LATIN.encode("utf-16-be"), Decoded(LATIN, "UTF-16", guessed=True)),
    ("Windows, Western Europe", LATIN.encode("cp1252"), Decoded(LATIN, "cp1252", guessed=True)),
    ("what that lacks", b"a \x81 b\n", Decoded("a \x81 b\n", "latin-1", guessed=True)),
    ("Windows, Cyrillic", RUSSIAN.encode("cp1251"), Decoded(RUSSIAN, "cp1251", guessed=True)),
    ("control characters", b"\x1b[31m\x07,x\n", Decoded("\x1b[31m\x07,x\n", "UTF-8")),
]


@pytest.mark.parametrize(("content", "read"), [row[1:] for row in WRITTEN], ids=[row[0] for row in WRITTEN])
def test_a_file_is_read_as_it_was_written(tmp_path: Path, content: bytes, read: Decoded) -> None:
    assert decoded(tmp_path, content) == read
    packed = gzip.compress(content, mtime=0)
    assert decoded(tmp_path, packed, "mine.csv.gz") == read
    assert decoded(tmp_path, packed, "named-otherwise.csv") == read


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "text,label\na,x\n")
    return content.getvalue()


REFUSED: list[tuple[str, bytes, str]] = [
    ("a new spreadsheet", zipped("xl/workbook.xml"), "is an Excel file or its like"),
    ("another's spreadsheet", zipped("opendocument.text"), "save it as CSV there"),
    ("an old spreadsheet", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel file or its like"),
    ("an archive", zipped("mine.csv"), "is a zip archive: unpack it, and give the file in it"),
    ("nothing", b"", "is empty: a header line, text,label, and a row for each text are needed"),
    ("white space", b" \n\t\r\n ", "is empty"),
    ("a mark alone", b"\xef\xbb\xbf", "is empty"),
    ("half a letter of UTF-16", "a".encode("utf-16") + b"x", "Save it as UTF-8"),
    ("what UTF-8's mark belies", b"\xef\xbb\xbfGr\xfc\xdfe", "Save it as UTF-8"),
    ("beyond UTF-32", b"\xff\xfe\0\0\xff\xff\xff\xff", "Save it as UTF-8"),
]


@pytest.mark.parametrize(("content", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_no_text_is_refused_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refusal(tmp_path, content)
    assert said in refusal(tmp_path, gzip.compress(content, mtime=0), "mine.gz")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"text,label\na,x\n", "mine.csv.gz"),
        (gzip.compress(b"text,label\n" * 50, mtime=0)[:-9], "torn.csv"),
        (gzip.compress(b"text,label\n" * 50, mtime=0)[:12] + b"\xff" * 40, "broken.csv"),
        (bz2.compress(b"text,label\n"), "other.gz"),
    ],
)
def test_a_packed_file_that_is_damaged_is_told_with_its_name(
    tmp_path: Path, content: bytes, name: str
) -> None:
    said = refusal(tmp_path, content, name)
    assert said.startswith(f"{tmp_path / name} cannot be read: ")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"cannot be read: .*No such file"):
        decode_file(tmp_path / "gone.csv")
    with pytest.raises(AtlasError, match=r"cannot be read: .*Is a directory"):
        decode_file(tmp_path)
