"""What processes hold, read from /proc, and whether that grows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


def resident(pid: int) -> float:
    """MB of RAM that a process holds of its own or shares; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@dataclass
class Curve:
    """A quantity over time. `minutes` and `values` grow together."""

    name: str
    unit: str = "MB"
    minutes: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def note(self, minute: float, value: float) -> None:
        self.minutes.append(minute)
        self.values.append(value)

    def near(self, minute: float) -> float:
        return self.values[int(np.abs(np.array(self.minutes) - minute).argmin())]

    def slope(self, since: float) -> float:
        """Units per hour, by least squares, from this minute on."""
        minutes, values = np.array(self.minutes), np.array(self.values)
        late = minutes >= since
        return float(np.polyfit(minutes[late] / 60, values[late], 1)[0]) if late.sum() > 2 else float("nan")
