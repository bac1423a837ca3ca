"""Arrays as bytes that tell whether they are whole, and what is kept as such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import DamagedFile
from backend.store import tensors
from backend.store.files import Files
from backend.store.queue_origin import QueueOrigin
from backend.store.vectors import digest_of
from backend.store.waiting import Shard, WaitingTexts

ARRAYS = {"b": np.arange(6, dtype=np.int64).reshape(2, 3), "a": np.array([0.5, -1], np.float32)}


def test_arrays_come_back_as_they_were() -> None:
    found = tensors.parse(tensors.pack(ARRAYS))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found[name].dtype, found[name].tolist()) == (array.dtype, array.tolist())


def test_the_same_arrays_give_the_same_bytes_whatever_their_order_in_memory() -> None:
    assert tensors.pack(ARRAYS) == tensors.pack(dict(reversed(ARRAYS.items())))
    turned = {"x": np.asfortranarray(np.arange(6.0).reshape(2, 3))}
    assert tensors.pack(turned) == tensors.pack({"x": np.arange(6.0).reshape(2, 3)})
    assert tensors.parse(tensors.pack(turned))["x"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 7, b"\xff" * 64, b"\x02" + b"\0" * 7 + b"{}", tensors.pack(ARRAYS)[:-1]],
    ids=["empty", "short", "a header without end", "no digest", "cut"],
)
def test_what_holds_no_arrays_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedFile, match="it holds no arrays that can be read"):
        tensors.parse(content)


def test_one_bit_makes_it_damaged_unless_it_is_known_to_be_whole() -> None:
    content = bytearray(tensors.pack(ARRAYS))
    content[-1] ^= 1
    with pytest.raises(DamagedFile, match="its content is not what was written"):
        tensors.parse(bytes(content))
    assert tensors.parse(bytes(content), whole=True).keys() == ARRAYS.keys()


@pytest.mark.parametrize(
    ("size", "counts"), [(2, [2, 2, 1]), (5, [5]), (99, [5]), (1, [1] * 5), (0, [1] * 5), (-3, [1] * 5)]
)
def test_texts_wait_in_shards_in_their_order(size: int, counts: list[int], tmp_path: Path) -> None:
    waiting, texts = WaitingTexts(Files(tmp_path)), ["a", "\xe9", "\N{ROCKET}", "", "\n"]
    made = waiting.add("use", texts, size)
    assert [shard.count for shard in made] == counts
    assert [text for shard in made for text in waiting.texts(shard)] == texts
    assert sorted(waiting.shards("use"), key=str) == sorted(made, key=str)


def test_shards_are_named_after_what_they_hold(tmp_path: Path) -> None:
    waiting = WaitingTexts(Files(tmp_path))
    said = (("u", ["a"]), ("u", ["a"]), ("u", ["b"]), ("v", ["a"]))
    (one,), (again,), (other,), (elsewhere,) = (waiting.add(name, texts, 9) for name, texts in said)
    assert one == again
    assert len({one, other, elsewhere}) == 3
    assert len(waiting.shards()) == 3
    waiting.done(one)
    assert waiting.texts(one) == []
    assert one not in waiting.shards()


def test_what_waits_already_is_not_asked_for_again(tmp_path: Path) -> None:
    waiting = WaitingTexts(Files(tmp_path))
    shards = waiting.add("u", ["a", "b"], 9)
    missing = {digest_of(text): text for text in ("b", "c", "d")}
    assert list(waiting.not_yet_in(shards, missing).values()) == ["c", "d"]
    assert waiting.not_yet_in([], missing) == missing
    many = [*shards, Shard("u", "0" * 16, 5)]  # so many wait that all may be among them
    assert waiting.not_yet_in(many, missing) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        tensors.pack({"other": np.zeros(1)}),
        tensors.pack({"texts": np.frombuffer(b"no zip", np.uint8)}),
    ],
)
def test_a_shard_that_cannot_be_read_is_gone(content: bytes, tmp_path: Path) -> None:
    files = Files(tmp_path)
    waiting = WaitingTexts(files)
    (shard,) = waiting.add("u", ["a"], 9)
    files.write(shard.path, content)
    assert waiting.texts(shard) == []
    assert waiting.shards() == []


def test_files_of_other_names_are_no_shards(tmp_path: Path) -> None:
    files = Files(tmp_path)
    for name in ("u", f"u.{'0' * 16}.x", f"u.{'g' * 16}.1", f"u.{'0' * 16}"):
        files.write(f"{name}.texts.safetensors", b"x")
    assert WaitingTexts(files).shards() == []


ORIGIN = QueueOrigin(
    ranked=3,
    copies=1,
    by=("margin", "audit"),
    chosen_by=torch.tensor([0, 1]),
    rounds=torch.tensor([1, 2]),
    chances=torch.tensor([1.0, float("nan")]).double(),
    controls=("c", "d"),
    in_turn_of=torch.tensor([0, 1]),
    silent=torch.tensor([2]),
    centers=torch.eye(2),
)


def test_how_a_queue_came_about_comes_back_from_its_parts() -> None:
    again = QueueOrigin.from_parts(ORIGIN.described(), ORIGIN.tensors())
    assert again.described() == ORIGIN.described()
    for name, tensor in ORIGIN.tensors().items():
        assert torch.equal(again.tensors()[name].nan_to_num(-1), tensor.nan_to_num(-1)), name
    assert again.bytes == ORIGIN.bytes > 0
    assert again.is_known


def test_of_releases_before_nothing_is_known() -> None:
    assert not QueueOrigin.from_parts(None, {}).is_known
    former = QueueOrigin.from_parts({"ranked": 2, "copies": 0, "by": ["x"]}, {})
    assert (former.ranked, former.controls, len(former.chosen_by)) == (2, (), 0)
    for described in ({}, {"ranked": "x", "copies": 0, "by": []}, {"ranked": 1, "copies": 0, "by": 3}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            QueueOrigin.from_parts(described, {})
