"""`simulate` of boxes and areas: read in each form, replayed, and told by the parts that were drawn."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.controls.boxes import Box, boxes_in
from backend.controls.masks import masks_in
from backend.controls.runs import area
from backend.errors import AtlasError
from backend.labelled.marked_images import load_marked_images
from backend.learning.detection import train_detection
from backend.simulate import marked_images, parts_run
from tests.unit.boxed import EDGE, SIDE, picture, place, right
from tests.unit.simulations import InProcess, simulate

COUNT = 24
QUICK = ("--seeds", "1", "--batch", "4", "--start", "10", "--budget", "14", "--strategies", "auto")


def write_images(folder: Path, count: int = COUNT) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(picture(number))


def write_coco(folder: Path, count: int = COUNT) -> Path:
    write_images(folder / "train", count)
    boxes = [
        {"image_id": i, "category_id": 7 + i % 2, "bbox": [*place(i), EDGE, EDGE], "id": i}
        for i in range(count)
    ]
    told = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE} for i in range(count)],
        "annotations": boxes,
        "categories": [{"id": 7, "name": "red"}, {"id": 8, "name": "blue"}],
    }
    path = folder / "train.json"
    path.write_text(json.dumps(told))
    return path


def write_masks(folder: Path, count: int = COUNT) -> Path:
    folder.mkdir(parents=True)
    (folder / "classes.txt").write_text("background\nred\nblue\n")
    for number in range(count):
        mask, (x, y) = np.zeros((SIDE, SIDE), np.uint8), place(number)
        mask[y : y + EDGE, x : x + EDGE] = 1 + number % 2
        Image.fromarray(mask).save(folder / f"{number}.png")
        (folder / f"{number}.jpg").write_bytes(picture(number))
    return folder


def test_coco_holds_boxes_and_its_images_lie_beside_it(tmp_path: Path) -> None:
    found = load_marked_images(write_coco(tmp_path))
    assert found is not None
    assert found.labels == ("red", "blue")
    x, y = place(3)
    percent = 100 / SIDE
    (box,) = boxes_in(found.rows[3].answer)
    assert box == Box(*(round(each * percent, 3) for each in (x, y, EDGE, EDGE)), "blue")
    assert Path(found.rows[3].file).name == "3.png"
    (tmp_path / "train" / "3.png").unlink()
    again = load_marked_images(tmp_path / "train.json")
    assert again is not None
    assert (len(again.rows), list(again.dropped.values())) == (COUNT - 1, [1])


def test_an_export_holds_boxes_or_areas_as_annotators_gave_them(tmp_path: Path) -> None:
    write_images(tmp_path, 4)
    tasks = [
        {
            "id": i,
            "data": {"image": f"/data/upload/3/0a1b2c3d-{i}.png"},
            "annotations": [{"result": [right(i)]}],
        }
        for i in range(4)
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    found = load_marked_images(path)
    assert found is not None
    assert (len(found.rows), found.labels) == (4, ("blue", "red"))
    assert [boxes_in(row.answer)[0].label for row in found.rows] == ["red", "blue"] * 2


def test_masks_lie_beside_images(tmp_path: Path) -> None:
    found = load_marked_images(write_masks(tmp_path / "set", 4))
    assert found is not None
    assert found.labels == ("red", "blue")
    (mask,) = masks_in(found.rows[0].answer)
    assert (mask.label, mask.size, area(mask.runs)) == ("red", (SIDE, SIDE), EDGE * EDGE)


@pytest.mark.parametrize(
    "content", ['[{"data": {"text": "a"}, "annotations": []}]', '{"a": 1}', "no JSON", "[1, null]"]
)
def test_what_holds_no_parts_of_images_is_left_to_others(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    assert load_marked_images(path) is None
    assert load_marked_images(tmp_path) is None


def test_what_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write_coco(tmp_path, 3)
    told: dict[str, Any] = json.loads(path.read_text())
    for image in (tmp_path / "train").iterdir():
        image.unlink()
    with pytest.raises(AtlasError, match=r"train.json: it names images.*--image-folder"):
        load_marked_images(path)
    path.write_text(json.dumps({**told, "annotations": [{"bbox": [1, 2]}]}))
    with pytest.raises(AtlasError, match="looks like COCO's JSON, but lacks"):
        load_marked_images(path)


@pytest.mark.parametrize(("kind", "measure"), [("boxes", "map50"), ("areas", "mean_iou")])
def test_curves_a_summary_and_a_report_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, measure: str
) -> None:
    monkeypatch.setattr(parts_run, "Workers", InProcess)
    monkeypatch.setattr(marked_images, "train_detection", partial(train_detection, folds=2))
    monkeypatch.setattr(marked_images, "STEPS", 50)
    data = write_coco(tmp_path) if kind == "boxes" else write_masks(tmp_path / "set")
    done = simulate(data, *QUICK, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {row["strategy"] for row in told["strategies"]} == {"auto"}
    assert (told["cost"], told["measure"]) == (kind, measure)
    assert told["full_data_" + measure]["0"] > 0.2
    curves = (tmp_path / "out" / "curves.csv").read_text().splitlines()
    assert curves[0] == f"strategy,seed,labels,{kind},{measure},seconds_choosing"
    assert len(curves) == 1 + 2
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<svg" in page
    assert f"{kind} drawn" in page
