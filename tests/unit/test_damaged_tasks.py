"""The local copy of the tasks is only a cache: what is wrong with it is mended by the next pull."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.errors import DamagedFile
from backend.jobs.pull import FILE, last_pulled
from backend.store.tasks import TaskStore
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.test_pull import read


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """Of 400 tasks, the first 40 labelled."""
    return loop.create(400, labeled=40)


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
    "votes that are no JSON": lambda path: rewrite(path, "UPDATE tasks SET votes = '{' WHERE id = 14"),
    "others that are no JSON": lambda path: rewrite(path, "UPDATE tasks SET others = '' WHERE id = 14"),
    "a text that is none": lambda path: rewrite(
        path, "UPDATE tasks SET text = CAST(x'ff' AS TEXT) WHERE id = 14"
    ),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_copy_is_read_anew(
    loop: Loop, project: FakeProject, tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = read(loop, project, tmp_path)
    DAMAGES[what](tmp_path / FILE)

    assert last_pulled(tmp_path) in ([], before)  # no error: others go on without it
    loop.fake.handed_out = 0
    with caplog.at_level(logging.WARNING):
        assert read(loop, project, tmp_path) == before
    assert loop.fake.handed_out >= 400
    assert ("read anew" in caplog.text) == (what != "empty")  # which is as good as new
    loop.fake.change_task(project.id, before[-1].id, data={"text": "changed"})
    assert read(loop, project, tmp_path)[-1].text == "changed"  # and it is sound from now on


def test_what_time_or_room_may_mend_is_no_damage(loop: Loop, project: FakeProject, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()  # in the place of the file
    with pytest.raises(sqlite3.OperationalError):
        read(loop, project, tmp_path)
    assert (tmp_path / FILE).is_dir()


def test_an_error_of_somebody_elses_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), TaskStore(tmp_path / FILE):
        raise ZeroDivisionError
    with pytest.raises(DamagedFile, match=FILE), TaskStore(tmp_path / FILE):
        raise sqlite3.DatabaseError("database disk image is malformed")
