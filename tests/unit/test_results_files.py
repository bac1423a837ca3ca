"""Results as files: whole or not at all, and whatever characters texts and labels have."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from backend.errors import AtlasError
from backend.results.collect import Guess, Result, Results
from backend.results.exported import FILE, TOLD, Exported, exported, keep_exported
from backend.results.files import cell, replace, write
from backend.results.labels import Labelled, Labels, in_words
from backend.store.files import Files
from backend.store.reason import AUDIT, COPY, LATE, PICKED, UNKNOWN, UNREAD, UNSERVED, WANTED, Reason

NASTY = ["=1+1", "a\r\nb", 'q"u,o', "\x1b[2J\x00", "\u202eabc", "<script>", "9" * 5_000, "", " x "]


def results(*rows: Result, controls: tuple[str, ...] = ("mood",)) -> Results:
    return Results(3, "atlas-000001", list(controls), iter(rows), len(rows))


def result(text: str = "a text", labels: Any = None, guesses: Any = None, waits: bool = False) -> Result:
    return Result(7, text, waits, labels or {}, guesses or {}, [])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text)[:20])
def test_a_text_comes_back_as_it_was(text: str, tmp_path: Path) -> None:
    given = result(text, {"mood": [text]}, {"mood": Guess([text], 0.12345)})
    write(results(given), tmp_path / "all.csv")
    (row,) = rows_of(tmp_path / "all.csv")
    assert [row[name].removeprefix("'") for name in ("text", "mood", "mood_guess")] == [text] * 3
    assert row["mood_confidence"] == "0.1235"
    write(results(given), tmp_path / "all.jsonl")
    told = json.loads((tmp_path / "all.jsonl").read_text("utf-8"))
    assert (told["text"], told["labels"]) == (text, {"mood": [text]})
    assert told["guesses"] == {"mood": {"choices": [text], "confidence": 0.12345}}


def test_halves_of_letters_become_marks(tmp_path: Path) -> None:
    for name in ("all.csv", "all.jsonl"):
        write(results(result("a\ud800b")), tmp_path / name)
        assert "a?b" in (tmp_path / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "columns"),
    [
        (result(waits=True), {"waits": "true", "mood": "", "mood_guess": "", "mood_confidence": ""}),
        (result(labels={"mood": []}), {"waits": "false", "mood": "[]"}),
        (result(labels={"mood": ["a", "b"]}), {"mood": '["a", "b"]'}),
        (result(guesses={"mood": Guess([], 1.0)}), {"mood_guess": "[]", "mood_confidence": "1.0000"}),
        (result(labels={"other": ["x"]}), {"mood": ""}),
    ],
)
def test_what_lacks_is_an_empty_cell(given: Result, columns: dict[str, str], tmp_path: Path) -> None:
    write(results(given), tmp_path / "all.csv")
    (row,) = rows_of(tmp_path / "all.csv")
    assert {name: row[name] for name in columns} == columns
    assert row["model_version"] == "atlas-000001"


def test_a_project_without_tasks_is_a_header_alone(tmp_path: Path) -> None:
    write(results(controls=("a", "b")), tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text().strip() == (
        "task,text,waits,model_version,a,a_guess,a_confidence,b,b_guess,b_confidence"
    )
    write(results(), tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("choices", "shown"),
    [(["a"], "a"), ([], "[]"), (["a", "b"], '["a", "b"]'), (["[]"], "[]"), (["ü", "<"], '["ü", "<"]')],
)
def test_one_choice_stands_as_it_is_and_several_as_a_list(choices: list[str], shown: str) -> None:
    assert cell(choices) == shown


def failing(error: Exception) -> Callable[[IO[str]], None]:
    def fill(file: IO[str]) -> None:
        file.write("half")
        raise error

    return fill


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("before")
    with pytest.raises(AtlasError, match=r"all\.csv cannot be written: No space left"):
        replace(path, failing(OSError(28, "No space left on device")))
    with pytest.raises(RuntimeError):
        replace(path, failing(RuntimeError()))
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["all.csv"]
    replace(path, lambda file: print("after", file=file))
    assert path.read_text() == "after\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_who_may_read_a_file_stays_as_it_is_while_and_after_it_is_replaced(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "all.csv"
    path.touch()
    path.chmod(mode)
    seen = []
    replace(path, lambda file: seen.append(os.fstat(file.fileno()).st_mode & 0o777))
    assert [*seen, path.stat().st_mode & 0o777] == [mode, mode]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "gone" / "all.csv", tmp_path / "file" / "all.csv"):
        with pytest.raises(AtlasError, match=r"all\.csv cannot be written: "):
            replace(path, lambda file: None)


def labels(*reasons: Reason, disputed: int = 0) -> Labels:
    return Labels(["mood"], [Labelled(7, "a", {"mood": ["x"]}, each) for each in reasons], disputed)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (labels(), "0 labels"),
        (labels(Reason(PICKED, "margin")), "1 labels (1 by margin)"),
        (
            labels(*[Reason(PICKED, "auto")] * 2, Reason(LATE, "auto"), Reason(AUDIT)),
            "4 labels (3 by auto, 1 drawn at random to audit)",
        ),
        (labels(Reason(UNSERVED), disputed=2), "1 labels (1 not from the queue); left out: 2 answered tasks"),
        (labels(Reason(WANTED)), "1 as somebody wanted them next"),
        (labels(Reason(UNKNOWN)), "1 from before it was kept why"),
        (labels(Reason(COPY)), "1 as copies of other tasks"),
        (labels(Reason(UNREAD)), "1 before they were encoded, at random"),
    ],
)
def test_labels_are_counted_by_what_brought_them(given: Labels, said: str) -> None:
    assert said in in_words(given)


def test_what_is_to_be_downloaded_is_told_with_when(tmp_path: Path) -> None:
    files = Files(tmp_path)
    assert exported(files) is None
    keep_exported(files, labels(Reason(PICKED, "margin")))
    told = exported(files)
    assert told is not None
    assert told.words == "1 labels (1 by margin)"
    assert told.at.startswith("20")
    assert b"margin" in files.read(FILE)


TORN = [b"", b"{", b"null", b"[]", b"{}", b'{"at": 1}', b'{"at": "", "words": "", "more": 1}', b"\xff",
        b"[" * 100_000, b'"x"', b"9" * 5_000]  # fmt: skip


@pytest.mark.parametrize("content", TORN, ids=lambda content: ascii(content)[:20])
def test_a_note_that_is_torn_is_none(content: bytes, tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write(TOLD, content)
    assert exported(files) is None
    assert Exported("2026", "1 labels")
