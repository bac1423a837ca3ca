"""How long each stage of a job took."""

from __future__ import annotations

import time


class Laps:
    """Begins when it is made; each stage ends with `end`."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.seconds: dict[str, float] = {}
        """By stage, in the order in which they ended."""

    def end(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = round(now - self._began, 3)
        self._began = now
