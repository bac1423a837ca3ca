"""What a demo leaves behind for the next one, so that nothing a person labelled in it is lost.

DATA_DIR/demo holds Label Studio's own data, the backend's, and `demo.json` with logins and projects.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from backend.demo.data import DemoData
from backend.errors import AtlasError
from backend.store.paths import write_atomically

FILE = "demo.json"
LABEL_STUDIO = "label-studio"
_BEGUN = "begun"
"""Marks a demo in which nobody can have labelled yet: it may go without asking."""


@dataclass(frozen=True)
class Login:
    """A user of the demo's Label Studio; token: a legacy one, for its API."""

    email: str
    password: str
    token: str


@dataclass
class KeptDemo:
    """api_key: the backend's; projects: by the digest of their texts, Label Studio's number and task ids;
    environment: what a shell needs to be the running demo's (`doctor` takes it)."""

    admin: Login
    api_key: str
    members: list[Login] = field(default_factory=list)
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def save(self, directory: Path) -> None:
        """Readable by this user alone: it holds passwords."""
        write_atomically(directory / FILE, json.dumps(asdict(self), indent=2).encode())
        os.chmod(directory / FILE, 0o600)


def begin(directory: Path, *, fresh: bool) -> KeptDemo | None:
    """The kept demo to go on with; None where a new one begins, in a folder that holds nothing else.

    fresh: delete what is there. Raises AtlasError for a demo that cannot be gone on with.
    """
    if fresh or (directory / _BEGUN).exists():
        _empty(directory)
    kept = read(directory)
    if kept is None and (directory / LABEL_STUDIO).exists():
        raise AtlasError(
            f"{directory} holds the Label Studio of a demo that this release cannot go on with. "
            "`label-studio-atlas demo --fresh` deletes it, with what was labelled in it, and starts anew; "
            "to keep it, move the folder away, or set DATA_DIR to another one."
        )
    if kept is None:
        (directory / _BEGUN).touch()
    return kept


def has_begun(directory: Path, kept: KeptDemo) -> None:
    """From now on somebody may label in it."""
    kept.save(directory)
    (directory / _BEGUN).unlink(missing_ok=True)


def read(directory: Path) -> KeptDemo | None:
    """None where there is none, or one that cannot be read."""
    try:
        found = json.loads((directory / FILE).read_text("utf-8"))
        found["admin"] = Login(**found["admin"])
        found["members"] = [Login(**member) for member in found["members"]]
        kept = KeptDemo(**found)
        known = (*kept.projects.values(), kept.projects, kept.environment)
        return kept if all(isinstance(each, dict) for each in known) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def running(data_dir: Path) -> KeptDemo | None:
    """The demo that runs on this machine below `data_dir`, None where none does."""
    return read(data_dir / "demo") if is_in_use(data_dir / "demo") else None


def is_in_use(data_dir: Path) -> bool:
    """Whether a process holds the lock of a data folder, as `up` and the demo do while they run."""
    try:
        with open(data_dir / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none
        pass
    return False


def digest_of(data: DemoData) -> str:
    """Of what goes into a project, and is asked there."""
    return hashlib.sha256(json.dumps(data.pool).encode()).hexdigest()[:16]


def _empty(directory: Path) -> None:
    for leftover in directory.iterdir():
        if leftover.name != "lock":
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
