import gzip
from collections import Counter
from pathlib import Path

import pytest

from backend.errors import AtlasError
from backend.labelled import hold_out, read_csv

ROWS = [(f"text {i}", "rare" if i < 3 else "often") for i in range(60)] + [("alone", "single")]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_rows_without_text_or_label_are_left_out(tmp_path: Path) -> None:
    content = '\ufefftext,label\n a ,x\n,x\nb,\nc\n"two\nlines",y\n'
    assert read_csv(write(tmp_path / "d.csv", content)) == [("a", "x"), ("two\nlines", "y")]


def test_columns_can_be_named_and_the_file_packed(tmp_path: Path) -> None:
    packed = gzip.compress(b"id,title,topic\n1,a,x\n")
    assert read_csv(write(tmp_path / "d.csv.gz", packed), "title", "topic") == [("a", "x")]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("d.csv", "", "columns text,label .* text, label is missing, found: nothing"),
        ("d.csv", "text,topic\n", "label is missing, found: text, topic"),
        ("d.csv", b"text,label\n\xff,x\n", "cannot be read as CSV"),
        ("d.csv.gz", "text,label\n", "cannot be read"),
        ("d.csv.gz", gzip.compress(b"text,label\n" * 99, mtime=0)[:-9], "cannot be read"),
    ],
)
def test_other_files_are_refused_with_the_reason(tmp_path: Path, name: str, content, reason: str) -> None:
    with pytest.raises(AtlasError, match=reason):
        read_csv(write(tmp_path / name, content))


def test_each_class_is_held_out_by_its_share_and_never_whole() -> None:
    pool, held_out = hold_out(ROWS, 0.2, 500, seed=1)
    assert sorted(pool + held_out) == sorted(ROWS)
    assert Counter(label for _, label in held_out) == {"often": 12, "rare": 1}
    assert hold_out(ROWS, 0.2, 500, seed=1) == (pool, held_out) != hold_out(ROWS, 0.2, 500, seed=2)
    assert len(hold_out(ROWS, 0.2, 6, seed=1)[1]) == 7  # a class is not cut below one


@pytest.mark.parametrize("rows", [[], [("a", "x"), ("b", "x")], [("a", "x"), ("b", "x"), ("c", "y")]])
def test_two_classes_of_two_texts_are_the_least(rows: list[tuple[str, str]]) -> None:
    with pytest.raises(AtlasError, match="two classes with two texts"):
        hold_out(rows, 0.2, 500, seed=0)
