"""A folder of images, a folder per class in it, is simulated as a file of texts is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.encoders.lite0_weights import WEIGHTS
from backend.errors import AtlasError
from backend.labelled import load
from tests import drawn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {**drawn.files(40), **drawn.broken()}.items():
        file = tmp_path / "shapes" / name.split("-")[0] / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "shapes" / "bar" / "again.jpg").write_bytes(drawn.files(2)["bar-1.jpg"])
    (tmp_path / "shapes" / "bar" / ".DS_Store").write_bytes(b"x")
    return tmp_path / "shapes"


def test_each_content_once_and_what_cannot_be_read_is_left_out_with_the_reason(folder: Path) -> None:
    found = load(folder)
    assert found.per_class == {"bar": 20, "disc": 20}
    assert found.duplicates == 1
    assert sum(found.dropped.values()) == 3
    assert any("SVG" in reason for reason in found.dropped)
    assert all(Path(file).is_file() for file, _ in found.rows)


def test_a_folder_without_classes_says_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(drawn.jpeg("disc", 1))
    with pytest.raises(AtlasError, match=r"a folder per class is wanted, as in cat/1\.jpg"):
        load(tmp_path)


@pytest.mark.skipif(WEIGHTS.missing() is not None, reason=str(WEIGHTS.missing()))
def test_a_folder_of_images_is_simulated(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = [
        "--seeds",
        "2",
        "--start",
        "4",
        "--batch",
        "6",
        "--budget",
        "16",
        "--strategies",
        "random,margin",
    ]
    done = CliRunner().invoke(
        main, ["simulate", str(folder), *options, "--out", str(out), "--processes", "1"]
    )
    assert done.exit_code == 0, done.output
    assert "40 images of 2 classes" in done.output
    summary = json.loads((out / "summary.json").read_text())
    assert "lite0" in json.dumps(summary)
    assert all(each["final_macro_f1"] > 0.6 for each in summary["strategies"].values())


def test_an_unknown_image_encoder_is_refused(folder: Path) -> None:
    done = CliRunner().invoke(main, ["simulate", str(folder), "--encoder", "lsa"])
    assert done.exit_code == 1
    assert "unknown image encoder 'lsa'; choose one of: lite0" in done.output
