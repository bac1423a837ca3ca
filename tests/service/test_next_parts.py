"""`label-studio-atlas next` of spans, boxes and areas: what waits in each form, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backend.labelled.partly_marked import load_partly_marked
from backend.learning.detection import train_detection
from backend.simulate import marked_images
from tests.next_command import listed, run
from tests.service.test_simulate_parts_of_images import write_coco, write_images, write_masks
from tests.unit.boxed import right as box_of
from tests.unit.span_scenes import COUNT, PEOPLE, right, text_of

MARKED = 20
"""Texts, of COUNT."""


def entities(text: str) -> list[dict[str, Any]]:
    return [
        {"start": each["value"]["start"], "end": each["value"]["end"], "label": each["value"]["labels"][0]}
        for each in right(text)
    ]


def json_lines(folder: Path) -> Path:
    """The first row waits: what the file holds is told by the others."""
    rows = [{"text": text_of(i)} for i in range(MARKED, COUNT)]
    rows[1:1] = [{"text": text_of(i), "entities": entities(text_of(i))} for i in range(MARKED)]
    path = folder / "texts.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def columns(folder: Path) -> Path:
    def tagged(word: str) -> str:
        return f"{word} NN {'B-PER' if word in PEOPLE else 'O'}"

    parts = ["-DOCSTART- -X- O"]
    parts += ["\n".join(map(tagged, text_of(i).split())) for i in range(MARKED)]
    parts += ["\n".join(text_of(i).split()) for i in range(MARKED, COUNT)]
    path = folder / "texts.conll"
    path.write_text("\n\n".join(parts))
    return path


def export(folder: Path) -> Path:
    """A skipped task waits, too."""
    tasks = [
        {"id": i, "data": {"text": text_of(i)}, "annotations": [{"result": right(text_of(i))}]}
        for i in range(MARKED)
    ]
    skipped = [{"was_cancelled": True, "result": []}]
    tasks += [
        {"id": i, "data": {"text": text_of(i)}, "annotations": skipped if i % 2 else []}
        for i in range(MARKED, COUNT)
    ]
    path = folder / "export.json"
    path.write_text(json.dumps(tasks))
    return path


@pytest.mark.parametrize("write", [json_lines, columns, export])
def test_texts_without_marks_wait_in_each_form(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    found = load_partly_marked(write(tmp_path))
    assert found is not None
    assert found.waiting == [text_of(i) for i in range(MARKED, COUNT)]
    assert [row[0] for row in found.given.rows] == [text_of(i) for i in range(MARKED)]


def test_what_has_no_marks_is_left_to_others(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"text": "a", "label": "good"}\n{"text": "b"}')
    assert load_partly_marked(path) is None
    assert load_partly_marked(tmp_path) is None


def test_the_texts_to_mark_next_say_why_and_what_the_model_would_mark(tmp_path: Path) -> None:
    path = json_lines(tmp_path)
    found = listed(path, "-n", "6", "--encoder", "lsa", "--strategy", "margin")
    assert (found["labelled"], found["waiting"]) == (MARKED, COUNT - MARKED)
    chosen = found["next"]
    assert len({each["text"] for each in chosen} & {text_of(i) for i in range(MARKED, COUNT)}) == 6
    doubts = [each["why"]["doubt"] for each in chosen]
    assert doubts == sorted(doubts, reverse=True)
    assert any({"PER", "LOC"} <= each["probabilities"].keys() for each in chosen)
    assert all(0 < sure <= 1 for each in chosen for sure in each["probabilities"].values())
    assert listed(path, "-n", "3", "--encoder", "lsa", "--strategy", "margin")["next"] == chosen[:3]
    told = run(path, "-n", "2", "--encoder", "lsa")
    assert "the model says" in told.stdout
    assert f"Learned from {MARKED} texts in which LOC, PER are marked." in told.stderr


def test_images_wait_beside_coco_and_beside_masks(tmp_path: Path) -> None:
    """An image in which COCO's JSON has no box is looked at, and nothing is in it."""
    coco = write_coco(tmp_path / "coco", 6)
    write_images(tmp_path / "more", 8)
    found = load_partly_marked(coco, unlabelled=[tmp_path / "more"])
    assert found is not None
    assert found.waiting == [str(tmp_path / "more" / f"{i}.png") for i in range(8)]
    masks = write_masks(tmp_path / "masks", 6)
    for number in (4, 5):
        (masks / f"{number}.png").unlink()
    found = load_partly_marked(masks)
    assert found is not None
    assert found.waiting == [str(masks / f"{number}.jpg") for number in (4, 5)]
    assert len(found.given.rows) == 4


def test_images_of_an_export_without_an_annotation_wait(tmp_path: Path) -> None:
    write_images(tmp_path, 6)
    tasks = [
        {"data": {"image": f"/{i}.png"}, "annotations": [{"result": [box_of(i)]}] if i < 4 else []}
        for i in range(6)
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    found = load_partly_marked(path)
    assert found is not None
    assert [Path(each).name for each in found.waiting] == ["4.png", "5.png"]


def test_boxes_and_areas_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marked_images, "train_detection", partial(train_detection, steps=20))
    coco = write_coco(tmp_path / "coco", 4)
    write_images(tmp_path / "more", 5)
    chosen = listed(coco, "--unlabelled", tmp_path / "more", "-n", "3")["next"]
    assert len({each["image"] for each in chosen}) == 3
    assert all(each["why"]["doubt"] is not None for each in chosen)
    masks = write_masks(tmp_path / "masks", 7)
    for number in range(4, 7):
        (masks / f"{number}.png").unlink()
    chosen = listed(masks, "-n", "3")["next"]
    assert {Path(each["image"]).name for each in chosen} == {"4.jpg", "5.jpg", "6.jpg"}
    assert any(each["probabilities"].keys() & {"red", "blue"} for each in chosen)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--unlabelled", "."], "--unlabelled is a folder of images"),
        (["--labels", __file__], "--labels: where parts are marked they are learned from FILE alone"),
    ],
)
def test_what_does_not_go_with_marked_texts_is_refused(tmp_path: Path, more: list[str], told: str) -> None:
    done = run(json_lines(tmp_path), *more)
    assert done.exit_code != 0
    assert told in done.stderr


def test_where_all_are_marked_there_is_nothing_to_choose(tmp_path: Path) -> None:
    done = run(write_masks(tmp_path / "masks", 4))
    assert done.exit_code != 0
    assert "nothing is to choose from" in done.stderr
