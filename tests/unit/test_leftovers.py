import os
from pathlib import Path

import pytest

from backend.store.leftovers import sweep
from backend.store.paths import write_atomically
from tests.processes import gone_pid


def test_what_a_dead_process_left_goes_and_what_a_live_one_writes_stays(tmp_path: Path) -> None:
    dead, alive = gone_pid(), os.getpid()
    versions = tmp_path / "versions"
    (versions / f".atlas-000001.{dead}").mkdir(parents=True)
    (versions / f".atlas-000001.{dead}" / "model.safetensors").touch()
    (versions / "atlas-000001").mkdir()
    for name in (f".published.json.{dead}", f".published.json.{alive}", "published.json", ".hidden"):
        (tmp_path / name).touch()
    assert sweep(tmp_path) == 2
    assert {path.name for path in tmp_path.rglob("*")} == {
        "versions", "atlas-000001", f".published.json.{alive}", "published.json", ".hidden",
    }  # fmt: skip


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """Into `/dev/full` every write fails as on a full disk."""
    place = tmp_path / "kept"
    write_atomically(place, b"old")
    (tmp_path / f".kept.{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(place, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert place.read_bytes() == b"old"
