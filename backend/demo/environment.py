"""Label Studio in a virtual environment of its own: its pins are not ours."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from backend.errors import AtlasError

LOCK = Path(__file__).with_name("label-studio.lock")


def install_label_studio(cache_dir: Path) -> Path:
    """The `label-studio` program, installed on the first call (about 1 GB, two minutes).

    Raises AtlasError with pip's last words when that fails; the next call tries again.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:8]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = cache_dir / f"label-studio-py{python}-{digest}"
    program = environment / "bin" / "label-studio"
    complete = environment / "complete"
    cache_dir.mkdir(parents=True, exist_ok=True)
    with open(cache_dir / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two demos at once install once
        if not complete.exists():
            _run([sys.executable, "-m", "venv", "--clear", str(environment)])
            pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
            _run([*pip, "--quiet", "--no-deps", "--require-hashes", "--requirement", str(LOCK)])
            complete.touch()
    return program


def is_installed(cache_dir: Path) -> bool:
    return any(cache_dir.glob("label-studio-py*/complete"))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise AtlasError(f"`{' '.join(command)}` failed:\n{words}")
