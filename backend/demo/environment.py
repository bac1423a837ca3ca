"""Label Studio in a virtual environment of its own: its pins are not ours."""

from __future__ import annotations

import fcntl
import hashlib
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from backend.errors import AtlasError

LOCK = Path(__file__).with_name("label-studio.lock")
_WORDS = 15
"""Last lines of a failed command that are shown."""


def install_label_studio(cache_dir: Path, progress: Callable[[str], None] = lambda words: None) -> Path:
    """The `label-studio` program, installed on the first call (about 1 GB, two minutes).

    progress: called with how far it is. Raises AtlasError with pip's last words when that fails; the next
    call tries again.
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
            options = ["--progress-bar=off", "--no-deps", "--require-hashes", "--requirement", str(LOCK)]
            _run([*pip, *options], pip_steps(progress))
            complete.touch()
    return program


def is_installed(cache_dir: Path) -> bool:
    return any(cache_dir.glob("label-studio-py*/complete"))


def pip_steps(progress: Callable[[str], None]) -> Callable[[str], None]:
    """Of pip's lines, those that say how far it is: a package after the other, then all are put in place."""
    packages = sum(line[:1].isalpha() for line in LOCK.read_text().splitlines())
    fetched = 0

    def read(line: str) -> None:
        nonlocal fetched
        if found := re.match(r"Collecting (\S+?)==", line):
            fetched += 1
            progress(f"package {fetched} of {packages}: {found[1]}")
        elif line.startswith("Installing collected packages"):
            progress(f"putting {packages} packages in place, the longest part")

    return read


def _run(command: list[str], read: Callable[[str], None] = lambda line: None) -> None:
    """read: is given each line of the output."""
    last: deque[str] = deque(maxlen=_WORDS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.rstrip())
            read(line)
    if process.returncode:
        raise AtlasError(f"`{' '.join(command)}` failed:\n" + "\n".join(last))
