"""A wrapped backend's user and password, typed in a terminal: the password is not shown."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

PROGRAM = "from backend.doctor.commands import _credentials; print(_credentials('http://yolo:9090'))"


def read_until(terminal: int, mark: str) -> str:
    """What the terminal shows up to there, the mark included; all of it where it ends before."""
    shown = b""
    while mark.encode() not in shown:
        try:
            shown += os.read(terminal, 1000)
        except OSError:  # nobody writes to it any more
            break
    return shown.decode()


def test_user_and_password_are_asked_for_in_a_terminal_and_the_password_is_not_shown() -> None:
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(other)
    try:
        assert "http://yolo:9090 wants a user and a password." in read_until(terminal, "User: ")
        os.write(terminal, b"ml\n")
        read_until(terminal, "Password: ")
        os.write(terminal, b"secret7\n")
        *before, last = read_until(terminal, "('ml', 'secret7')").strip().splitlines()
        assert last == "('ml', 'secret7')"
        assert "secret7" not in "".join(before)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
