"""Labelled texts for the demo."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from backend.errors import AtlasError

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
    rows = _read(path or HEADLINES)
    random.Random(seed).shuffle(rows)
    held_out: list[tuple[str, str]] = []
    pool: list[tuple[str, str]] = []
    per_class = Counter(label for _, label in rows)
    share = min(0.2, MAX_HELD_OUT / len(rows))
    taken: Counter[str] = Counter()
    for text, label in rows:
        target = held_out if taken[label] < share * per_class[label] else pool
        if target is held_out:
            taken[label] += 1
        target.append((text, label))
    if len({label for _, label in pool}) < 2:
        raise AtlasError("the data needs at least two classes with two texts each")
    return DemoData(pool, held_out)


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        if not {"text", "label"} <= set(reader.fieldnames or ()):
            raise AtlasError(f"{path} needs the columns text,label in its first line")
        return [(row["text"], row["label"]) for row in reader if row["text"] and row["label"]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AtlasError(f"{path} cannot be read as CSV: {error}") from error
