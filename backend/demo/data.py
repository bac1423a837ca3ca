"""Labelled texts, or images, for the demo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from backend import labelled
from backend.demo.asked import BOXES, CLASSES, MASKS, SPANS, Asked
from backend.demo.marked import drawn_boxes, drawn_masks, sentences
from backend.demo.objects import BY_THINGS, ImageObjects, Objects, TextObjects
from backend.labelled import LabelledTexts, hold_out

HEADLINES = Path(__file__).with_name("headlines.csv")
"""800 headlines, 120 of them on disasters, written for this project."""
MAX_HELD_OUT = 500
"""Texts kept out of Label Studio to measure on: enough for a curve, quick to predict each round."""


@dataclass(frozen=True)
class DemoData:
    """`pool` goes into Label Studio, without the answers; `held_out` is what progress is measured on, where
    there is any."""

    pool: list[tuple[str, str]]
    held_out: list[tuple[str, str]]
    objects: Objects = field(default_factory=TextObjects)
    asked: Asked = CLASSES

    @cached_property
    def labels(self) -> list[str]:
        answers = (answer for _, answer in self.pool + self.held_out)
        return sorted({label for answer in answers for label in self.asked.found_in(answer)})

    @cached_property
    def rare(self) -> str:
        """The least frequent label of the pool."""
        counts = Counter(label for _, answer in self.pool for label in self.asked.found_in(answer))
        return min(self.labels, key=lambda label: (counts[label], label))

    @cached_property
    def rare_share(self) -> float:
        """How many of them an item has on average."""
        return self.rare_in(answer for _, answer in self.pool) / len(self.pool)

    def rare_in(self, answers: Iterable[str]) -> int:
        """How often the rare label is in them."""
        return sum(self.asked.found_in(answer).count(self.rare) for answer in answers)


def read(path: Path | None, text_field: str | None = None, control: str | None = None) -> LabelledTexts:
    """What a person's file or folder holds, or our headlines. Raises AtlasError as `labelled.load` does."""
    return labelled.load(path or HEADLINES, text_field, control)


def split(texts: LabelledTexts, seed: int) -> DemoData:
    """Hold out a fifth of each class."""
    return DemoData(*hold_out(texts.rows, 0.2, MAX_HELD_OUT, seed), BY_THINGS[texts.things.many])


def marked(kind: str, cache_dir: Path) -> DemoData:
    """Items with parts to mark: spans, boxes or masks. None are held out: how well parts are found, the
    backend itself tells out of fold."""
    if kind == "spans":
        return DemoData(sentences(), [], TextObjects(), SPANS)
    pool, asked = (drawn_boxes(cache_dir), BOXES) if kind == "boxes" else (drawn_masks(cache_dir), MASKS)
    return DemoData(pool, [], ImageObjects(), asked)


def load(path: Path | None, seed: int) -> DemoData:
    """Both."""
    return split(read(path), seed)
