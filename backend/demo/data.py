"""Labelled texts for the demo."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from backend.labelled import hold_out, read_csv

HEADLINES = Path(__file__).with_name("headlines.csv")
"""800 headlines, 120 of them on disasters, written for this project."""
MAX_HELD_OUT = 500
"""Texts kept out of Label Studio to measure on: enough for a curve, quick to predict each round."""


@dataclass(frozen=True)
class DemoData:
    """`pool` goes into Label Studio, without the labels; `held_out` is what progress is measured on."""

    pool: list[tuple[str, str]]
    held_out: list[tuple[str, str]]

    @property
    def labels(self) -> list[str]:
        return sorted({label for _, label in self.pool + self.held_out})

    @property
    def rare(self) -> str:
        """The least frequent class of the pool."""
        counts = Counter(label for _, label in self.pool)
        return min(self.labels, key=lambda label: (counts[label], label))

    @property
    def rare_share(self) -> float:
        return sum(label == self.rare for _, label in self.pool) / len(self.pool)


def load(path: Path | None, seed: int) -> DemoData:
    """Read a CSV with the columns text,label and hold out a fifth of each class.

    Raises AtlasError, naming what is missing, for a file that is not like that.
    """
    return DemoData(*hold_out(read_csv(path or HEADLINES), 0.2, MAX_HELD_OUT, seed))
