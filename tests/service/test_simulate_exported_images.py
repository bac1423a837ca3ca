"""An export of a project of images: its addresses become files here, or the refusal says where to put
them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.encoders.lite0_weights import WEIGHTS
from backend.errors import AtlasError
from backend.labelled import LabelledTexts, load, load_partly
from backend.labelled.things import IMAGES, TEXTS
from tests import drawn

FILES = drawn.files(12)
UPLOADED = {name: f"/data/upload/3/0a1b2c3d-{name}" for name in FILES}


def task(number: int, address: str, name: str, *, is_labelled: bool = True) -> dict[str, Any]:
    choice = {"choices": [name.split("-")[0]]}
    region = {"from_name": "label", "to_name": "image", "type": "choices", "value": choice}
    annotations = [{"result": [region]}] if is_labelled else []
    return {"id": number, "data": {"image": address, "sku": f"A {number}"}, "annotations": annotations}


def export(folder: Path, addresses: dict[str, str], labelled: int = 99) -> Path:
    """addresses: by the name of a file."""
    tasks = [
        task(number, address, name, is_labelled=number <= labelled)
        for number, (name, address) in enumerate(addresses.items(), 1)
    ]
    path = folder / "project-3.json"
    path.write_text(json.dumps(tasks))
    return path


def put(folder: Path, names: dict[str, str]) -> None:
    """names: by the file's own name, where it is to lie."""
    for name, place in names.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])


def names_in(found: LabelledTexts) -> set[str]:
    return {Path(item).name for item, _ in found.rows}


SAME = {name: name for name in FILES}
SPACED = {name: f"a b/{name}" for name in FILES}
CASES = {
    "data folder": (UPLOADED, {name: f"media/upload/3/0a1b2c3d-{name}" for name in FILES}),
    "hashed": (UPLOADED, {name: f"images/0a1b2c3d-{name}" for name in FILES}),
    "originals": (UPLOADED, SAME),
    "absolute": ({name: f"http://localhost:8080{each}" for name, each in UPLOADED.items()}, SAME),
    "local files": ({name: f"/data/local-files/?d={quote(each)}" for name, each in SPACED.items()}, SPACED),
    "bucket": ({name: f"s3://bucket/a b/{name}" for name in FILES}, SPACED),
    "signed": ({name: f"https://x.example/{name}?X-Amz-Signature=1" for name in FILES}, SAME),
}


@pytest.mark.parametrize("case", CASES)
def test_addresses_lead_to_files(tmp_path: Path, case: str) -> None:
    addresses, places = CASES[case]
    put(tmp_path, places)
    found = load(export(tmp_path, addresses))
    assert found.things is IMAGES
    assert found.per_class == {"bar": 6, "disc": 6}
    assert names_in(found) == {Path(each).name for each in places.values()}


def test_paths_of_this_machine_and_inline_images_will_do(tmp_path: Path) -> None:
    from base64 import b64encode

    put(tmp_path, {name: f"elsewhere/{name}" for name in FILES})
    addresses = {name: str(tmp_path / "elsewhere" / name) for name in FILES}
    first = next(iter(FILES))
    addresses[first] = f"data:image/jpeg;base64,{b64encode(FILES[first]).decode()}"
    (tmp_path / "export").mkdir()
    found = load(export(tmp_path / "export", addresses))
    assert len(found.rows) == len(FILES)
    assert found.dropped == {}


def test_another_folder_can_be_named(tmp_path: Path) -> None:
    put(tmp_path / "pictures", {name: name for name in FILES})
    (tmp_path / "export").mkdir()
    file = export(tmp_path / "export", UPLOADED)
    with pytest.raises(AtlasError, match=r"names images, such as '/data/upload/3.*--image-folder"):
        load(file)
    assert len(load(file, image_folder=tmp_path / "pictures").rows) == len(FILES)


