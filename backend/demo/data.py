"""Labelled texts, or images, for the demo."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from backend import labelled
from backend.demo.objects import BY_THINGS, Objects, TextObjects
from backend.labelled import LabelledTexts, hold_out

HEADLINES = Path(__file__).with_name("headlines.csv")
"""800 headlines, 120 of them on disasters, written for this project."""
MAX_HELD_OUT = 500
"""Texts kept out of Label Studio to measure on: enough for a curve, quick to predict each round."""


@dataclass(frozen=True)
class DemoData:
    """`pool` goes into Label Studio, without the labels; `held_out` is what progress is measured on."""

    pool: list[tuple[str, str]]
    held_out: list[tuple[str, str]]
    objects: Objects = field(default_factory=TextObjects)

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


def read(path: Path | None, text_field: str | None = None, control: str | None = None) -> LabelledTexts:
    """What a person's file or folder holds, or our headlines. Raises AtlasError as `labelled.load` does."""
    return labelled.load(path or HEADLINES, text_field, control)


def split(texts: LabelledTexts, seed: int) -> DemoData:
    """Hold out a fifth of each class."""
    return DemoData(*hold_out(texts.rows, 0.2, MAX_HELD_OUT, seed), BY_THINGS[texts.things.many])


def load(path: Path | None, seed: int) -> DemoData:
    """Both."""
    return split(read(path), seed)
