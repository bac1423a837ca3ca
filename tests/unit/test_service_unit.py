"""The systemd unit of docs/service.md: systemd itself accepts it, and it starts a command that there is."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from backend.cli import main
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings

UNIT = Path(__file__).parents[2] / "scripts" / "label-studio-atlas.service"


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT)
    return parser


def test_it_runs_a_command_of_ours_with_settings_of_ours() -> None:
    service = unit()["Service"]
    program, command = service["ExecStart"].rsplit(maxsplit=1)
    assert program.endswith("/.venv/bin/label-studio-atlas")
    assert command in main.commands
    named = [assignment.split("=")[0] for assignment in service["Environment"].split()]
    assert set(named) - {"HOME"} <= {name.upper() for name in Settings.model_fields}
    assert f"DATA_DIR=/var/lib/{service['StateDirectory']}" in service["Environment"].split()


def test_it_stops_in_order_and_has_time_for_it() -> None:
    from backend.running.supervisor import HAND_BACK_SECONDS, STOP_SECONDS

    service = unit()["Service"]
    assert service["KillMode"] == "mixed"
    # Its parts are told to stop one after the other, the longest of them being the two workers.
    assert int(service["TimeoutStopSec"]) > 2 * (STOP_SECONDS + HAND_BACK_SECONDS)


def test_commands_outside_the_unit_reach_its_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`doctor` and `connect` are started outside its private /tmp: the socket must lie elsewhere."""
    service = unit()["Service"]
    assert service["PrivateTmp"] == "yes"
    assert service["RuntimeDirectoryMode"] == "0700"
    with tempfile.TemporaryDirectory() as short:  # a socket's path may not be long
        monkeypatch.setenv("RUNTIME_DIRECTORY", f"{short}:/run/another")  # as systemd sets it
        with Supervisor() as supervisor:
            url = start_redis(supervisor, tmp_path, dict(os.environ))
            socket = Path(url.removeprefix("unix://"))
            assert socket.is_socket()
            assert socket.parent.parent == Path(short)
    assert service["RuntimeDirectory"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_accepts_it(tmp_path: Path) -> None:
    content = UNIT.read_text().replace("/opt/label-studio-atlas/.venv/bin/label-studio-atlas", sys.executable)
    copy = tmp_path / UNIT.name
    copy.write_text(content)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    told = [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line]
    assert done.returncode == 0, done.stderr
    assert told == []