def test_a_file_that_is_not_here_costs_its_row_alone(tmp_path: Path) -> None:
    put(tmp_path, {name: name for name in list(FILES)[:-2]})
    (tmp_path / "disc-0.jpg").write_bytes(b"<html>")
    found = load(export(tmp_path, UPLOADED))
    assert len(found.rows) == len(FILES) - 3
    assert found.dropped["whose image is not among the files here"] == 2
    assert any("web page" in reason for reason in found.dropped)


@pytest.mark.parametrize("other", ["a " * 5000, "/" + "a/" * 3000 + "x.png", "a\0b.png"])
def test_a_row_that_names_no_file_costs_itself_alone(tmp_path: Path, other: str) -> None:
    """Longer than any file's name may be, or with what no name may hold."""
    put(tmp_path, SAME)
    found = load(export(tmp_path, {**UPLOADED, "bar-99.png": other}))
    assert found.per_class == {"bar": 6, "disc": 6}
    assert found.dropped == {"whose image is not among the files here": 1}


def test_one_name_in_two_folders_is_not_guessed_at(tmp_path: Path) -> None:
    """The file that is here may be either's."""
    put(tmp_path, {name: name for name in FILES})
    addresses = {name: f"s3://bucket/one/{name}" for name in FILES}
    tasks = json.loads(export(tmp_path, addresses).read_text())
    tasks.append(task(99, "s3://bucket/two/disc-0.jpg", "bar-x"))
    (tmp_path / "both.json").write_text(json.dumps(tasks))
    found = load(tmp_path / "both.json")
    assert "disc-0.jpg" not in names_in(found)
    assert found.dropped["whose file may be that of another row"] == 2


def test_no_address_leads_up_and_out(tmp_path: Path) -> None:
    put(tmp_path, {name: name for name in FILES})
    (tmp_path / "inner").mkdir()
    put(tmp_path / "inner", {name: name for name in list(FILES)[:6]})
    addresses = {name: f"s3://bucket/../{name}" for name in FILES}
    found = load(export(tmp_path / "inner", addresses))
    assert {Path(item).parent for item, _ in found.rows} == {tmp_path / "inner"}


def test_texts_that_mention_a_file_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "mails.csv"
    rows = [(f"see photo {i}.jpg" if i < 4 else f"mail number {i} is here", "ab"[i % 2]) for i in range(12)]
    with path.open("w", newline="") as out:
        csv.writer(out).writerows([("text", "label"), *rows])
    assert load(path).things is TEXTS


def test_tasks_without_a_label_wait_to_be_chosen(tmp_path: Path) -> None:
    put(tmp_path, {name: name for name in FILES})
    found = load_partly(export(tmp_path, UPLOADED, labelled=8))
    assert [each.place for each in found.waiting] == [9, 10, 11, 12]
    assert found.places == "task"
    assert found.things is IMAGES


@pytest.mark.skipif(WEIGHTS.missing() is not None, reason=str(WEIGHTS.missing()))
def test_an_export_with_images_is_simulated_and_the_report_speaks_of_images(tmp_path: Path) -> None:
    put(tmp_path, {name: name for name in FILES})
    out = tmp_path / "out"
    options = [
        "--seeds",
        "2",
        "--start",
        "4",
        "--batch",
        "2",
        "--budget",
        "6",
        "--strategies",
        "random,margin",
    ]
    done = CliRunner().invoke(
        main, ["simulate", str(export(tmp_path, UPLOADED)), *options, "--out", str(out), "--processes", "1"]
    )
    assert done.exit_code == 0, done.output
    assert "12 images of 2 classes" in done.output
    report, summary = (out / "report.html").read_text(), json.loads((out / "summary.json").read_text())
    assert "12 distinct images of 2 classes" in report
    assert "image encoder lite0" in report
    assert "texts" not in report
    assert "texts" not in " ".join([summary["verdict"], *summary["method"].values()])
    assert summary["data"]["things"] == "images"
