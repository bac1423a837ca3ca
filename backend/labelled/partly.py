"""The texts, or images, of a file or folder of which some, all or none are labelled: those with a label
teach, the rest waits."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import AtlasError
from backend.labelled.field_values import ByItem, check_there
from backend.labelled.load import distinct, rows_of
from backend.labelled.pictures import read_unlabelled
from backend.labelled.rows import Rows, Waiting
from backend.labelled.split import Row
from backend.labelled.things import IMAGES, Things


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
    def fields(self) -> ByItem:
        """See `Rows`: of all files, the first one's where several have a text."""
        return ChainMap(*(rows.fields for _, rows in self.read))

    @property
    def places(self) -> str:
        """What `Waiting.place` numbers."""
        return self.read[0][1].places

    @property
    def are_numbered(self) -> bool:
        """Whether people know them by `Waiting.place`: a file has its name."""
        return self.places != "file"

    @property
    def things(self) -> Things:
        return self.read[0][1].things


def load_partly(
    file: Path,
    labels: Sequence[Path] = (),
    text_field: str | None = None,
    control: str | None = None,
    unlabelled: Sequence[Path] = (),
    image_folder: Path | None = None,
    fields: Sequence[str] = (),
) -> PartlyLabelled:
    """Read what `load` reads, but labels may be missing, and a column of them, too; of a folder of images
    those wait that lie in none of its folders.

    labels: other files, or folders, with labelled ones; theirs without a label do not wait. unlabelled: other
    folders of images, all of which wait. fields: as of `load`.
    Raises AtlasError, naming the file and what to do, for any other file, and where none waits.
    """
    needed = {"label_needed": False, "control_needed": not labels, "fields": fields}
    first = rows_of(file, text_field, control, image_folder, **needed)
    read = [(file, first), *((path, _unlabelled(path, first)) for path in unlabelled)]
    waiting = [each for _, rows in read for each in rows.waiting]
    for path in labels:
        folder = file if image_folder is None and file.is_dir() else image_folder
        read.append((path, rows_of(path, text_field, control, folder, fields=fields)))
        if not read[-1][1].labelled:
            raise AtlasError(f"{path}: nothing in it has a label: label some, or leave this --labels out")
        there, here = read[-1][1].things, first.things
        if there is not here:
            raise AtlasError(f"{path} holds {there.many}, {file} {here.many}: name files of one kind")
    labelled = distinct([row for _, rows in read for row in rows.labelled], first.things)
    kept = _distinct_waiting(waiting, labelled, first.things)
    if not kept:
        raise AtlasError(f"{file}: {_why_none_waits(first, len(waiting))}")
    try:
        check_there(first.fields, fields, [each.text for each in kept], first.things.row)
    except AtlasError as error:
        raise AtlasError(f"{file}: {error}") from error
    return PartlyLabelled(labelled, kept, len(waiting) - len(kept), read)


def _unlabelled(folder: Path, first: Rows) -> Rows:
    if first.things is not IMAGES:
        raise AtlasError(
            "--unlabelled is for folders of images; of texts, the rows without a label are chosen from"
        )
    try:
        return read_unlabelled(folder)
    except AtlasError as error:
        raise AtlasError(f"{folder}: {error}") from error


def _distinct_waiting(waiting: Sequence[Waiting], labelled: Sequence[Row], things: Things) -> list[Waiting]:
    """Each once, and none whose label is known."""
    known = {things.content_of(item) for item, _ in labelled}
    first: dict[str, Waiting] = {}
    for each in waiting:
        content = things.content_of(each.text)
        if content not in known:
            first.setdefault(content, each)
    return list(first.values())


def _why_none_waits(rows: Rows, waiting: int) -> str:
    if waiting:
        return f"every {rows.things.one} without a label is labelled already: there is none to choose from"
    if rows.things is IMAGES and rows.form == "images":
        return (
            "no image in it is without a label: those to choose from lie in the folder itself, not in one of "
            "its folders, or in another, named with --unlabelled"
        )
    if rows.labelled:
        return (
            f"all its {rows.things.many} have a label ({rows.source}): those to choose from are its rows "
            "whose label is empty"
        )
    return f"no row has a text ({rows.source})"
