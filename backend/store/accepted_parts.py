"""Marked parts that looked wrong, or missing, and that people on a page called right as they are."""

from __future__ import annotations

import json
from pathlib import Path

from backend.store.files import Files
from backend.store.paths import exclusive

FILE = "accepted-parts.json"
AcceptedPart = tuple[int, str]
"""A task, and which part of it with which label."""


class AcceptedParts:
    """Of one project. Raises ModelStoreError where that fails."""

    def __init__(self, files: Files, directory: Path):
        """directory: of the project on this machine, where who changes it waits for the others."""
        self._files = files
        self._directory = directory

    def read(self) -> set[AcceptedPart]:
        """Empty where there are none, or they cannot be read."""
        try:
            return {(int(task), str(part)) for task, part in json.loads(self._files.read(FILE))}
        except (OSError, ValueError, TypeError):
            return set()

    def add(self, task: int, part: str) -> None:
        with exclusive(self._directory, "accepted"):
            self._files.write(FILE, json.dumps(sorted({*self.read(), (task, part)})).encode())
