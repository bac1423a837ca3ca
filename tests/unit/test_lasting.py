"""What a process keeps to its end is none of the collector's business; what it owes at its end is done."""

from __future__ import annotations

import subprocess
import sys

import pytest

from backend.running.backend import inherited_environment

PROGRAM = """
import atexit, gc, sys
from backend.lasting import end_quickly, lasting
if sys.argv[1] == "off":
    gc.disable()
with lasting():
    print(gc.isenabled())
    made = [[] for _ in range(50_000)]
print(gc.isenabled(), gc.get_freeze_count() > 50_000, len(gc.get_objects()) < 1_000)
atexit.register(lambda: print(len(gc.get_objects())))
end_quickly()
end_quickly()
atexit.register(lambda: print("closed in order"))
more = [[] for _ in range(50_000)]
more.append(more)
kept = open(sys.argv[2], "w")
kept.write("whole")
"""


def said(state: str, file: object) -> list[str]:
    """What it prints, line by line."""
    command = [sys.executable, "-c", PROGRAM, state, str(file)]
    done = subprocess.run(command, env=inherited_environment(), text=True, capture_output=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("state", ["on", "off"])
def test_the_collector_passes_over_what_lasts_and_works_on_as_before(state: str, tmp_path) -> None:
    lines = said(state, tmp_path / "file")
    assert lines[:2] == ["False", f"{state == 'on'} True True"]


def test_at_the_end_nothing_is_left_to_look_through_and_what_is_open_is_written(tmp_path) -> None:
    *_, closing, left = said("on", tmp_path / "file")
    assert closing == "closed in order"
    assert int(left) < 1_000
    assert (tmp_path / "file").read_text() == "whole"
