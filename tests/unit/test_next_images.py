"""`label-studio-atlas next` on folders of images: what is labelled, what waits, and how a round goes on."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.encoders import images
from backend.encoders.base import block_widths
from backend.encoders.squares import Pixels, squared
from backend.errors import AtlasError
from backend.labelled import load_partly
from backend.labelled.things import IMAGES
from tests import drawn
from tests.next_command import listed, run

LABELLED, WAITING = 12, 10


class Coarse:
    """Pictures as sixteen times sixteen grey squares."""

    name, dims, block_widths = "coarse", 256, (256,)

    def load(self) -> None:
        pass

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        found = [squared(each, 16).mean(0).flatten() / 255 for each in pictures]
        return torch.stack(found) if found else torch.zeros(0, self.dims)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve labelled, ten that wait."""
    monkeypatch.setattr(images, "find_image_encoder", lambda name: Coarse())
    monkeypatch.setattr(images, "missing_for_images", lambda name: None)
    monkeypatch.chdir(tmp_path)
    for number, (name, content) in enumerate(drawn.files(LABELLED + WAITING).items()):
        within = name.split("-")[0] if number < LABELLED else "."
        file = Path("photos", within, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return Path("photos")


def test_those_in_folders_teach_and_those_in_none_are_chosen_from(folder: Path) -> None:
    found = listed(folder, "-n", "4", "--strategy", "margin")
    assert (found["labelled"], found["waiting"]) == (LABELLED, WAITING)
    assert len(found["next"]) == 4
    for each in found["next"]:
        assert Path(each["image"]).parent == folder
        assert set(each) == {"image", "probabilities", "why", "cluster_size"}
        assert set(each["probabilities"]) == {"disc", "bar"}
    told = run(folder).stderr
    assert f"{LABELLED} labelled and {WAITING} unlabelled images" in told
    assert "of labelled images that it had not seen" in told
    assert "text" not in told


def test_an_image_that_is_moved_into_a_folder_is_labelled_the_next_time(folder: Path) -> None:
    first = listed(folder, "-n", "3")["next"]
    for each in first:
        file = Path(each["image"])
        shutil.move(file, folder / file.name.split("-")[0] / file.name)
    again = listed(folder)
    assert (again["labelled"], again["waiting"]) == (LABELLED + 3, WAITING - 3)


def test_a_filled_in_list_teaches_the_next_one(folder: Path, tmp_path: Path) -> None:
    """Wherever it lies: the images are found beside it, from here, and in the folder."""
    rows = list(csv.DictReader(io.StringIO(run(folder, "--format", "csv", "-n", "4").stdout)))
    assert list(rows[0])[:2] == ["image", "label"]
    filled = tmp_path / "elsewhere" / "batch.csv"
    filled.parent.mkdir()
    with filled.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "label": Path(row["image"]).name.split("-")[0]} for row in rows)
    again = listed(folder, "--labels", filled)
    assert (again["labelled"], again["waiting"]) == (LABELLED + 4, WAITING - 4)
    assert not {row["image"] for row in rows} & {each["image"] for each in again["next"]}


def test_another_folder_is_chosen_from_whatever_the_depth(folder: Path) -> None:
    deep = Path("pool/2026/july/new.jpg")
    deep.parent.mkdir(parents=True)
    deep.write_bytes(drawn.jpeg("disc", 77))
    found = load_partly(folder, unlabelled=[Path("pool")])
    assert [each.text for each in found.waiting][-1] == str(deep)
    assert len(found.waiting) == WAITING + 1
    labelled = load_partly(Path("pool/2026/july"), labels=[folder])
    assert len(labelled.labelled) == LABELLED
    assert [each.text for each in labelled.waiting] == [str(deep)]


def test_an_image_waits_once_and_not_where_its_label_is_known(folder: Path) -> None:
    files = sorted(folder.glob("*.jpg"))
    shutil.copy(files[0], folder / "again.jpg")
    shutil.copy(next((folder / "disc").iterdir()), folder / "known.jpg")
    found = load_partly(folder)
    assert (len(found.waiting), found.repeats) == (WAITING, 2)
    assert found.things is IMAGES


def test_names_that_differ_in_case_or_a_dash_are_no_copies(folder: Path) -> None:
    """As they would be of texts."""
    for number, name in enumerate(("IMG-1.jpg", "img_1.jpg", "img 1.jpg")):
        (folder / name).write_bytes(drawn.jpeg("disc", 500 + number))
    assert len(listed(folder, "-n", "50")["next"]) == WAITING + 3


def test_before_there_are_labels_of_two_classes_typical_ones_come_first(folder: Path) -> None:
    shutil.rmtree(folder / "disc")
    done = run(folder, "-n", "2")
    assert done.exit_code == 0, done.stderr
    assert "these images are typical" in done.stderr


def test_what_is_no_image_is_left_out_with_the_reason(folder: Path) -> None:
    for name, content in drawn.broken().items():
        (folder / name).write_bytes(content)
    (folder / ".DS_Store").write_bytes(b"x")
    read = run(folder).stderr
    assert read.count("that cannot be read") == 3
    assert "SVG" in read


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("photos/disc", "--labels", "texts.csv"), "texts.csv holds texts, photos/disc images"),
        (("texts.csv", "--unlabelled", "photos"), "--unlabelled is for folders of images"),
        (("empty",), "images are wanted"),
        (("all",), "no image in it is without a label"),
        (("photos", "--labels", "photos/disc"), "nothing in it has a label"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, arguments: tuple[str, ...], reason: str) -> None:
    Path("texts.csv").write_text("text,label\none,a\ntwo,b\nthree,\n")
    Path("empty").mkdir()
    shutil.copytree(folder / "disc", "all/disc")
    done = run(*arguments)
    assert done.exit_code == 1
    assert reason in " ".join(done.stderr.split())


def test_an_unknown_image_encoder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = folder.resolve()
    monkeypatch.undo()
    done = run(there, "--encoder", "lsa")
    assert done.exit_code == 1
    assert "IMAGE_ENCODER: unknown image encoder 'lsa'" in done.stderr


def test_a_folder_without_any_file_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"labelled ones as in cat/1\.jpg"):
        load_partly(tmp_path)


def test_the_encoder_of_files_gives_a_vector_for_each(folder: Path) -> None:
    files = [str(each) for each in sorted(folder.rglob("*.jpg"))]
    encoder = IMAGES.encoder("coarse", files, 0)
    vectors = encoder.encode(files)
    assert vectors.shape == (len(files), encoder.dims)
    assert block_widths(encoder) == (encoder.dims,)
    assert np.isfinite(vectors.numpy()).all()
    assert encoder.encode([]).shape == (0, encoder.dims)
