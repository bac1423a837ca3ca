"""Vectors on disk: in shards, few of them, and what a release before left in one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.jobs import encode_pool
from backend.settings import Settings
from backend.store import tensors, vectors
from backend.store.features import FeatureCache
from backend.store.files import Files
from backend.store.locations import feature_cache
from backend.store.vectors import VectorFiles, digest_of

TEXTS = [f"text number {n} about topic {n % 3}" for n in range(40)]
NAME = "slow-000040-12345678-12345678"


@pytest.fixture
def kept(tmp_path: Path) -> VectorFiles:
    return VectorFiles(Files(tmp_path), Files(tmp_path))


def made(texts: list[str]) -> tuple[list[bytes], np.ndarray]:
    """Digests, and vectors that tell which text they are of."""
    rows = [[float(text.split()[2]), 1.0] for text in texts]
    return [digest_of(text) for text in texts], np.array(rows, np.float16).reshape(-1, 2)


def numbers(kept: VectorFiles) -> list[int]:
    found = kept.read(NAME, 2)
    digests = [digest_of(text) for text in TEXTS if digest_of(text) in found.rows]
    return found.of(digests)[:, 0].astype(int).tolist()


def test_what_is_added_in_parts_is_read_as_one(kept: VectorFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "SHARD", 8)
    for part in (TEXTS[:20], TEXTS[20:23], TEXTS[23:]):
        kept.add(NAME, *made(part))
    assert numbers(kept) == list(range(40))


def test_two_that_encode_the_same_texts_write_one_file(kept: VectorFiles, tmp_path: Path) -> None:
    kept.add(NAME, *made(TEXTS))
    kept.add(NAME, *made(TEXTS[::-1]))
    assert len(list(tmp_path.iterdir())) == 1
    assert numbers(kept) == list(range(40))


def test_an_addition_leaves_the_files_that_are_there_alone(kept: VectorFiles, tmp_path: Path) -> None:
    kept.add(NAME, *made(TEXTS[:39]))
    (before,) = tmp_path.iterdir()
    written = before.stat().st_mtime_ns
    kept.add(NAME, *made(TEXTS[39:]))
    assert before.stat().st_mtime_ns == written


def test_many_small_files_become_few_full_ones(
    kept: VectorFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "SHARD", 8)
    monkeypatch.setattr(vectors, "MANY", 4)
    for text in TEXTS:
        kept.add(NAME, *made([text]))
        kept.merge(NAME, 2)
        assert len(list(tmp_path.iterdir())) <= len(TEXTS) // (8 // 2) + 4 + 1
    assert numbers(kept) == list(range(40))


def test_where_there_are_few_small_files_a_merge_reads_none(
    kept: VectorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "SHARD", 8)
    kept.add(NAME, *made(TEXTS[:30]))  # three full ones, and one of six
    kept.add(NAME, *made(TEXTS[30:33]))
    read = []
    monkeypatch.setattr(Files, "read_constant", lambda files, path: read.append(path))
    kept.merge(NAME, 2)
    assert read == []


def test_vectors_of_vanished_texts_are_forgotten_where_they_are_the_most(
    kept: VectorFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "SHARD", 10)
    kept.add(NAME, *made(TEXTS))
    present = {digest_of(text) for text in [*TEXTS[:3], *TEXTS[10:16], *TEXTS[30:]]}
    kept.forget(NAME, 2, present)
    assert numbers(kept) == [*range(3), *range(10, 20), *range(30, 40)]
    assert len(list(tmp_path.iterdir())) == 3
    kept.forget(NAME, 2, present)
    assert numbers(kept) == [*range(3), *range(10, 20), *range(30, 40)]


def test_a_project_whose_texts_were_replaced_keeps_its_vectors_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_pool, "SHARD", 10)
    cache = FeatureCache(tmp_path)
    held = []
    for first in range(0, 400, 20):
        texts = [f"text number {n} about topic {n % 3}" for n in range(first, first + 40)]
        pool = encode_pool.encode_pool(cache, texts, [], 60)
        assert len(pool.features) == 40
        (part,) = cache.read_again(cache.wanted(texts)).parts
        held.append(len(part.kept.rows))
    assert max(held) <= 3 * 40 + 10


def test_a_merge_that_was_killed_before_it_deleted_costs_nothing(
    kept: VectorFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "MANY", 4)
    for text in TEXTS:
        kept.add(NAME, *made([text]))
    with monkeypatch.context() as killed:
        killed.setattr(Files, "delete", lambda files, path: None)
        kept.merge(NAME, 2)
    assert numbers(kept) == list(range(40))
    kept.merge(NAME, 2)
    assert len(list(tmp_path.iterdir())) == 1
    assert numbers(kept) == list(range(40))


def test_of_a_damaged_shard_only_its_own_texts_are_encoded_anew(
    kept: VectorFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept.add(NAME, *made(TEXTS[:10]))
    (damaged,) = tmp_path.iterdir()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    kept.add(NAME, *made(TEXTS[10:]))
    assert numbers(kept) == list(range(10, 40))
    assert "made anew" in caplog.text
    kept.merge(NAME, 2)
    assert not damaged.exists()
    assert numbers(kept) == list(range(10, 40))


def test_a_shard_that_is_merged_while_it_is_read_is_found_in_the_other(
    kept: VectorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "MANY", 1)
    for text in TEXTS[:3]:
        kept.add(NAME, *made([text]))
    listed = Files.paths

    def merged_meanwhile(files: Files, *args: str, **options: str) -> list[str]:
        found = listed(files, *args, **options)
        monkeypatch.setattr(Files, "paths", listed)
        kept.merge(NAME, 2)
        return found

    monkeypatch.setattr(Files, "paths", merged_meanwhile)
    assert numbers(kept) == [0, 1, 2]


def test_the_single_file_of_a_release_before_is_read(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    features, name = cache.encode(TEXTS)
    (shard,) = tmp_path.glob(f"{name}.*.vectors.safetensors")
    stored = tensors.parse(shard.read_bytes())
    stored["vectors"] = np.ascontiguousarray(stored["vectors"][::-1])  # to be told from what is encoded anew
    shard.unlink()
    (tmp_path / f"{name}.vectors.safetensors").write_bytes(tensors.pack(stored))
    again, same = FeatureCache(tmp_path).encode(TEXTS)
    assert same == name
    assert torch.equal(again, features.flip(0))
    assert not list(tmp_path.glob(f"{name}.*.vectors.safetensors"))
    cache.forget_all_but(set())
    assert not list(tmp_path.iterdir())


def test_another_machine_reads_what_one_has_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"file://{tmp_path}/bucket"
    one, two = (Settings(data_dir=tmp_path / name, model_store=store) for name in ("one", "two"))
    ours, name = feature_cache(one, 3).encode(TEXTS)
    monkeypatch.setattr("backend.store.features.encoded", lambda *_: pytest.fail("encoded a second time"))
    theirs, same = feature_cache(two, 3).encode(TEXTS)
    assert (same, torch.equal(ours, theirs)) == (name, True)
    feature_cache(two, 3).forget_all_but({name})
    assert len(list(two.data_dir.rglob("*.vectors.safetensors"))) == 1  # its copy, for the next time
