"""The local copy of the tasks is only a cache: what is wrong with it is mended by the next pull."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.errors import DamagedFile
from backend.jobs.pull import FILE, pull, stored
from backend.store.tasks import TaskStore
from tests.unit.test_pull import SCHEME, FakeLabelStudio, project

LABELS: dict[int, str | None] = {i: ("a", "b", None)[i % 3] for i in range(1, 400)}


def rewrite(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


def overwrite(path: Path, start: int, content: bytes) -> None:
    whole = bytearray(path.read_bytes())
    whole[start : start + len(content)] = content
    path.write_bytes(whole)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"not a database, " * 64),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:9000]),
    "pages of noise": lambda path: overwrite(path, 8192, b"\xa5" * 8192),
    "votes that are no JSON": lambda path: rewrite(path, "UPDATE tasks SET votes = '{' WHERE id = 4"),
    "others that are no JSON": lambda path: rewrite(path, "UPDATE tasks SET others = '' WHERE id = 4"),
    "a text that is none": lambda path: rewrite(
        path, "UPDATE tasks SET text = CAST(x'ff' AS TEXT) WHERE id = 4"
    ),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_copy_is_read_anew(tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture) -> None:
    label_studio = FakeLabelStudio(LABELS)
    before = pull(label_studio, project(len(LABELS)), SCHEME, tmp_path)
    DAMAGES[what](tmp_path / FILE)

    assert stored(tmp_path) in ([], before)  # no error: others go on without it
    label_studio.reads.clear()
    with caplog.at_level(logging.WARNING):
        assert pull(label_studio, project(len(LABELS)), SCHEME, tmp_path) == before
    assert "all" in label_studio.reads
    assert ("read anew" in caplog.text) == (what != "empty")  # which is as good as new
    label_studio.reads.clear()
    assert pull(label_studio, project(len(LABELS)), SCHEME, tmp_path) == before
    assert label_studio.reads == ["changes"]  # and it is sound from now on


def test_what_time_or_room_may_mend_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()  # in the place of the file
    with pytest.raises(sqlite3.OperationalError):
        pull(FakeLabelStudio(LABELS), project(len(LABELS)), SCHEME, tmp_path)
    assert (tmp_path / FILE).is_dir()


def test_an_error_of_somebody_elses_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), TaskStore(tmp_path / FILE):
        raise ZeroDivisionError
    with pytest.raises(DamagedFile, match=FILE), TaskStore(tmp_path / FILE):
        raise sqlite3.DatabaseError("database disk image is malformed")
