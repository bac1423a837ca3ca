"""What was labelled in a demo stays until somebody asks for a fresh one; the doctor sees a running demo."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from click.testing import CliRunner

from backend.commands import connecting
from backend.demo.data import DemoData
from backend.demo.environment import LOCK, pip_steps
from backend.demo.kept import KeptDemo, Login, begin, digest_of, has_begun, is_in_use, read, running
from backend.demo.run import _say_where
from backend.errors import AtlasError

if TYPE_CHECKING:
    from backend.demo.boot import Stage

ADMIN = Login("admin@example.com", "secret", "token")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "lock").touch()
    return folder


def label(directory: Path) -> Path:
    """As Label Studio does when somebody labels."""
    database = directory / "label-studio" / "label_studio.sqlite3"
    database.parent.mkdir(exist_ok=True)
    database.write_text("labels")
    return database


def test_a_second_demo_goes_on_with_the_first_ones_labels(directory: Path) -> None:
    assert begin(directory, fresh=False) is None
    kept = KeptDemo(
        ADMIN, "key", [Login("annotator1@example.com", "p", "t")], {"abc": {"id": 3, "task_ids": [1]}}
    )
    database = label(directory)
    has_begun(directory, kept)
    assert begin(directory, fresh=False) == kept
    assert database.read_text() == "labels"
    assert stat.S_IMODE((directory / "demo.json").stat().st_mode) == 0o600


def test_fresh_deletes_everything_but_the_lock(directory: Path) -> None:
    label(directory)
    has_begun(directory, KeptDemo(ADMIN, "key"))
    assert begin(directory, fresh=True) is None
    assert {path.name for path in directory.iterdir()} == {"lock", "begun"}


def test_a_demo_that_never_came_up_is_begun_anew(directory: Path) -> None:
    assert begin(directory, fresh=False) is None
    database = label(directory)
    assert begin(directory, fresh=False) is None
    assert not database.exists()


def test_a_demo_of_an_earlier_release_is_not_deleted_unasked(directory: Path) -> None:
    database = label(directory)
    with pytest.raises(AtlasError, match="`label-studio-atlas demo --fresh` deletes it"):
        begin(directory, fresh=False)
    assert database.read_text() == "labels"
    (directory / "demo.json").write_text('{"admin": 3}')
    with pytest.raises(AtlasError, match="cannot go on with"):
        begin(directory, fresh=False)
    assert begin(directory, fresh=True) is None


def test_other_texts_are_another_project() -> None:
    one, other = DemoData([("a", "x")], []), DemoData([("a", "y")], [])
    assert digest_of(one) == digest_of(DemoData([("a", "x")], [("b", "y")])) != digest_of(other)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_the_demo_says_where_an_api_key_is(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Label Studio makes a user one personal access token only, and the demo has made it."""
    KeptDemo(ADMIN, "the-key").save(directory)
    server = SimpleNamespace(url="http://localhost:8080", admin=ADMIN)
    stage = cast("Stage", SimpleNamespace(server=server, project=SimpleNamespace(id=1)))
    _say_where(stage, directory, "http://localhost:9090/projects/enter?code=abc")
    (file,) = [Path(word) for word in capsys.readouterr().out.split() if word.endswith(".json")]
    assert json.loads(file.read_text())["api_key"] == "the-key"


def test_a_demo_runs_while_its_folder_is_locked(directory: Path) -> None:
    kept = KeptDemo(ADMIN, "key")
    kept.save(directory)
    assert running(directory.parent) is None
    with held(directory):
        assert running(directory.parent) == kept
        assert is_in_use(directory)
    assert not is_in_use(directory)
    assert not is_in_use(directory / "nothing")


def doctor(directory: Path, monkeypatch: pytest.MonkeyPatch, **env: str) -> tuple[str, dict[str, str]]:
    """What the doctor says first, and in which environment it then looks."""
    seen: dict[str, str] = {}
    names = ("LABEL_STUDIO_API_KEY", "LABEL_STUDIO_URL", "DATA_DIR", "PORT")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(directory.parent))

    def diagnose(*arguments: object) -> bool:
        seen.update({name: os.environ[name] for name in names if name in os.environ})
        return True

    monkeypatch.setattr("backend.doctor.commands.diagnose", diagnose)
    with monkeypatch.context() as patched:
        patched.setattr(os, "environ", {**os.environ, **env})
        result = CliRunner().invoke(connecting.doctor)
    assert result.exit_code == 0, result.output
    return result.output, seen


