"""Texts with spans, and images with parts, are read in whatever form they come; what is no such file is
refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.errors import AtlasError
from backend.labelled.marked import MarkedTexts, load_marked, objects_in
from backend.labelled.marked_images import CLASSES, load_marked_images
from backend.labelled.partly_marked import load_partly_marked

Spans = list[list[Any]]
TWO = [["Ann Lee", [[0, 7, "PER"]]], ["in Rome", [[3, 7, "LOC"]]]]


def write(folder: Path, content: Any, name: str = "mine.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def spans(texts: MarkedTexts | None) -> list[Any]:
    assert texts is not None
    return [[row.text, json.loads(row.answer)] for row in texts.rows]


def region(label: Any = "PER", start: Any = 0, end: Any = 3, **more: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": "Ann", "labels": [label]}
    return {"from_name": "ner", "to_name": "text", "type": "labels", "value": value, **more}


def task(text: Any, *regions: Any, **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"text": text}, "annotations": [{"result": list(regions), **more}]}


TAGGED: list[tuple[str, str, Spans]] = [
    # what, the tags of the tokens "Ann Lee of Rome", the spans
    ("BIO", "B-PER I-PER O B-LOC", [[0, 7, "PER"], [11, 15, "LOC"]]),
    ("IOB, which begins with I", "I-PER I-PER O I-LOC", [[0, 7, "PER"], [11, 15, "LOC"]]),
    ("BIOES", "B-PER E-PER O S-LOC", [[0, 7, "PER"], [11, 15, "LOC"]]),
    ("BILOU", "B-PER L-PER O U-LOC", [[0, 7, "PER"], [11, 15, "LOC"]]),
    ("two side by side", "B-PER B-PER O O", [[0, 3, "PER"], [4, 7, "PER"]]),
    ("a new one after an end", "B-PER L-PER I-PER O", [[0, 7, "PER"], [8, 10, "PER"]]),
    ("another label goes on", "B-PER I-LOC O O", [[0, 3, "PER"], [4, 7, "LOC"]]),
    ("none", "O O O O", []),
    ("tags without a mark", "PER O O LOC", []),
    ("a label with a dash", "B-a-b I-a-b O O", [[0, 7, "a-b"]]),
]


@pytest.mark.parametrize(("tags", "found"), [row[1:] for row in TAGGED], ids=[row[0] for row in TAGGED])
@pytest.mark.parametrize("form", ["conll", "json", "jsonl"])
def test_tags_become_spans_in_every_form(tmp_path: Path, form: str, tags: str, found: Spans) -> None:
    tokens, given = ["Ann", "Lee", "of", "Rome"], tags.split()
    others = [(["Bob"], ["B-PER"]), (["Ulm"], ["B-LOC"])]
    rows = [(tokens, given), *others]
    if form == "conll":
        told = "\n\n".join("\n".join(map(" ".join, zip(*row, strict=True))) for row in rows)
    else:
        objects = [{"tokens": words, "tags": marks} for words, marks in rows]
        told = json.dumps(objects) if form == "json" else "\n".join(map(json.dumps, objects))
    assert spans(load_marked(write(tmp_path, told, f"mine.{form}")))[0] == ["Ann Lee of Rome", found]


FORMS: list[tuple[str, str, Any]] = [
    ("lists", "mine.json", [{"text": t, "spans": s} for t, s in TWO]),
    ("entities", "mine.json", [{"text": t, "entities": s} for t, s in TWO]),
    ("doccano", "mine.jsonl", "\n".join(json.dumps({"text": t, "label": s}) for t, s in TWO)),
    ("objects", "mine.json", [
        {"text": t, "spans": [{"start": a, "end": b, "label": c} for a, b, c in s]} for t, s in TWO]),
    ("objects of types", "mine.json", [
        {"text": t, "spans": [{"start": a, "end": b, "type": c} for a, b, c in s]} for t, s in TWO]),
    ("Label Studio's export", "mine.json", [task(t, *(region(c, a, b) for a, b, c in s)) for t, s in TWO]),
    ("columns with more between", "mine.conll", "-DOCSTART- -X- O\n\nAnn NNP B-PER\nLee NNP I-PER\n\n"
     "in IN O\nRome NNP B-LOC\n"),
    ("columns of Windows", "mine.bio", "Ann B-PER\r\nLee I-PER\r\n\r\nin O\r\nRome B-LOC\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_the_same_texts_are_read_out_of_every_form(tmp_path: Path, name: str, content: Any) -> None:
    found = load_marked(write(tmp_path, content, name))
    assert spans(found) == TWO
    assert found is not None
    assert found.labels == ("LOC", "PER")
    assert found.dropped == {}


GOOD = [task("Ann", region()), task("Bob", region())]
ODD: list[tuple[str, Any]] = [
    ("no object", 1),
    ("a list", [1]),
    ("nothing", None),
    ("no data", {"annotations": []}),
    ("data that is a text", {"data": "x", "annotations": []}),
    ("no annotations", {"data": {"text": "x"}}),
    ("annotations that are a number", {"data": {"text": "x"}, "annotations": 5}),
    ("annotations of numbers", {"data": {"text": "x"}, "annotations": [5, None, "x"]}),
    ("an annotation whose result is a number", {"data": {"text": "x"}, "annotations": [{"result": 5}]}),
    ("a result of numbers", {"data": {"text": "x"}, "annotations": [{"result": [5, None]}]}),
    ("a text that is a number", task(5, region())),
    ("a skipped one", task("Eve", region(), was_cancelled=True)),
]


@pytest.mark.parametrize("odd", [row[1] for row in ODD], ids=[row[0] for row in ODD])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_task_that_is_none_is_left_out_wherever_it_stands(tmp_path: Path, odd: Any, place: int) -> None:
    found = load_marked(write(tmp_path, [*GOOD[:place], odd, *GOOD[place:]]))
    assert found is not None
    assert {row.text for row in found.rows if row.text in ("Ann", "Bob")} == {"Ann", "Bob"}
    assert load_partly_marked(write(tmp_path, [*GOOD[:place], odd, *GOOD[place:]])) is not None


@pytest.mark.parametrize(
    "odd",
    [5, None, "x", {"text": 5, "spans": []}, {"text": "Cid", "spans": [5]},
     {"text": "Cid", "spans": [[0, 1]]}, {"text": "Cid", "spans": [["0", 1, "a"]]},
     {"text": "Cid", "spans": [{"start": 0}]},
     {"text": "", "spans": []}, {"spans": []}],
)  # fmt: skip
def test_a_row_whose_spans_cannot_be_read_is_left_out_and_counted(tmp_path: Path, odd: Any) -> None:
    good = [{"text": text, "spans": given} for text, given in TWO]
    found = load_marked(write(tmp_path, [*good, odd]))
    assert spans(found) == TWO
    assert found is not None
    assert found.dropped == {"that cannot be read, or without an answer": 1}


NONE: list[tuple[str, str, str]] = [
    ("a table", "mine.csv", "text,label\na,x\n"),
    ("texts with a label each", "mine.json", '[{"text": "a", "label": "x"}]'),
    ("numbers", "mine.json", "[1, 2]"),
    ("an empty list", "mine.json", "[]"),
    ("half of it", "mine.json", '[{"text": "a", "spans": [['),
    ("too many brackets", "mine.json", "[" * 100_000),
    ("too many digits", "mine.json", f"[{'9' * 5_000}]"),
    ("a word", "mine.json", "nothing"),
    ("choices", "mine.json", json.dumps([
        {"data": {"text": "a"}, "annotations": [{"result": [
            {"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["x"]}}]}]}] * 2)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), [row[1:] for row in NONE], ids=[row[0] for row in NONE])
def test_what_holds_no_parts_is_left_to_whoever_reads_labels(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path, content, name)
    assert load_marked(path) is None
    assert load_marked_images(path) is None
    assert load_partly_marked(path) is None


@pytest.mark.parametrize("content", ["[1, 2]", '{"a": 1}\n{"b": 2}\n', "[]", "{", "x", ""])
def test_objects_are_those_of_a_list_or_of_lines(content: str) -> None:
    found = {"[1, 2]": [1, 2], '{"a": 1}\n{"b": 2}\n': [{"a": 1}, {"b": 2}], "[]": []}
    assert objects_in(content) == found.get(content)


def test_halves_of_letters_become_marks_that_can_be_stored_and_spans_stay_where_they_were(
    tmp_path: Path,
) -> None:
    rows = [{"text": "\ud800Ann", "spans": [[1, 4, "P\udc00"]]}, {"text": "Bob", "spans": [[0, 3, "P"]]}]
    found = load_partly_marked(write(tmp_path, [*rows, {"text": "Cid\ud800"}]))
    assert found is not None
    assert isinstance(found.given, MarkedTexts)
    assert spans(found.given)[0] == ["?Ann", [[1, 4, "P?"]]]
    assert found.waiting == ["Cid?"]


def test_one_text_with_spans_is_too_few(tmp_path: Path) -> None:
    rows = [{"text": "Ann", "spans": [[0, 3, "PER"]]}, {"text": "none", "spans": []}]
    with pytest.raises(AtlasError, match="spans in two texts at least are needed; it has 1"):
        load_marked(write(tmp_path, rows))


def test_which_field_is_the_text_is_asked_for(tmp_path: Path) -> None:
    tasks = [{**each, "data": {"p": "Ann", "q": "Bob"}} for each in GOOD]
    with pytest.raises(AtlasError, match="which field is the text\\? --text-field may be: p, q"):
        load_marked(write(tmp_path, tasks))
    with pytest.raises(AtlasError, match="--text-field may be: none"):
        load_marked(write(tmp_path, [{**each, "data": {"p": 5}} for each in GOOD]))


def images(folder: Path, *names: str) -> None:
    for name in names:
        Image.new("RGB", (20, 10)).save(folder / name)


def coco(**changed: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 20, "height": 10} for i in (1, 2)],
        "categories": [{"id": 7, "name": "cat"}],
        "annotations": [{"image_id": i, "category_id": 7, "bbox": [5, 5, 10, 5]} for i in (1, 2)],
    }
    return {**whole, **changed}


def test_cocos_boxes_are_in_percent_of_their_image(tmp_path: Path) -> None:
    images(tmp_path, "1.jpg", "2.jpg")
    found = load_marked_images(write(tmp_path, coco()))
    assert found is not None
    assert (found.parts, found.labels) == ("boxes", ("cat",))
    assert list(found.marked) == [["cat"], ["cat"]]
    assert json.loads(found.rows[0].answer)[0][:4] == [25.0, 50.0, 50.0, 50.0]


LACKING: list[dict[str, Any]] = [
    {"annotations": [{"image_id": 1, "category_id": 9, "bbox": [0, 0, 1, 1]}]},
    {"annotations": [{"image_id": 9, "category_id": 7, "bbox": [0, 0, 1, 1]}]},
    {"annotations": [{"image_id": 1, "category_id": 7, "bbox": [0, 0, 1]}]},
    {"annotations": [{"image_id": 1, "category_id": 7, "bbox": "none"}]},
    {"annotations": [{"image_id": 1, "category_id": 7}]},
    {"annotations": [5]},
    {"categories": [{"name": "cat"}]},
    {"categories": [{"id": [7], "name": "cat"}]},
    {"images": [{"id": 1, "file_name": "1.jpg", "width": 0, "height": 0}]},
    {"images": [{"id": 1, "file_name": "1.jpg", "width": "wide", "height": 1}]},
    {"images": [{"id": 1, "file_name": "1.jpg", "width": 10**400, "height": 1}]},
    {"images": [{"id": 1, "width": 20, "height": 10}]},
    {"images": ["1.jpg"]},
]


@pytest.mark.parametrize("changed", LACKING, ids=lambda changed: json.dumps(changed)[:60])
def test_coco_that_lacks_something_says_what(tmp_path: Path, changed: dict[str, Any]) -> None:
    images(tmp_path, "1.jpg", "2.jpg")
    with pytest.raises(AtlasError, match=r"mine\.json: it looks like COCO's JSON, but lacks what that holds"):
        load_marked_images(write(tmp_path, coco(**changed)))


def test_images_that_are_not_here_are_counted_and_where_none_is_told(tmp_path: Path) -> None:
    images(tmp_path, "1.jpg", "2.jpg")
    third = {"id": 3, "file_name": "3.jpg", "width": 20, "height": 10}
    found = load_marked_images(write(tmp_path, coco(images=[*coco()["images"], third])))
    assert found is not None
    assert list(found.dropped.values()) == [1]
    (tmp_path / "other").mkdir()
    with pytest.raises(AtlasError, match=r"it names images, such as '1\.jpg', but no such file is in"):
        load_marked_images(write(tmp_path / "other", coco()))


@pytest.mark.parametrize(
    "value", [5, None, [], {"rectanglelabels": 5}, {"rectanglelabels": [["a"], 5, None]}]
)
def test_a_region_whose_value_is_none_stops_no_export(tmp_path: Path, value: Any) -> None:
    images(tmp_path, "1.jpg", "2.jpg")
    box = {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": ["cat"]}
    kind = {"from_name": "box", "to_name": "image", "type": "rectanglelabels"}
    tasks = [
        {"data": {"image": f"{i}.jpg"}, "annotations": [{"result": [{**kind, "value": box}]}]} for i in (1, 2)
    ]
    odd = {"data": {"image": "3.jpg"}, "annotations": [{"result": [{**kind, "value": value}]}]}
    found = load_marked_images(write(tmp_path, [*tasks, odd]))
    assert found is not None
    assert list(found.marked) == [["cat"], ["cat"]]


def masks(folder: Path, names: str = "background\ncat\n") -> None:
    images(folder, "1.jpg", "2.jpg", "3.jpg")
    (folder / CLASSES).write_text(names)
    for name in ("1", "2"):
        Image.fromarray(np.tile(np.uint8([[0, 1]]), (10, 10))).save(folder / f"{name}.png")


def test_masks_of_numbers_are_areas_and_images_without_one_wait(tmp_path: Path) -> None:
    masks(tmp_path)
    found = load_partly_marked(tmp_path)
    assert found is not None
    assert list(found.given.marked) == [["cat"], ["cat"]]
    assert found.waiting == [str(tmp_path / "3.jpg")]
    (tmp_path / "lost.png").write_bytes((tmp_path / "1.png").read_bytes())
    again = load_marked_images(tmp_path)
    assert again is not None
    assert again.dropped == {"that have a mask and no .jpg beside it": 1}


def test_a_mask_that_is_no_picture_or_has_colours_is_named(tmp_path: Path) -> None:
    masks(tmp_path)
    (tmp_path / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    with pytest.raises(AtlasError, match=r"3\.png cannot be read as a picture: mend it, or take it away"):
        load_marked_images(tmp_path)
    Image.new("RGB", (20, 10)).save(tmp_path / "3.png")
    with pytest.raises(AtlasError, match=r"3\.png is no mask: it must have one channel"):
        load_marked_images(tmp_path)


def test_a_folder_without_names_of_classes_holds_no_masks(tmp_path: Path) -> None:
    assert load_marked_images(tmp_path) is None
    masks(tmp_path, "background\nvoid\n")
    with pytest.raises(AtlasError, match="parts of two images at least are needed; it has 0"):
        load_marked_images(tmp_path)
