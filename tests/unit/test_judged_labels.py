"""What people on a page called right, or sent back."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.store.accepted_parts import AcceptedParts, Unmarked
from backend.store.files import Files
from backend.store.judged_labels import ACCEPTED, OPENED, SENT_BACK, JudgedLabels


@pytest.fixture
def judged(tmp_path: Path) -> JudgedLabels:
    return JudgedLabels(Files(tmp_path), tmp_path)


def test_the_last_verdict_on_a_task_counts(judged: JudgedLabels) -> None:
    judged.judge(1, ACCEPTED, "a")
    judged.judge(2, SENT_BACK, "b")
    judged.judge(1, SENT_BACK, "c")
    assert judged.read() == {1: (SENT_BACK, "c"), 2: (SENT_BACK, "b")}
    judged.forget(1)
    judged.forget(9)
    assert judged.read() == {2: (SENT_BACK, "b")}


def test_what_is_served_again_keeps_the_label_that_it_was_about(judged: JudgedLabels) -> None:
    judged.judge(1, SENT_BACK, "a")
    judged.opened([1, 2])
    assert judged.read() == {1: (OPENED, "a"), 2: (OPENED, "")}


def test_what_is_answered_again_is_forgotten_and_nothing_else(judged: JudgedLabels) -> None:
    judged.judge(1, SENT_BACK, "a")
    judged.judge(3, ACCEPTED, "c")
    judged.opened([2, 4])
    judged.answered({1, 2, 3})
    assert judged.read() == {1: (SENT_BACK, "a"), 3: (ACCEPTED, "c"), 4: (OPENED, "")}


def test_where_nothing_was_answered_nothing_is_written(judged: JudgedLabels, tmp_path: Path) -> None:
    judged.answered({1})
    assert list(tmp_path.iterdir()) == []


def test_two_lists_of_one_project_are_apart(tmp_path: Path) -> None:
    one, other = (JudgedLabels(Files(tmp_path), tmp_path, name) for name in ("a.json", "b.json"))
    one.judge(1, ACCEPTED, "a")
    assert other.read() == {}


BOX = Unmarked(7, "d", (10.0, 10.0, 20.0, 20.0))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (BOX, True),
        (BOX._replace(place=(11.0, 10.0, 20.0, 20.0)), True),  # another model draws nearly the same
        (BOX._replace(place=(25.0, 10.0, 20.0, 20.0)), False),
        (BOX._replace(task=8), False),
        (BOX._replace(answer="e"), False),
        (BOX._replace(place=(10.0, 20.0)), False),
    ],
)
def test_a_place_is_the_same_where_half_of_it_is(other: Unmarked, same: bool) -> None:
    assert BOX.is_same(other) is other.is_same(BOX) is same


@pytest.mark.parametrize(
    ("place", "same"), [((0, 10), True), ((0, 5), True), ((0, 4), False), ((10, 20), False)]
)
def test_so_is_a_part_of_a_text(place: tuple[float, float], same: bool) -> None:
    assert Unmarked(7, "d", (0.0, 10.0)).is_same(Unmarked(7, "d", place)) is same


def test_what_was_said_of_former_answers_of_a_task_is_forgotten(tmp_path: Path) -> None:
    accepted = AcceptedParts(Files(tmp_path), tmp_path)
    for each in (BOX, BOX._replace(task=8), BOX._replace(place=(0.0, 0.0, 1.0, 1.0))):
        accepted.add_unmarked(each)
    assert len(accepted.unmarked()) == 3
    accepted.add_unmarked(BOX._replace(answer="new"))
    assert accepted.unmarked() == [BOX._replace(task=8), BOX._replace(answer="new")]


def test_accepted_parts_are_a_set(tmp_path: Path) -> None:
    accepted = AcceptedParts(Files(tmp_path), tmp_path)
    for part in ("b", "a", "b"):
        accepted.add(3, part)
    assert accepted.marked() == {(3, "a"), (3, "b")}
