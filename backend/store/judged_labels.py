"""What people said on a page of labels that looked wrong, and of tasks that are worth a second opinion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from backend.store.files import Files
from backend.store.kept_json import UNREADABLE
from backend.store.paths import exclusive

FILE, OPINIONS = "judged-labels.json", "settled-tasks.json"
"""Of labels that looked wrong, and of what was sent back; and of tasks that need no second opinion."""
ACCEPTED, SENT_BACK, OPENED = "accepted", "sent back", "opened"
"""It is right as it is; somebody else is to answer it; Label Studio serves it to somebody else."""
RETURNED = (SENT_BACK, OPENED)
Judged = dict[int, tuple[str, str]]
"""By task: the verdict, and the label that it is about."""


class JudgedLabels:
    """Of one project. Raises ModelStoreError where that fails."""

    def __init__(self, files: Files, directory: Path, file: str = FILE):
        """directory: of the project on this machine, where who changes it waits for the others."""
        self._files = files
        self._directory = directory
        self._file = file

    def read(self) -> Judged:
        """{} where there are none, or they cannot be read."""
        try:
            found: Any = json.loads(self._files.read(self._file))
            return {int(task): (str(verdict), str(label)) for task, (verdict, label) in found.items()}
        except UNREADABLE:
            return {}

    def judge(self, task: int, verdict: str, label: str) -> None:
        with exclusive(self._directory, "judged"):
            self._write({**self.read(), task: (verdict, label)})

    def opened(self, tasks: Sequence[int]) -> None:
        """Label Studio serves these to somebody else now."""
        with exclusive(self._directory, "judged"):
            judged = self.read()
            self._write({**judged, **{task: (OPENED, judged.get(task, ("", ""))[1]) for task in tasks}})

    def answered(self, labelled: AbstractSet[int]) -> None:
        """Forget those that were opened and are finished again. labelled: tasks that are finished."""
        if any(verdict == OPENED and task in labelled for task, (verdict, _) in self.read().items()):
            with exclusive(self._directory, "judged"):
                judged = self.read().items()
                self._write({t: (v, label) for t, (v, label) in judged if v != OPENED or t not in labelled})

    def forget(self, task: int) -> None:
        with exclusive(self._directory, "judged"):
            self._write({each: found for each, found in self.read().items() if each != task})

    def _write(self, judged: Judged) -> None:
        self._files.write(self._file, json.dumps(judged).encode())
