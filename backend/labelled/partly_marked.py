"""Texts and images of which some have their parts marked, and the others wait."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from backend.controls.sources import Text
from backend.errors import AtlasError
from backend.labelled.addressed import file_at
from backend.labelled.decoding import decode_file, storable
from backend.labelled.exported import tasks_of
from backend.labelled.marked import (
    COLUMNS,
    SPANS,
    TAGS,
    MarkedTexts,
    objects_in,
    of_columns,
    of_objects,
    read_texts,
    text_field_of,
)
from backend.labelled.marked_images import MarkedImages, load_marked_images
from backend.labelled.pictures import read_unlabelled

JSON = (".json", ".jsonl")
PICTURES = (".jpg", ".jpeg")


class PartlyMarked(NamedTuple):
    """given: what is marked; waiting: texts, or images' files, each once and none of them marked, in the
    file's order."""

    given: MarkedTexts | MarkedImages
    waiting: list[str]


def load_partly_marked(
    file: Path,
    text_field: str | None = None,
    control: str | None = None,
    unlabelled: Sequence[Path] = (),
    image_folder: Path | None = None,
) -> PartlyMarked | None:
    """None for a file or folder in which no parts are marked. What waits: rows with a text, or tokens, and no
    spans or tags; of columns, sentences without a second one; an export's tasks without an annotation; images
    without a mask beside them, and those of `unlabelled`.

    Raises AtlasError, naming the file and what to do, for one that cannot be used.
    """
    texts = _texts(file, text_field, control)
    if texts is not None and unlabelled:
        raise AtlasError(f"--unlabelled is a folder of images; {file} holds texts")
    found = texts or _images(file, control, unlabelled, image_folder)
    if found is None:
        return None
    given, waiting = found
    marked = {row[0] for row in given.rows}
    clean = dict.fromkeys(map(storable, waiting))
    return PartlyMarked(given, [each for each in clean if each and each not in marked])


def _texts(path: Path, text_field: str | None, control: str | None) -> tuple[MarkedTexts, list[str]] | None:
    name = path.name.removesuffix(".gz")
    if path.is_dir() or not name.endswith((*COLUMNS, *JSON)):
        return None
    of_values = partial(_of_objects, text_field=text_field, control=control)
    return read_texts(path, _of_columns, of_values)


def _of_columns(text: str) -> tuple[MarkedTexts, list[str]]:
    sentences = [part for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")) if part.split()]
    waits = [all(len(line.split()) < 2 for line in part.splitlines()) for part in sentences]
    tagged = [part for part, is_bare in zip(sentences, waits, strict=True) if not is_bare]
    bare = [" ".join(part.split()) for part, is_bare in zip(sentences, waits, strict=True) if is_bare]
    return of_columns("\n\n".join(tagged)), bare


def _of_objects(
    values: list[Any], text_field: str | None, control: str | None
) -> tuple[MarkedTexts, list[str]] | None:
    rows = [each for each in values if isinstance(each, dict)]
    given = of_objects([each for each in rows if not _waits(each)], text_field, control)
    if given is None:
        return None
    waiting = [each for each in rows if _waits(each)]
    if tasks := tasks_of(waiting):
        source = Text(text_field or text_field_of(tasks_of(rows)))
        return given, [source.content(each["data"]) for each in tasks]
    return given, [_text_of(each, text_field or "text") for each in waiting]


def _waits(row: dict[str, Any]) -> bool:
    if "data" in row:
        done = row.get("annotations")
        given = done if isinstance(done, list) else []
        return not any(isinstance(each, dict) and not each.get("was_cancelled") for each in given)
    kinds = TAGS if isinstance(row.get("tokens"), list) else SPANS
    return not any(isinstance(row.get(key), list) for key in kinds)


def _text_of(row: dict[str, Any], text: str) -> str:
    tokens = row.get("tokens")
    found = " ".join(map(str, tokens)) if isinstance(tokens, list) else row.get(text)
    return found if isinstance(found, str) else ""


def _images(
    path: Path, control: str | None, unlabelled: Sequence[Path], image_folder: Path | None
) -> tuple[MarkedImages, list[str]] | None:
    given = load_marked_images(path, image_folder, control)
    if given is None:
        return None
    more = chain.from_iterable(read_unlabelled(folder).waiting for folder in unlabelled)
    own = _without_mask(path) if path.is_dir() else _without_annotation(path, given, image_folder)
    return given, [*own, *(each.text for each in more)]


def _without_mask(folder: Path) -> Iterable[str]:
    files = sorted(each for each in folder.rglob("*") if each.suffix in PICTURES)
    return [str(each) for each in files if not each.with_suffix(".png").is_file()]


def _without_annotation(path: Path, given: MarkedImages, image_folder: Path | None) -> Iterable[str]:
    """Of an export; all images of COCO's JSON are looked at already, those with nothing in them, too."""
    tasks = tasks_of(objects_in(decode_file(path).text) or [])
    folders = [folder for folder in (image_folder, path.parent) if folder is not None]
    waiting = [each for each in tasks if _waits(each)]
    found = (file_at(given.control.source.content(each["data"]), folders) for each in waiting)
    return [each for each in found if each is not None]
