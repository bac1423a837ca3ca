"""What `simulate` says of files with spans, boxes or areas: what was read, before minutes are spent, and
which strategy to set in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from backend.errors import AtlasError
from backend.labelled.echo import what_was_read_of_parts
from backend.labelled.load import load
from backend.labelled.marked import load_marked
from backend.labelled.marked_images import load_marked_images
from backend.simulate.parts_summary import PartsSummary, verdict


def test_of_texts_with_spans_it_is_said_how_many_spans_of_each_label_there_are(tmp_path: Path) -> None:
    file = tmp_path / "names.conll"
    sentences = ["Ann B-PER\nlives O\nin O\nOslo B-LOC", "Bob B-PER\nsleeps O", "rain O"]
    file.write_text("\n\n".join(sentences) + "\n")
    given = load_marked(file)
    assert given is not None
    assert what_was_read_of_parts(file, given) == [
        "Read names.conll: 3 texts, 3 spans of 2 labels (a token and its tag in each line)",
        "  labels: PER 2, LOC 1",
    ]


def coco(folder: Path) -> Path:
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 40)).save(folder / name)
    file = folder / "boxes.json"
    boxes = [(1, 1), (1, 2), (2, 1)]
    content = {
        "images": [
            {"id": n, "file_name": name, "width": 40, "height": 40}
            for n, name in ((1, "a.png"), (2, "b.png"))
        ],
        "categories": [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}],
        "annotations": [
            {"id": n, "image_id": image, "category_id": kind, "bbox": [5 * n, 5, 10, 10]}
            for n, (image, kind) in enumerate(boxes)
        ],
    }
    file.write_text(json.dumps(content))
    return file


def test_of_images_with_boxes_it_is_said_how_many_boxes_of_each_label_there_are(tmp_path: Path) -> None:
    file = coco(tmp_path / "pictures")
    given = load_marked_images(file)
    assert given is not None
    first, labels = what_was_read_of_parts(file, given)
    assert first.startswith("Read boxes.json: 2 images, 3 boxes of 2 labels (")
    assert labels == "  labels: red 2, blue 1"


def test_who_gives_the_folder_in_place_of_the_file_with_the_labels_is_told_so(tmp_path: Path) -> None:
    file = coco(tmp_path / "pictures")
    with pytest.raises(AtlasError, match="no labelled image") as refused:
        load(file.parent)
    assert f"if {file} holds the labels, give that file" in str(refused.value)


def row(strategy: str, score: float, error: float | None = None) -> PartsSummary:
    return PartsSummary(strategy, score, score, None, error, 100.0, score, 0.1)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [row("auto", 0.5, 0.01), row("random", 0.4)],
            "auto comes first by words read. It is the default: there",
        ),
        ([row("random", 0.5), row("auto", 0.4, 0.01)], "Keep auto until more is labelled"),
        ([row("random", 0.5), row("margin", 0.4, 0.01)], "auto, the default, was not replayed: add it"),
        ([row("random", 0.0), row("auto", 0.0, 0.0)], "nothing can be compared. Give a larger --budget."),
    ],
    ids=["the default", "random order", "without the default", "nothing found"],
)
def test_no_strategy_is_to_be_set_where_the_default_does_or_nothing_is_shown(
    rows: list[PartsSummary], said: str
) -> None:
    found = verdict(rows, "words read")
    assert said in found
    assert "Set STRATEGY" not in found
