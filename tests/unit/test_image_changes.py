"""What stood at an address is taken to stand there for a day; then idle workers ask about its ETag."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from backend.jobs.encoding import encode_shard
from backend.store import images, tensors
from backend.store.files import Files
from backend.store.image_cache import image_cache
from backend.store.images import ASK_AGAIN_AFTER, MADE, Image, ImageFiles, digest_of_bytes
from tests.content import FileServer, Handler, file_server, say
from tests.fakes.loop import Loop
from tests.fakes.mean_colour import MeanColour, install, png
from tests.fakes.project import FakeProject
from tests.unit.test_image_loop import CONFIG

COUNT = 6


class Tagged:
    """A file with an ETag, if it has one. served: how often with its content, and without."""

    def __init__(self, content: bytes, etag: str = '"1"'):
        self.content, self.etag, self.served = content, etag, [0, 0]

    def __call__(self, handler: Handler) -> None:
        tag = {"ETag": self.etag} if self.etag else {}
        is_same = bool(self.etag) and handler.headers["If-None-Match"] == self.etag
        self.served[is_same] += 1
        say(handler, 304 if is_same else 200, b"" if is_same else self.content, **tag)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> MeanColour:
    return install(monkeypatch)


@pytest.fixture
def files() -> dict[int, Tagged]:
    return {i: Tagged(png(40 * i)) for i in range(COUNT)}


@pytest.fixture
def server(files: dict[int, Tagged]) -> Iterator[FileServer]:
    with file_server() as found:
        found.answers |= {f"/{i}.png": file for i, file in files.items()}
        yield found


@pytest.fixture
def project(loop: Loop, server: FileServer, encoder: MeanColour) -> FakeProject:
    loop.set(content_hosts=f"127.0.0.1:{server.port}", encode_within=60)
    found = loop.fake.create([{"image": f"{server.url}/{i}.png"} for i in range(COUNT)], label_config=CONFIG)
    loop.fake.spread(found.id)
    loop.retrain(found)
    return found


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    later_by(monkeypatch, 1)


def later_by(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    clock = SimpleNamespace(time=lambda: time.time() + days * (ASK_AGAIN_AFTER + 1))
    monkeypatch.setattr(images, "time", clock)


def asked_again(loop: Loop, project: FakeProject) -> int:
    """How many addresses a retrain has workers ask."""
    done = loop.retrain(project)
    assert "not fetched" not in str(done["notes"])
    shards = image_cache(loop.settings, project.id).waiting.shards()
    for shard in shards:
        assert f"encode-{project.id}-{shard.key}" in loop.jobs()
        encode_shard(project.id, shard.key)
    return sum(shard.count for shard in shards)


def test_within_a_day_nothing_is_asked(loop: Loop, project: FakeProject, files: dict[int, Tagged]) -> None:
    assert asked_again(loop, project) == 0
    assert [file.served for file in files.values()] == [[1, 0]] * COUNT


def test_what_has_not_changed_is_neither_downloaded_nor_encoded_and_rests_for_another_day(
    loop: Loop, project: FakeProject, files: dict[int, Tagged], encoder: MeanColour, later: None
) -> None:
    assert asked_again(loop, project) == COUNT
    assert [file.served for file in files.values()] == [[1, 1]] * COUNT
    assert encoder.encoded == COUNT
    assert asked_again(loop, project) == 0


def test_what_has_changed_has_another_vector(
    loop: Loop, project: FakeProject, files: dict[int, Tagged], encoder: MeanColour, later: None
) -> None:
    files[2].content, files[2].etag = png(255), '"2"'
    assert asked_again(loop, project) == COUNT
    assert files[2].served == [2, 0]
    assert encoder.encoded == COUNT + 1
    known = image_cache(loop.settings, project.id).images(encoder).read()
    (address,) = [t["data"]["image"] for t in project.tasks.values() if t["data"]["image"].endswith("/2.png")]
    assert known.digest(address) == digest_of_bytes(png(255))
    assert known.etag(address) == '"2"'


def test_a_server_that_tells_no_etag_is_not_asked_again(
    loop: Loop, project: FakeProject, files: dict[int, Tagged], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could only be downloaded whole."""
    for file in files.values():
        file.etag = ""
    later_by(monkeypatch, 1)
    assert asked_again(loop, project) == COUNT
    later_by(monkeypatch, 2)
    assert asked_again(loop, project) == 0
    assert [file.served for file in files.values()] == [[2, 0]] * COUNT


def test_what_cannot_be_had_any_more_stays_what_it_was(
    loop: Loop, project: FakeProject, server: FileServer, later: None
) -> None:
    del server.answers["/3.png"]
    assert asked_again(loop, project) == COUNT
    done = loop.retrain(project)
    assert "cannot be had" not in str(done["notes"])
    assert done["waiting"] == COUNT


def test_what_a_release_before_kept_is_read_and_many_days_become_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ImageFiles(Files(tmp_path), "one", 4)
    image = Image("/a.png", digest_of_bytes(b"cat"), np.ones(4, np.float32), b"jpeg", '"1"')
    files.add([image])
    (path,) = tmp_path.glob(f"*{MADE}")
    stored = tensors.parse(path.read_bytes())
    path.write_bytes(tensors.pack({name: each for name, each in stored.items() if name != "times"}))
    assert files.read().unsure_since("/a.png") == ASK_AGAIN_AFTER
    for days in range(20):
        later_by(monkeypatch, days)
        files.add([Image("/a.png", image.digest, None, b"", f'"{days}"')])
    assert files.read().etag("/a.png") == '"19"'
    assert files.read().unsure_since("/a.png") is None
    files.merge()
    (path,) = tmp_path.glob(f"*{MADE}")
    assert len(tensors.parse(path.read_bytes())["names"]) == 1
    assert files.read().etag("/a.png") == '"19"'
