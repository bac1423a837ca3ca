"""One parent for several processes: starts them, watches them, ends them."""

from __future__ import annotations

import ctypes
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from backend.errors import AtlasError

logger = logging.getLogger(__name__)

STOP_SECONDS = 30
"""How long a process may take to end after TERM before it is killed."""
HAND_BACK_SECONDS = 5
"""How long after a second TERM."""
POLL_SECONDS = 0.2
RESTART_SECONDS = (1, 2, 4, 8, 16, 30)
"""How long a part that died is left alone, each time it died soon after its start."""
SOON = 60
"""Seconds."""
_PR_SET_PDEATHSIG = 1


class ProcessDied(AtlasError):
    """A supervised process ended by itself, or never became ready."""


@dataclass
class Child:
    """A started process. `log` is where its output goes; None means to our own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    spawn: Callable[[], subprocess.Popen[bytes]]
    started: float
    deaths: int = 0
    """In a row, each soon after its start."""
    due: float | None = None
    """When it is to be started again, by the monotonic clock; None while it runs."""
    mend: Callable[[], bool] = lambda: False
    """Removes what kept it from running, once it has ended by itself; returns whether there was something."""

    def died(self) -> ProcessDied:
        return ProcessDied(
            f"{self.name} ended by itself (exit code {self.process.returncode}).{self._end_of_log()}"
        )

    def late(self, seconds: float) -> ProcessDied:
        """It was not ready after so long."""
        return ProcessDied(
            f"{self.name} was not ready within {seconds:.0f} s. Where this machine has much to do just now, "
            f"run it again when that is done; else see what it said.{self._end_of_log()}"
        )

    def _end_of_log(self) -> str:
        if self.log is None or not self.log.exists():
            return ""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join(["", f"{self.log}:", *lines])


class Supervisor:
    """Use as a context manager: on the way out every child is stopped, the last started first."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._stop_asked = False
        self.cleanup = ExitStack()
        """What is to be undone once all children have ended."""

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *error: object) -> None:
        for child in reversed(self.children):
            _stop(child.process)
        self.cleanup.close()

    def start(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        log: Path | None = None,
        ready: Callable[[], bool] | None = None,
        mend: Callable[[], bool] = lambda: False,
        timeout: float = 60,
    ) -> Child:
        """Start a process and wait until `ready()` holds. mend: see `Child`; then it is started once more.

        Raises ProcessDied, with the end of its log, when it ends before that or takes too long.
        """

        def spawn() -> subprocess.Popen[bytes]:
            with open(log, "ab") if log is not None else nullcontext() as output:
                return subprocess.Popen(
                    command,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT if output else None,
                    start_new_session=True,  # Ctrl-C reaches this parent alone, which stops all in order
                    preexec_fn=die_with_parent,
                )

        child = Child(name, spawn(), log, spawn, time.monotonic(), mend=mend)
        self.children.append(child)
        deadline, is_mended = time.monotonic() + timeout, False
        while ready is not None and not ready():
            if child.process.poll() is not None:
                if is_mended or not mend():
                    raise child.died()
                child.process, is_mended = spawn(), True
            if time.monotonic() > deadline:
                raise child.late(timeout)
            time.sleep(POLL_SECONDS)
        return child

    def check(self) -> None:
        """Raises ProcessDied when a child has ended by itself."""
        for child in self.children:
            if child.process.poll() is not None:
                raise child.died()

    def wait(self) -> None:
        """Until Ctrl-C or TERM. Raises ProcessDied as soon as a child ends by itself."""
        while not self._stop_asked:
            self.check()
            time.sleep(POLL_SECONDS)

    def keep_running(self) -> None:
        """Until Ctrl-C or TERM, start again what ends by itself: a part that is killed, or loses Redis."""
        while not self._stop_asked:
            for child in self.children:
                if child.process.poll() is not None:
                    _revive(child)
            time.sleep(POLL_SECONDS)

    def stop_on_signals(self) -> None:
        """TERM and Ctrl-C end `wait`, and stop whatever is being waited for by KeyboardInterrupt."""
        signal.signal(signal.SIGTERM, self._ask_stop)
        signal.signal(signal.SIGINT, self._ask_stop)

    def _ask_stop(self, signum: int, frame: FrameType | None) -> None:
        if not self._stop_asked:
            self._stop_asked = True
            raise KeyboardInterrupt


def _revive(child: Child) -> None:
    now = time.monotonic()
    if child.due is None:
        child.deaths = child.deaths + 1 if now - child.started < SOON else 1
        wait = RESTART_SECONDS[min(child.deaths, len(RESTART_SECONDS)) - 1]
        child.due = now + wait
        logger.error("%s ended by itself (%s); again in %d s", child.name, child.process.returncode, wait)
    elif now >= child.due:
        child.mend()
        child.process, child.started, child.due = child.spawn(), now, None


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            process.terminate()  # at the second one a worker hands its job back
        try:
            process.wait(HAND_BACK_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def die_with_parent() -> None:
    """TERM for this process when its parent dies, even by kill -9: nothing is left behind. (On Linux.)"""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
