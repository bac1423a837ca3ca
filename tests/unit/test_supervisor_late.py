"""A part that takes too long to start says so with the end of its log, and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backend.running.supervisor import ProcessDied, Supervisor


def test_one_that_is_not_ready_in_time_shows_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    log.write_text("waits for a lock\n")
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with Supervisor() as supervisor, pytest.raises(ProcessDied) as told:
        supervisor.start("The part", command, {"PATH": ""}, log=log, ready=lambda: False, timeout=0)
    said = str(told.value)
    assert said.startswith("The part was not ready within 0 s.")
    assert "run it again" in said
    assert said.endswith(f"{log}:\nwaits for a lock")
