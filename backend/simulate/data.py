"""The labelled texts of a file, whatever its form, each text once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from backend.errors import AtlasError
from backend.labelled import Row, read_bytes, read_csv
from backend.labelstudio.export import read_export


@dataclass(frozen=True)
class LabelledTexts:
    """rows: distinct texts with their labels; duplicates: rows merged into another with the same text;
    source: which field and which control they came from, in words."""

    rows: list[Row]
    duplicates: int
    source: str

    @property
    def per_class(self) -> dict[str, int]:
        """Texts per class, the rarest first."""
        counts = Counter(label for _, label in self.rows)
        return dict(sorted(counts.items(), key=lambda item: (item[1], item[0])))


def load(path: Path, text_field: str | None = None, control: str | None = None) -> LabelledTexts:
    """Read a CSV, or the JSON export of a Label Studio project (.json), either also as .gz.

    text_field, control: for a CSV the columns' names, for an export see `read_export`.
    Raises AtlasError, naming what is missing, for any other file.
    """
    if path.name.removesuffix(".gz").endswith(".json"):
        try:
            scheme, rows = read_export(json.loads(read_bytes(path)), text_field, control)
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise AtlasError(f"{path} cannot be read as JSON: {error}") from error
        except AtlasError as error:
            raise AtlasError(f"{path}: {error}") from error
        source = f"field {scheme.field}, control {scheme.from_name}"
    else:
        text, label = text_field or "text", control or "label"
        rows = read_csv(path, text, label)
        source = f"columns {text} and {label}"
    if not rows:
        raise AtlasError(f"{path} has no row with both a text and a label")
    distinct = _distinct(rows)
    return LabelledTexts(distinct, len(rows) - len(distinct), source)


def _distinct(rows: list[Row]) -> list[Row]:
    """Each text once, with its most frequent label: a copy among the held-out texts would give them away."""
    first: dict[str, str] = {}
    votes: dict[str, Counter[str]] = {}
    for text, label in rows:
        key = " ".join(text.lower().split())  # what the encoder can tell apart
        first.setdefault(key, text)
        votes.setdefault(key, Counter())[label] += 1
    return [(text, votes[key].most_common(1)[0][0]) for key, text in first.items()]
