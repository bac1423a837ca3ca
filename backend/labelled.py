"""Labelled texts from a CSV file, and a part of them held out to measure on."""

from __future__ import annotations

import csv
import gzip
import io
import math
import random
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from backend.errors import AtlasError

Row = tuple[str, str]
"""A text and its label."""


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked where its name ends with .gz. Raises AtlasError when it cannot be read."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise AtlasError(f"{path} cannot be read: {error}") from error


def read_csv(path: Path, text: str = "text", label: str = "label") -> list[Row]:
    """The rows of a CSV (or .csv.gz) that have both a text and a label, white space around them cut off.

    text, label: the columns' names. Raises AtlasError, naming what is missing, for any other file.
    """
    try:
        reader = csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""))
        missing = [name for name in (text, label) if name not in (reader.fieldnames or ())]
        if missing:
            found = ", ".join(reader.fieldnames or ()) or "nothing"
            raise AtlasError(
                f"{path} needs the columns {text},{label} in its first line; "
                f"{', '.join(missing)} is missing, found: {found[:200]}"
            )
        rows = [((row[text] or "").strip(), (row[label] or "").strip()) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise AtlasError(f"{path} cannot be read as CSV: {error}") from error
    return [row for row in rows if all(row)]


def hold_out(rows: Sequence[Row], share: float, limit: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Split into a pool and a held-out part with about `share`, or `limit` texts, of each class.

    Every class with two texts or more has one in each part; a single text goes into the pool.
    Raises AtlasError when fewer than two classes have two texts.
    """
    per_class = Counter(label for _, label in rows)
    if sum(count > 1 for count in per_class.values()) < 2:
        raise AtlasError("the data needs at least two classes with two texts each")
    share = min(share, limit / len(rows))
    wanted = {label: min(math.ceil(share * count), count - 1) for label, count in per_class.items()}
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    pool: list[Row] = []
    held_out: list[Row] = []
    for row in shuffled:
        part = held_out if wanted[row[1]] > 0 else pool
        wanted[row[1]] -= 1
        part.append(row)
    return pool, held_out
