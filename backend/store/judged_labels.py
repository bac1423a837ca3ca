"""What people said of labels that looked wrong: by task, that the label is right, or is to be read again."""

from __future__ import annotations

import json
from typing import Any

from backend.store.files import Files

FILE = "judged-labels.json"
ACCEPTED, SENT_BACK = "accepted", "sent back"
Judged = dict[int, tuple[str, str]]
"""By task: the verdict, and the label that it is about."""


class JudgedLabels:
    """Of one project. Raises ModelStoreError where that fails."""

    def __init__(self, files: Files):
        self._files = files

    def read(self) -> Judged:
        """{} where there are none, or they cannot be read."""
        try:
            found: Any = json.loads(self._files.read(FILE))
            return {int(task): (str(verdict), str(label)) for task, (verdict, label) in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def judge(self, task: int, verdict: str, label: str) -> None:
        self._write({**self.read(), task: (verdict, label)})

    def forget(self, task: int) -> None:
        self._write({each: found for each, found in self.read().items() if each != task})

    def _write(self, judged: Judged) -> None:
        self._files.write(FILE, json.dumps(judged).encode())
