"""What is installed is what was locked: every file by its hash, wherever it comes from."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend.demo.environment import LOCK
from tests.unit.pages import ROOT

LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock", LOCK]
each_lock = pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)


def requirements(lock: Path) -> list[str]:
    """Each with what continues it on further lines."""
    return lock.read_text().replace("\\\n", " ").splitlines()


@each_lock
def test_every_release_is_pinned_with_its_hashes(lock: Path) -> None:
    named = requirements(lock)
    assert len(named) > 80
    for line in named:
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line


@pytest.mark.parametrize("lock", LOCKS[:2], ids=lambda path: path.name)
def test_torch_stays_apart(lock: Path) -> None:
    """Its builds for processors and graphics cards are other files of the same release."""
    assert not [line for line in requirements(lock) if line.startswith(("torch=", "nvidia", "triton"))]


def test_every_installation_of_a_lock_asks_for_hashes() -> None:
    for file in ("Makefile", "Dockerfile", "backend/demo/environment.py"):
        text = (ROOT / file).read_text().replace('", "', " ")
        asked = [line for line in text.splitlines() if re.search(r"--requirement\b.*(\.lock|LOCK)", line)]
        assert asked, file
        assert all("--no-deps --require-hashes" in line for line in asked), file


def test_a_file_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    """pip reads our locks as we mean them: it refuses a file that is not the locked one."""
    wheel = tmp_path / "click-8.5.1-py3-none-any.whl"
    wheel.write_bytes(b"not the locked file")
    locked = next(line for line in requirements(LOCKS[0]) if line.startswith("click=="))
    lock = tmp_path / "one.lock"
    lock.write_text(re.sub(r"^click==\S+", f"click @ {wheel.as_uri()}", locked) + "\n")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-index", "--dry-run"]
    done = subprocess.run([*pip, "--requirement", lock], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
