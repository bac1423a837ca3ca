"""Parts of contents on disk: found as they were kept, whatever is lost, merged or damaged on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.learning.units import Units
from backend.store import unit_files
from backend.store.files import Files
from backend.store.unit_files import Block, Row, UnitFiles, blocks_of
from backend.store.vectors import digest_of

ROW = Row(3)


def block(number: int, words: int = 2) -> Block:
    rows = np.full((words, 3), number, np.float16)
    return Block(rows, np.arange(2 * words, dtype=np.int32).reshape(words, 2))


def digest(number: int) -> bytes:
    return digest_of(str(number))


@pytest.fixture
def kept(tmp_path: Path) -> UnitFiles:
    return UnitFiles(Files(tmp_path), "made~3a~words-0a1b2c3d", ROW)


def test_contents_come_back_in_any_order_also_those_without_a_word(kept: UnitFiles) -> None:
    kept.add({digest(1): block(1), digest(2): block(2, words=0), digest(3): block(3, words=1)})
    found = kept.find({digest(i) for i in range(9)})
    units = found.of([digest(3), digest(2), digest(1)])
    assert units.rows[:, 0].tolist() == [3, 1, 1]
    assert units.item.tolist() == [0, 2, 2]
    assert units.marks.tolist() == [[0, 1], [0, 1], [2, 3]]
    assert units.items == 3
    assert set(found.blocks) == {digest(1), digest(2), digest(3)}


def test_a_text_of_no_words_alone_is_kept(kept: UnitFiles) -> None:
    kept.add({digest(1): block(1, words=0)})
    assert kept.find({digest(1)}).of([digest(1)]).rows.shape == (0, 3)


def test_what_an_encoder_gives_comes_apart_by_item() -> None:
    units = Units(torch.arange(9.0).view(3, 3).half(), torch.tensor([0, 2, 2]), torch.zeros(3, 2), 4)
    assert [each.rows[:, 0].tolist() for each in blocks_of(units)] == [[0], [], [3, 6], []]


def test_many_small_files_become_few_and_lose_nothing(kept: UnitFiles, tmp_path: Path) -> None:
    for i in range(unit_files.MANY + 1):
        kept.add({digest(i): block(i)})
    kept.merge()
    assert len(list(tmp_path.iterdir())) == 1
    units = kept.find({digest(i) for i in range(99)}).of([digest(i) for i in range(unit_files.MANY + 1)])
    assert units.rows[::2, 0].tolist() == list(range(unit_files.MANY + 1))


def test_merging_lets_go_of_what_nobody_wants(kept: UnitFiles) -> None:
    kept.add({digest(1): block(1), digest(2): block(2)})
    kept.merge({digest(2)})
    assert set(kept.find({digest(1), digest(2)}).blocks) == {digest(2)}
    kept.merge({digest(2)})
    assert set(kept.find({digest(1), digest(2)}).blocks) == {digest(2)}


def test_a_damaged_file_costs_what_is_in_it(kept: UnitFiles, tmp_path: Path) -> None:
    kept.add({digest(1): block(1)})
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    kept.add({digest(2): block(2)})
    assert set(kept.find({digest(1), digest(2)}).blocks) == {digest(2)}
    kept.merge()
    assert len(list(tmp_path.iterdir())) == 1


def test_another_encoders_rows_are_not_taken_for_this_ones(kept: UnitFiles, tmp_path: Path) -> None:
    kept.add({digest(1): block(1)})
    other = UnitFiles(Files(tmp_path), "made~3a~words-ffffffff", ROW)
    assert not other.find({digest(1)}).blocks
