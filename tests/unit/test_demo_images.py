"""The demo on images: what is drawn, how it gets into Label Studio, and how it is measured."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from backend.cli import main
from backend.demo.data import DemoData, load, read, split
from backend.demo.drawn import CRACKED_IN, drawn_tiles, tile
from backend.demo.objects import FILES_AT_ONCE, ImageObjects, TextObjects, _number
from backend.demo.project import label_config
from backend.errors import AtlasError
from backend.labelled.things import IMAGES
from backend.settings import Settings
from backend.store.image_cache import image_cache
from tests.fakes.mean_colour import install

COUNT = 4 * CRACKED_IN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return drawn_tiles(tmp_path / "cache", COUNT)


def test_tiles_are_drawn_once_and_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    assert len(list(folder.glob("cracked/*.jpg"))) == COUNT // CRACKED_IN
    first = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")}
    assert drawn_tiles(tmp_path / "cache", COUNT) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")} == first
    assert len({tile(number, cracked=False).tobytes() for number in range(20)}) == 20
    assert np.array_equal(tile(3, cracked=True), tile(3, cracked=True))
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_of_images_becomes_the_demos_data(folder: Path) -> None:
    data = split(read(folder), 0)
    assert isinstance(data.objects, ImageObjects)
    assert (data.rare, data.labels) == ("cracked", ["cracked", "intact"])
    assert isinstance(load(None, 0).objects, TextObjects)
    assert '<Image name="image" value="$image"/>' in label_config(data.labels, data.objects)


def test_uploads_tell_no_class_and_tasks_come_in_the_items_order(folder: Path) -> None:
    """Label Studio numbers them as it likes."""
    items = [path for path, _ in split(read(folder), 0).pool] * 6
    uploaded: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            names = re.findall(rb'filename="([^"]+)"', request.content)
            assert len(names) <= FILES_AT_ONCE
            uploaded.extend(name.decode() for name in names)
            return httpx.Response(201, json={})
        tasks = [
            {"id": 1000 - place, "data": {"image": f"/data/upload/1/0a1b2c3d-{name}"}}
            for place, name in enumerate(uploaded)
        ]
        return httpx.Response(200, json={"tasks": tasks})

    with httpx.Client(base_url="http://studio", transport=httpx.MockTransport(answer)) as http:
        ids = ImageObjects().add(http, 1, items)
    assert ids == [1000 - place for place in range(len(items))]
    assert len(items) > FILES_AT_ONCE
    assert not [name for name in uploaded if "cracked" in name or "intact" in name]


def test_what_is_held_out_is_known_to_the_backend_as_if_it_had_been_fetched(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = install(monkeypatch)
    settings = Settings(data_dir=tmp_path / "data")
    items = [path for path, _ in split(read(folder), 0).held_out]
    values = ImageObjects().held_out(settings, 7, items)
    found = image_cache(settings, 7).kept(encoder.name).found(values)
    assert found.has.all()
    pixels = [np.asarray(Image.open(item).convert("RGB")) for item in items]
    np.testing.assert_allclose(found.features.numpy(), encoder.encode(pixels).numpy(), atol=0.02)
    assert not image_cache(settings, 8).kept(encoder.name).found(values).has.any()


def test_what_cannot_be_is_refused_before_anything_is_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["demo", *arguments])
        assert done.exit_code != 0
        return done.output

    assert "leave --data out" in run("--images", "--data", str(folder))
    monkeypatch.setattr(type(IMAGES), "check", _no_weights)
    assert "IMAGE_ENCODER: its weights are not installed" in run("--data", str(folder))


def _no_weights(self: object, encoder: str) -> None:
    raise ValueError("its weights are not installed")


def test_data_of_texts_is_as_before() -> None:
    data = DemoData([("a", "x")], [("b", "y")])
    assert TextObjects().held_out(Settings(), 1, ["b"]) == ["b"]
    assert data.objects.name == "text"
    with pytest.raises(AtlasError, match="another name"):
        _number("/data/upload/1/cat.jpg")
