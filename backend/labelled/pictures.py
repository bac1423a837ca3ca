"""Folders of images read as rows: where each file lies and, by the folder that it is in, its class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from backend.errors import AtlasError, NoContent
from backend.labelled.rows import Rows, Waiting
from backend.labelled.split import Row
from backend.labelled.things import IMAGES, content_at

NO_IMAGES = ("Thumbs.db", "desktop.ini")
"""Beside hidden files, what is passed over without a word."""


def read_folder(folder: Path) -> Rows:
    """`class/name.jpg` is labelled, at whatever depth below the class; a file in the folder itself waits.

    Raises AtlasError where there is no file at all.
    """
    labelled = [(str(path), each.name) for each in _folders(folder) for path in _files(each.rglob("*"))]
    waiting = [str(path) for path in _files(folder.iterdir())]
    return _rows(labelled, waiting, "files and their folders")


def read_unlabelled(folder: Path) -> Rows:
    """All files wait, at whatever depth. Raises AtlasError where there is none."""
    waiting = [str(path) for path in _files(folder.rglob("*"))]
    return _rows([], waiting, "files, whatever their folder")


def readable(
    labelled: Iterable[Row], waiting: Iterable[Waiting]
) -> tuple[list[Row], list[Waiting], Counter[str]]:
    """Those that are images, and how many others there are, by the reason."""
    dropped: Counter[str] = Counter()
    return (
        [row for row in labelled if _is_image(row[0], dropped)],
        [each for each in waiting if _is_image(each.text, dropped)],
        dropped,
    )


def _rows(labelled: list[Row], waiting: list[str], source: str) -> Rows:
    if not labelled and not waiting:
        raise AtlasError(
            "there is no file in it: images are wanted, labelled ones as in cat/1.jpg, dog/2.jpg"
        )
    numbered = [Waiting(number, path) for number, path in enumerate(waiting, 1)]
    good, others, dropped = readable(labelled, numbered)
    return Rows(good, others, source, "images", "file", dict(dropped), things=IMAGES)


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in sorted(paths):
        if path.is_file() and not path.name.startswith(".") and path.name not in NO_IMAGES:
            yield path


def _is_image(item: str, dropped: Counter[str]) -> bool:
    from backend.content.pictures import decoded

    try:
        decoded(content_at(item))
    except (NoContent, OSError) as reason:
        dropped[f"that cannot be read ({reason})"] += 1
        return False
    return True
