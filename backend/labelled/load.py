"""The labelled texts of a file, whatever its form, each text once; and what was left out of it, and why."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import AtlasError
from backend.labelled.decoding import Decoded, decode_file
from backend.labelled.pictures import read_pictures
from backend.labelled.rows import read_rows
from backend.labelled.split import Row

_NAMED = 5
"""Classes named in a warning."""


@dataclass(frozen=True)
class LabelledTexts:
    """rows: distinct texts with their labels; duplicates: rows merged into another with the same text;
    source: which columns, or which field and control, they came from, in words; form: the file's;
    dropped: how many rows were left out, by the reason; warnings: sentences on what looks like a mistake;
    things: what the rows are."""

    rows: list[Row]
    duplicates: int
    source: str
    form: str = ""
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    things: str = "texts"

    @property
    def per_class(self) -> dict[str, int]:
        """Texts per class, the rarest first."""
        counts = Counter(label for _, label in self.rows)
        return dict(sorted(counts.items(), key=lambda item: (item[1], item[0])))


def load(path: Path, text_field: str | None = None, control: str | None = None) -> LabelledTexts:
    """Read a CSV, JSON lines, or an export of a Label Studio project (JSON, JSON-MIN, CSV), also as .gz.

    text_field, control: the columns' names; for a JSON export see `read_export`.
    Or a folder of images, one folder in it per class; a row's text is then where the file lies.
    Raises AtlasError, naming the file and what to do, for any other file, and for one in which fewer than
    two classes have two texts.
    """
    decoded = None if path.is_dir() else decode_file(path)
    try:
        texts = _pictures(path) if decoded is None else _read(decoded, text_field, control)
        _check_classes(texts)
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}") from error
    except csv.Error as error:
        raise AtlasError(f"{path} cannot be read: {error}") from error
    return texts


def _pictures(folder: Path) -> LabelledTexts:
    rows, repeated, dropped = read_pictures(folder)
    found = LabelledTexts(rows, repeated, "files and their folders", "images", dropped, things="images")
    found.warnings.extend(_suspicions(found.per_class))
    return found


def _read(decoded: Decoded, text_field: str | None, control: str | None) -> LabelledTexts:
    found = read_rows(decoded, text_field, control)
    dropped = found.dropped
    if found.waiting:
        dropped = {**dropped, "without a label": len(found.waiting)}
    if not found.labelled:
        why = "; ".join(in_words(dropped))
        raise AtlasError(f"it has no row with both a text and a label ({found.source}): {why}")
    rows = distinct(found.labelled)
    repeated = len(found.labelled) - len(rows)
    texts = LabelledTexts(rows, repeated, found.source, found.form, dropped, found.warnings)
    texts.warnings.extend(_suspicions(texts.per_class))
    return texts


def content_of(text: str) -> str:
    """What the encoder can tell apart: texts with the same are one."""
    return " ".join(text.lower().split())


def distinct(rows: list[Row]) -> list[Row]:
    """Each text once, with its most frequent label: a copy among the held-out texts would give them away."""
    first: dict[str, str] = {}
    votes: dict[str, Counter[str]] = {}
    for text, label in rows:
        content = content_of(text)
        first.setdefault(content, text)
        votes.setdefault(content, Counter())[label] += 1
    return [(text, votes[content].most_common(1)[0][0]) for content, text in first.items()]


def _check_classes(texts: LabelledTexts) -> None:
    counts = texts.per_class
    if len(counts) == 1:
        raise AtlasError(
            f"all its texts have one label, {next(iter(counts))!r} ({texts.source}); at least two classes "
            "are needed, with two texts each"
        )
    if sum(count > 1 for count in counts.values()) < 2:
        raise AtlasError(
            f"at least two classes with two texts each are needed; it has {_listed(counts)} ({texts.source})"
        )


def _suspicions(counts: dict[str, int]) -> list[str]:
    """What in the classes looks like a mistake."""
    alike: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        alike.setdefault(" ".join(name.casefold().split()), {})[name] = count
    found = [
        f"these classes differ only in capitals or spaces, and are taken as different: {_listed(names)}"
        for names in alike.values()
        if len(names) > 1
    ]
    if single := {name: count for name, count in counts.items() if count == 1}:
        found.append(
            f"{_listed(single)}: a class with one text has none to be measured on, "
            "and cannot be found but by chance"
        )
    return found


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{name[:40]} ({count})" for name, count in list(counts.items())[:_NAMED]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def in_words(dropped: dict[str, int]) -> list[str]:
    """How many rows were left out and why: "6 rows without a label"."""
    return [f"{count:,} row{'' if count == 1 else 's'} {reason}" for reason, count in dropped.items()]
