"""Whatever stands at any place of a file of marked texts or images: it is read, or refused with a reason."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from backend.errors import AtlasError
from backend.labelled.marked import load_marked
from backend.labelled.marked_images import load_marked_images
from backend.labelled.partly_marked import load_partly_marked

JUNK: list[Any] = [None, 5, "x", {}, [[]], [None], [5]]
SPAN = {
    "from_name": "l",
    "to_name": "t",
    "type": "labels",
    "value": {"start": 0, "end": 3, "labels": ["PER"]},
}
SIZE = {"original_width": 8, "original_height": 8}
PLACE = {"x": 1, "y": 1, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["car"]}
BOX = {"from_name": "b", "to_name": "i", "type": "rectanglelabels", **SIZE, "value": PLACE}


def tasks(field: str, contents: list[str], region: dict[str, Any]) -> list[dict[str, Any]]:
    """All but the last annotated."""
    done = [{"id": 1, "completed_by": 1, "result": [region]}]
    given = [{"data": {field: each}, "annotations": done} for each in contents]
    return [*given[:-1], {**given[-1], "annotations": []}]


FILES: dict[str, list[Any]] = {
    "spans of an export": tasks("text", ["Ana lives", "Ana is", "Ana was", "new"], SPAN),
    "boxes of an export": tasks("image", ["a.jpg", "b.jpg", "c.jpg"], BOX),
    "tokens and tags": [{"tokens": ["Ana", str(i)], "tags": ["B-PER", "O"]} for i in range(3)],
    "texts and spans": [
        {"text": f"Ana {i}", "spans": [{"start": 0, "end": 3, "label": "P"}]} for i in range(3)
    ],
}


def places(given: Any) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value within."""
    items = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    for key, value in items:
        yield (key,)
        yield from ((key, *rest) for rest in places(value))


def changed(given: Any, place: tuple[Any, ...], value: Any) -> Any:
    made = at = copy.deepcopy(given)
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.jpg")
    return tmp_path


@pytest.mark.parametrize("kind", FILES)
def test_whatever_stands_anywhere_in_the_file_ends_in_no_traceback(folder: Path, kind: str) -> None:
    file, given = folder / "mine.json", FILES[kind]
    for place in places(given):
        for junk in JUNK:
            file.write_text(json.dumps(changed(given, place, junk)))
            for read in (load_marked, load_marked_images, load_partly_marked):
                with suppress(AtlasError):
                    read(file)


@pytest.mark.parametrize("junk", [5, {"data": 5}, {"annotations": []}])
def test_what_is_no_task_is_left_out_and_counted(folder: Path, junk: Any) -> None:
    file = folder / "mine.json"
    file.write_text(json.dumps([*FILES["spans of an export"], junk]))
    found = load_marked(file)
    assert found is not None
    assert len(found.rows) == 3
    assert found.dropped == {"that cannot be read, or without an answer": 2}


@pytest.mark.parametrize("annotations", [5, "x", [5]])
def test_a_task_that_has_no_annotations_in_any_form_waits(folder: Path, annotations: Any) -> None:
    file, given = folder / "mine.json", FILES["spans of an export"]
    file.write_text(json.dumps([*given[:2], {**given[2], "annotations": annotations}, given[3]]))
    found = load_partly_marked(file)
    assert found is not None
    assert [row[0] for row in found.given.rows] == ["Ana lives", "Ana is"]
    assert found.waiting == ["Ana was", "new"]
