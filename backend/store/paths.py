"""Where things lie below DATA_DIR."""

from __future__ import annotations

import os
from pathlib import Path


def project_dir(data_dir: Path, project_id: int) -> Path:
    return data_dir / "projects" / str(project_id)


def project_ids(data_dir: Path) -> list[int]:
    """The projects that something is kept of."""
    return sorted(int(path.name) for path in data_dir.glob("projects/*") if path.name.isdecimal())


def path_below_data_dir(directory: Path) -> str:
    """Of a folder that `project_dir` gave, or of one below it: projects/3/features."""
    parts = directory.parts
    return "/".join(parts[len(parts) - 1 - parts[::-1].index("projects") :])


def write_atomically(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, never half of it, even after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
