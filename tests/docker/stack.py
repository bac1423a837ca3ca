"""The services of docker/compose.yaml, run by docker/rehearsal; and a way into their network."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
REHEARSAL = [sys.executable, str(REPOSITORY / "docker" / "rehearsal")]
_CLONE_NEWNET = 0x40000000


@dataclass
class Stack:
    """A running rehearsal, kept in `directory`; `env` is what its .env holds."""

    directory: Path
    env: dict[str, str]

    def execute(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """`docker compose exec`."""
        words = [*REHEARSAL, "exec", str(self.directory), service, *command]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def log(self, service: str) -> str:
        return (self.directory / "logs" / f"{service}.log").read_text()

    @contextmanager
    def network(self) -> Iterator[None]:
        """This thread is in the services' network meanwhile: their published ports are on localhost."""
        parent = (self.directory / "pid").read_text()
        child = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0]
        with open("/proc/thread-self/ns/net") as here, open(f"/proc/{child}/ns/net") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
