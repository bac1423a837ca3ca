"""The texts of a file of which some, all or none are labelled: those with a label teach, the rest waits."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import AtlasError
from backend.labelled.decoding import decode_file
from backend.labelled.load import content_of, distinct
from backend.labelled.rows import Rows, Waiting, read_rows
from backend.labelled.split import Row


@dataclass(frozen=True)
class PartlyLabelled:
    """labelled: distinct texts with their labels; waiting: distinct other texts, in the file's order;
    repeats: rows without a label whose text is labelled, or waits, elsewhere; read: what was read of each
    file, the one with the waiting texts first."""

    labelled: list[Row]
    waiting: list[Waiting]
    repeats: int
    read: list[tuple[Path, Rows]]

    @property
    def places(self) -> str:
        """What `Waiting.place` numbers."""
        return self.read[0][1].places


def load_partly(
    file: Path, labels: Sequence[Path] = (), text_field: str | None = None, control: str | None = None
) -> PartlyLabelled:
    """Read what `load` reads, but labels may be missing, and a column of them, too.

    labels: other files with labelled texts; their texts without a label do not wait.
    Raises AtlasError, naming the file and what to do, for any other file, and where no text waits.
    """
    read = [(file, _rows(file, text_field, control, label_needed=False, control_needed=not labels))]
    for path in labels:
        read.append((path, _rows(path, text_field, control)))
        if not read[-1][1].labelled:
            raise AtlasError(f"{path}: no text in it has a label: label some, or leave this --labels out")
    labelled = distinct([row for _, rows in read for row in rows.labelled])
    waiting = _distinct_waiting(read[0][1].waiting, labelled)
    if not waiting:
        raise AtlasError(f"{file}: {_why_none_waits(read[0][1])}")
    return PartlyLabelled(labelled, waiting, len(read[0][1].waiting) - len(waiting), read)


def _rows(path: Path, text_field: str | None, control: str | None, **needed: bool) -> Rows:
    decoded = decode_file(path)
    try:
        return read_rows(decoded, text_field, control, **needed)
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}") from error
    except csv.Error as error:
        raise AtlasError(f"{path} cannot be read: {error}") from error


def _distinct_waiting(waiting: Sequence[Waiting], labelled: Sequence[Row]) -> list[Waiting]:
    """Each text once, and none whose label is known."""
    known = {content_of(text) for text, _ in labelled}
    first: dict[str, Waiting] = {}
    for each in waiting:
        content = content_of(each.text)
        if content not in known:
            first.setdefault(content, each)
    return list(first.values())


def _why_none_waits(rows: Rows) -> str:
    if rows.waiting:
        return "the text of every row without a label is labelled already: there is none to choose from"
    if rows.labelled:
        return (
            f"all its texts have a label ({rows.source}): the texts to choose from are its rows whose label "
            "is empty"
        )
    return f"no row has a text ({rows.source})"
