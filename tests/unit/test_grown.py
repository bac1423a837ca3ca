"""Records that only become more, in parts of which only the last one grows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.store.files import Files
from backend.store.grown import GrownRecord, rows_by_name


class Numbers(GrownRecord[int]):
    folder, ending, part_rows = "numbers", ".json", 3

    def encoded(self, rows: Sequence[int]) -> bytes:
        return json.dumps(list(rows)).encode()

    def rows(self, path: str) -> list[int]:
        try:
            return [int(each) for each in json.loads(self._files.read_constant(path))]
        except (OSError, ValueError):
            return []

    def all(self) -> list[int]:
        return [row for path in self.parts() for row in self.rows(path)]


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return Numbers(Files(tmp_path))


@pytest.mark.parametrize(
    "added",
    [[[1]], [[1], [2], [3], [4]], [[1, 2, 3, 4, 5, 6, 7]], [[1, 2], [3, 4], [5, 6, 7]], [[], [1], []], [[]]],
)
def test_what_was_added_is_there_in_its_order(numbers: Numbers, added: list[list[int]]) -> None:
    for some in added:
        numbers.add(some)
    every = [row for some in added for row in some]
    assert numbers.all() == every
    assert [rows_by_name(path) for path in numbers.parts()] == [
        min(3, len(every) - start) for start in range(0, len(every), 3)
    ]


def test_only_the_last_part_is_written_again_and_the_shorter_one_goes(
    numbers: Numbers, tmp_path: Path
) -> None:
    numbers.add([1, 2, 3, 4])
    full = tmp_path / "numbers" / "000001-0003.json"
    before = full.stat().st_mtime_ns
    numbers.add([5])
    assert sorted(path.name for path in (tmp_path / "numbers").iterdir()) == [full.name, "000002-0002.json"]
    assert full.stat().st_mtime_ns == before


def test_who_died_before_the_shorter_one_was_deleted_left_the_longer_one(
    numbers: Numbers, tmp_path: Path
) -> None:
    numbers.add([1])
    (tmp_path / "numbers" / "000001-0002.json").write_text("[1, 2]")
    assert numbers.all() == [1, 2]
    numbers.add([3])
    assert numbers.all() == [1, 2, 3]


def test_a_damaged_part_stays_as_it_is_and_the_record_goes_on_behind_it(
    numbers: Numbers, tmp_path: Path
) -> None:
    numbers.add([1, 2])
    damaged = tmp_path / "numbers" / "000001-0002.json"
    damaged.write_text("[1")
    numbers.add([3])
    assert damaged.read_text() == "[1"
    assert numbers.all() == [3]
    assert numbers.parts() == ["numbers/000001-0002.json", "numbers/000002-0001.json"]


def test_other_files_beside_are_no_parts(numbers: Numbers, tmp_path: Path) -> None:
    numbers.add([1])
    (tmp_path / "numbers" / "notes.txt").write_text("x")
    (tmp_path / "numbers" / ".000001-0002.json.7").write_text("[1, 2]")  # half of a write
    assert numbers.all() == [1]
