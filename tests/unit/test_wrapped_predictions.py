"""What a wrapped backend said is kept by task and version, whoever writes at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.store import wrapped_predictions as store
from backend.store.bucket import Bucket
from backend.store.files import Files, SharedFiles
from backend.store.wrapped_index import Rows
from backend.store.wrapped_parts import PART_BYTES, PART_ROWS
from backend.store.wrapped_predictions import FOLDER, RESULTS, TASKS, WrappedPredictions
from backend.wrapped.prediction import WrappedPrediction


def said(task: int, made: float = 1, version: str = "v1", text: str = "a") -> WrappedPrediction:
    return WrappedPrediction(task, version, ({"value": {"choices": [text]}},), 0.5, made)


@pytest.fixture(params=["folder", "bucket"])
def files(request: Any, tmp_path: Path) -> Files:
    if request.param == "folder":
        return Files(tmp_path)
    return SharedFiles(tmp_path / "copy", Bucket(f"file://{tmp_path}/bucket"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOOK_EVERY", 0)


def test_the_newest_of_each_task_is_found_by_whoever_asks(files: Files, at_once: None) -> None:
    kept, other = WrappedPredictions(files), WrappedPredictions(files)
    assert other.newest([1, 2]) == {}
    kept.add([said(1), said(2)])
    other.add([said(1, made=2, version="v2", text="b")])
    for each in (kept, other, WrappedPredictions(files)):
        found = each.newest([2, 1, 1, 3])
        assert {task: (one.version, one.score, one.result) for task, one in found.items()} == {
            1: ("v2", 0.5, ({"value": {"choices": ["b"]}},)),
            2: ("v1", 0.5, ({"value": {"choices": ["a"]}},)),
        }


def test_nothing_here_and_no_score_are_kept_as_they_are(files: Files) -> None:
    kept = WrappedPredictions(files)
    kept.add([WrappedPrediction(7, "v", (), None, 3.5)])
    assert kept.newest([7]) == {7: WrappedPrediction(7, "v", (), None, 3.5)}


def test_what_was_said_before_a_moment_is_found(files: Files) -> None:
    kept = WrappedPredictions(files)
    kept.add([said(1, 1), said(1, 2, "v2"), said(2, 5)])
    assert kept.before(1, 1) is None
    assert [one.version for when in (1.5, 2, 2.5) if (one := kept.before(1, when))] == ["v1", "v1", "v2"]
    assert {task: one.made for task, one in kept.each_before({2: 9, 1: 2, 3: 9}).items()} == {1: 1, 2: 5}


def test_it_is_told_of_which_tasks_nothing_was_said_yet(files: Files) -> None:
    kept = WrappedPredictions(files)
    assert kept.lacking([3, 1]) == [3, 1]
    kept.add([said(1), said(2, made=5, version="v2")])
    assert kept.lacking([3, 2, 1]) == [3]
    assert kept.lacking([3, 2, 1], since=2) == [3, 1]
    assert (kept.count_since(0), kept.count_since(2)) == (2, 1)


def test_many_small_parts_become_few_and_say_the_same(files: Files) -> None:
    kept = WrappedPredictions(files)
    for task in range(40):
        kept.add([said(task, made=task + 1, text=str(task))])
    before = kept.newest(range(40))
    kept.merge()
    assert len(files.paths(FOLDER, TASKS)) == len(files.paths(FOLDER, RESULTS)) == 1
    assert kept.newest(range(40)) == WrappedPredictions(files).newest(range(40)) == before
    names = files.paths(FOLDER)
    kept.merge()
    assert files.paths(FOLDER) == names


def test_a_reader_finds_what_was_merged_under_its_eyes(files: Files) -> None:
    kept = WrappedPredictions(files)
    for task in range(20):
        kept.add([said(task)])
    reader = WrappedPredictions(files)
    found = reader.each_newest(range(20))
    first = next(found)
    kept.merge()
    assert {first.task, *(each.task for each in found)} == set(range(20))


def test_what_older_versions_said_goes_once_three_newer_ones_spoke(files: Files) -> None:
    kept = WrappedPredictions(files)
    for number in range(6):
        kept.add([said(1, number, f"v{number}"), said(1, number + 0.5, f"v{number}")])
    kept.add([said(2, 0, "v0")])
    kept.merge()
    again = WrappedPredictions(files)
    assert [one.version if (one := again.before(1, when)) else None for when in (3, 4.1, 5.1, 9)] == [
        None,
        "v3",
        "v4",
        "v5",
    ]
    assert again.newest([2])[2].version == "v0"


def test_parts_are_of_bounded_size(files: Files) -> None:
    kept = WrappedPredictions(files)
    kept.add([said(task) for task in range(PART_ROWS + 1)])
    assert len(files.paths(FOLDER, TASKS)) == 2
    kept.add([said(task, 2, text="x" * (PART_BYTES // 2)) for task in range(3)])
    assert len(files.paths(FOLDER, TASKS)) == 5
    assert len(kept.newest(range(PART_ROWS + 1))) == PART_ROWS + 1


def test_a_killed_writer_leaves_nothing_that_is_seen(files: Files) -> None:
    kept = WrappedPredictions(files)
    kept.add([said(1)])
    files.delete(files.paths(FOLDER, TASKS)[0])
    assert WrappedPredictions(files).newest([1]) == {}


@pytest.mark.parametrize("ending", [TASKS, RESULTS])
def test_a_damaged_part_loses_itself_alone(tmp_path: Path, ending: str) -> None:
    files = Files(tmp_path)
    kept = WrappedPredictions(files)
    kept.add([said(1)])
    files.write(files.paths(FOLDER, ending)[0], b"garbage")
    kept.add([said(2)])
    assert list(WrappedPredictions(files).newest([1, 2])) == [2]


def test_all_is_forgotten(files: Files) -> None:
    kept = WrappedPredictions(files)
    kept.add([said(1)])
    kept.forget()
    assert kept.newest([1]) == {}
    assert files.paths(FOLDER) == []


def test_one_of_many_is_found_without_a_look_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An annotator waits for it: what is looked through does not grow with the pool."""
    looked = list[int]()
    newest = Rows.newest

    def counted(self: Rows, tasks: Any, until: Any) -> Rows:
        looked.append(len(self.tasks))
        return newest(self, tasks, until)

    monkeypatch.setattr(Rows, "newest", counted)
    for many in (2_000, 20_000):
        kept = WrappedPredictions(Files(tmp_path / str(many)))
        kept.add([said(task) for task in range(many)])
        for task in range(100):  # as they come in one by one
            kept.add([said(task, made=2, text="b")])
        reader = WrappedPredictions(Files(tmp_path / str(many)))
        for each in (kept, reader):
            assert each.newest([7])[7].result == said(7, text="b").result
    assert max(looked) < 200
