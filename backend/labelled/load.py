"""The labelled texts of a file, whatever its form, each text once; and what was left out of it, and why."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.errors import AtlasError
from backend.labelled.addressed import are_images, with_files
from backend.labelled.decoding import decode_file
from backend.labelled.field_values import check_there
from backend.labelled.pictures import read_folder
from backend.labelled.rows import Rows, read_rows
from backend.labelled.split import Row
from backend.labelled.things import TEXTS, Things

_NAMED = 5
"""Classes named in a warning."""


@dataclass(frozen=True)
class LabelledTexts:
    """rows: distinct texts with their labels; duplicates: rows merged into another with the same text;
    source: which columns, or which field and control, they came from, in words; form: the file's;
    dropped: how many rows were left out, by the reason; warnings: sentences on what looks like a mistake;
    things: what the rows are; fields: see `Rows`."""

    rows: list[Row]
    duplicates: int
    source: str
    form: str = ""
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    things: Things = TEXTS
    fields: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def per_class(self) -> dict[str, int]:
        """How many per class, the rarest first."""
        counts = Counter(label for _, label in self.rows)
        return dict(sorted(counts.items(), key=lambda item: (item[1], item[0])))


def load(
    path: Path,
    text_field: str | None = None,
    control: str | None = None,
    image_folder: Path | None = None,
    fields: Sequence[str] = (),
) -> LabelledTexts:
    """Read a CSV, JSON lines, or an export of a Label Studio project (JSON, JSON-MIN, CSV), also as .gz.

    text_field, control: the columns' names; for a JSON export see `read_export`. A row's text may be an
    image's address: the file is looked for beside what is read, and in image_folder.
    Or a folder of images, one folder in it per class; a row's text is then where the file lies.
    fields: columns, or fields of the tasks' data, of which to keep the values.
    Raises AtlasError, naming the file and what to do, for any other file, and for one in which fewer than
    two classes have two texts.
    """
    rows = rows_of(path, text_field, control, image_folder, fields=fields)
    try:
        texts = _distinct(rows)
        check_there(texts.fields, fields, [item for item, _ in texts.rows], texts.things.row)
        _check_classes(texts)
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}{_file_within(path)}") from error
    return texts


def _file_within(path: Path) -> str:
    """Of a folder in which the labels may lie in a file beside the images, what to do; else ""."""
    found = sorted(path.glob("*.json")) if path.is_dir() else []
    return f"; if {found[0]} holds the labels, give that file in the folder's place" if found else ""


def rows_of(
    path: Path,
    text_field: str | None,
    control: str | None,
    image_folder: Path | None = None,
    **needed: Any,
) -> Rows:
    """Of a folder of images, or a file, as of `load`. needed: as of `read_rows`. Raises AtlasError, naming
    the file and what to do."""
    decoded = None if path.is_dir() else decode_file(path)
    try:
        if decoded is None:
            return read_folder(path)
        rows = read_rows(decoded, text_field, control, **needed)
        folders = [path.parent, *([] if image_folder is None else [image_folder])]
        return with_files(rows, folders) if are_images(rows) else rows
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}") from error
    except csv.Error as error:
        raise AtlasError(f"{path} cannot be read: {error}") from error


def _distinct(found: Rows) -> LabelledTexts:
    dropped = found.dropped
    if found.waiting:
        dropped = {**dropped, "without a label": len(found.waiting)}
    if not found.labelled:
        why = "; ".join(in_words(dropped, found.things))
        raise AtlasError(f"it has {found.things.nothing_labelled} ({found.source}): {why}")
    rows = distinct(found.labelled, found.things)
    repeated = len(found.labelled) - len(rows)
    told = found.source, found.form, dropped, found.warnings, found.things
    texts = LabelledTexts(rows, repeated, *told, found.fields)
    texts.warnings.extend(_suspicions(texts))
    return texts


def distinct(rows: list[Row], things: Things) -> list[Row]:
    """Each once, with its most frequent label: a copy among the held-out ones would give them away."""
    first: dict[str, str] = {}
    votes: dict[str, Counter[str]] = {}
    for item, label in rows:
        content = things.content_of(item)
        first.setdefault(content, item)
        votes.setdefault(content, Counter())[label] += 1
    return [(item, votes[content].most_common(1)[0][0]) for content, item in first.items()]


def _check_classes(texts: LabelledTexts) -> None:
    counts, many = texts.per_class, texts.things.many
    if len(counts) == 1:
        raise AtlasError(
            f"all its {many} have one label, {next(iter(counts))!r} ({texts.source}); at least two classes "
            f"are needed, with two {many} each"
        )
    if sum(count > 1 for count in counts.values()) < 2:
        raise AtlasError(
            f"at least two classes with two {many} each are needed; it has {_listed(counts)} ({texts.source})"
        )


def _suspicions(texts: LabelledTexts) -> list[str]:
    """What in the classes looks like a mistake."""
    counts = texts.per_class
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
            f"{_listed(single)}: a class with one {texts.things.one} has none to be measured on, "
            "and cannot be found but by chance"
        )
    return found


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{name[:40]} ({count})" for name, count in list(counts.items())[:_NAMED]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def in_words(dropped: dict[str, int], things: Things) -> list[str]:
    """How many were left out and why: "6 rows without a label"."""
    return [
        f"{count:,} {things.row}{'' if count == 1 else 's'} {reason}" for reason, count in dropped.items()
    ]
