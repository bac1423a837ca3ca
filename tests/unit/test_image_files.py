"""An image that was fetched is not fetched again, and one whose bytes are known is not encoded again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.store.files import Files
from backend.store.images import Image, ImageFiles, digest_of_bytes


def image(name: str, content: bytes, *, known: bool = False, etag: str = "") -> Image:
    vector = None if known else np.full(4, len(content), np.float32)
    return Image(name, digest_of_bytes(content), vector, b"jpeg of " + content, etag)


def files_in(folder: Path, encoder: str = "one") -> ImageFiles:
    return ImageFiles(Files(folder), encoder, 4)


def test_an_address_has_the_vector_of_its_bytes(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    files.add([image("/a.png", b"cat", etag='"1"'), image("/b.png", b"horse"), image("/c.png", b"cat")])
    known = files_in(tmp_path).read()
    digests = [known.digest(name) for name in ("/a.png", "/b.png", "/c.png")]
    assert digests == [digest_of_bytes(content) for content in (b"cat", b"horse", b"cat")]
    assert known.kept.of([each for each in digests if each])[:, 0].tolist() == [3, 5, 3]
    assert len(known.kept.vectors) == 2
    assert known.digest("/d.png") is None
    assert files.thumbnails.all() == {
        digest_of_bytes(each): b"jpeg of " + each for each in (b"cat", b"horse")
    }


def test_known_bytes_at_a_new_address_need_no_vector(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    files.add([image("/a.png", b"cat")])
    before = files.paths()
    files.add([image("/b.png", b"cat", known=True)])
    assert files.read().digest("/b.png") == digest_of_bytes(b"cat")
    assert len(files.paths() - before) == 1


def test_another_encoder_has_vectors_of_its_own(tmp_path: Path) -> None:
    files_in(tmp_path).add([image("/a.png", b"cat")])
    other = files_in(tmp_path, "other")
    assert other.read().digest("/a.png") is None
    other.add([image("/a.png", b"cat")])
    assert other.read().digest("/a.png") == files_in(tmp_path).read().digest("/a.png")


def test_what_changed_at_an_address_is_what_counts(tmp_path: Path) -> None:
    files_in(tmp_path).add([image("/a.png", b"cat")])
    other = files_in(tmp_path, "other")
    other.add([image("/a.png", b"dog!")])
    assert other.read().digest("/a.png") == digest_of_bytes(b"dog!")


def test_damaged_files_cost_what_was_in_them(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    files.add([image("/a.png", b"cat")])
    whole = files.paths()
    files.add([image("/b.png", b"horse")])
    for path in tmp_path.iterdir():
        if path.name not in whole and not path.name.endswith(".thumbnails.safetensors"):
            path.write_bytes(path.read_bytes()[:-3])
    known = files.read()
    assert known.digest("/a.png") is not None
    assert known.digest("/b.png") is None
    for path in tmp_path.glob("*.thumbnails.safetensors"):
        path.write_bytes(b"")
    assert files.thumbnails.all() == {}


def test_many_small_files_become_few_and_nothing_is_lost(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    contents = {f"/{i}.png": bytes(i + 1) for i in range(40)}
    for name, content in contents.items():
        files.add([image(name, content, etag=f'"{name}"')])
    (tmp_path / "00-00.images.safetensors").write_bytes(b"damaged")
    assert len(files.paths()) == 2 * 40 + 1
    files.merge()
    assert len(files.paths()) == 2
    known = files.read()
    assert {name: known.digest(name) for name in contents} == {
        name: digest_of_bytes(content) for name, content in contents.items()
    }
    before = files.paths()
    files.merge()
    assert files.paths() == before


def test_small_pictures_are_found_also_those_that_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.store.thumbnails.LOOK_EVERY", 0)
    files = files_in(tmp_path)
    cat, dog, cow = map(digest_of_bytes, (b"cat", b"dog!", b"cow!!"))
    files.add([image("/a.png", b"cat")])
    assert files.thumbnails.of([dog, cat, dog]) == [b"", b"jpeg of cat", b""]
    files_in(tmp_path).add([image("/b.png", b"dog!"), image("/c.png", b"cow!!")])
    assert files.thumbnails.of([cow, cat]) == [b"jpeg of cow!!", b"jpeg of cat"]
    for path in tmp_path.glob("*.thumbnails.safetensors"):
        path.write_bytes(b"damaged")
    assert files.thumbnails.of([cow, dog]) == [b"", b""]
