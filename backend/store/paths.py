"""Where things lie below DATA_DIR."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import NotConfigured

OTHERS = 0o007
"""Rights of those who are neither the folder's owner nor of its group."""


def make_data_dir(data_dir: Path) -> None:
    """Make the folder if it is not there, and close it to other users: it holds the tasks' texts.

    Raises NotConfigured where it cannot be made, or written to.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = data_dir.stat().st_mode
        if mode & OTHERS and data_dir.stat().st_uid == os.geteuid():
            data_dir.chmod(mode & ~OTHERS)
        if not os.access(data_dir, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise NotConfigured(
            f"DATA_DIR={data_dir} cannot be used ({error.strerror}): "
            "set DATA_DIR to a folder that this user may write to"
        ) from error


def is_own(data_dir: Path) -> bool:
    """Whether this user may make files there that the backend's own user can write: it is the same user."""
    return not data_dir.exists() or data_dir.stat().st_uid == os.geteuid()


def project_dir(data_dir: Path, project_id: int) -> Path:
    return data_dir / "projects" / str(project_id)


def project_ids(data_dir: Path) -> list[int]:
    """The projects that something is kept of."""
    return sorted(int(path.name) for path in data_dir.glob("projects/*") if path.name.isdecimal())


@contextmanager
def exclusive(directory: Path, work: str) -> Iterator[None]:
    """One at a time does this work in the directory; others wait. Ends with the process that does it."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f"{work}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def path_below_data_dir(directory: Path) -> str:
    """Of a folder that `project_dir` gave, or of one below it: projects/3/features."""
    parts = directory.parts
    return "/".join(parts[len(parts) - 1 - parts[::-1].index("projects") :])


PRIVATE = ".private.json"
"""How names of files end that hold somebody's password: nobody but their owner reads them."""


def write_atomically(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, never half of it, even after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    rights = 0o600 if path.name.endswith(PRIVATE) else 0o666
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, rights), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:  # such as a full disk
        temporary.unlink(missing_ok=True)
        raise