def test_the_doctor_looks_at_a_running_demo_where_nothing_else_is_set_up(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"LABEL_STUDIO_API_KEY": "key", "LABEL_STUDIO_URL": "http://localhost:8081", "PORT": "9091"}
    kept = KeptDemo(ADMIN, "key", environment={**there, "DATA_DIR": str(directory)})
    kept.save(directory)
    said, seen = doctor(directory, monkeypatch)
    assert said == ""
    assert seen == {"DATA_DIR": str(directory.parent)}
    with held(directory):
        said, seen = doctor(directory, monkeypatch)
        assert "a demo runs: this is about the demo's backend" in said
        assert seen == kept.environment


def test_the_doctor_says_that_it_leaves_a_demo_out_where_another_backend_is_set_up(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KeptDemo(ADMIN, "key", environment={"PORT": "9091"}).save(directory)
    with held(directory):
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", "mine")
        said, seen = doctor(directory, monkeypatch, LABEL_STUDIO_API_KEY="mine")
        assert "It is not looked at: for that, leave LABEL_STUDIO_API_KEY unset." in said
        assert "PORT" not in seen
    with held(directory), held(directory.parent):
        said, seen = doctor(directory, monkeypatch)
        assert "It is not looked at" in said
        assert f"`up` runs on {directory.parent} too, and this is about that one. Stop it first." in said
        assert "LABEL_STUDIO_API_KEY" not in said + str(seen)


def test_pips_lines_become_a_count_of_packages() -> None:
    said: list[str] = []
    read = pip_steps(said.append)
    packages = sum(line[:1].isalpha() for line in LOCK.read_text().splitlines())
    for line in ("Collecting django==5.1.15", "  Downloading Django-5.1.15.whl", "Collecting attrs==25.4.0"):
        read(line + "\n")
    read("Installing collected packages: pytz, wheel\n")
    assert said == [
        f"package 1 of {packages}: django",
        f"package 2 of {packages}: attrs",
        f"putting {packages} packages in place, the longest part",
    ]
    assert packages > 100


def test_what_is_kept_survives_json(directory: Path) -> None:
    kept = KeptDemo(ADMIN, "key", [ADMIN], {"d": {"id": 1, "task_ids": [2, 3]}}, {"PORT": "1"})
    kept.save(directory)
    assert read(directory) == kept
    assert json.loads((directory / "demo.json").read_text())["admin"]["email"] == ADMIN.email


GOOD = {"admin": vars(ADMIN), "api_key": "k", "members": [], "projects": {}, "environment": {}}
TORN = [
    *("", "{", "null", "[]", "3", '"x"', "{}", "[" * 100_000, "\ufeff{}"),
    json.dumps({**GOOD, "admin": None}),
    json.dumps({**GOOD, "admin": {"email": "x"}}),
    json.dumps({**GOOD, "admin": [1, 2, 3]}),
    json.dumps({**GOOD, "members": 5}),
    json.dumps({**GOOD, "members": [5]}),
    json.dumps({**GOOD, "projects": []}),
    json.dumps({**GOOD, "projects": {"abc": 3}}),
    json.dumps({**GOOD, "environment": ["A=1"]}),
    json.dumps({**GOOD, "of a later release": 1}),
]


@pytest.mark.parametrize("content", TORN, ids=lambda text: text[:50])
def test_a_note_that_is_torn_or_of_another_release_is_none(content: str, directory: Path) -> None:
    """What is labelled stays all the same, until somebody asks for a fresh one."""
    (directory / "demo.json").write_text(content, encoding="utf-8")
    assert read(directory) is None
    database = label(directory)
    with pytest.raises(AtlasError, match="demo --fresh"):
        begin(directory, fresh=False)
    assert database.exists()


def test_a_whole_note_is_read(directory: Path) -> None:
    (directory / "demo.json").write_text(json.dumps(GOOD), encoding="utf-8")
    assert read(directory) == KeptDemo(ADMIN, "k")
