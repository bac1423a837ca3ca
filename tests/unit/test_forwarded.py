"""What a wrapped backend was told of annotations, and what was opened for one annotator more."""

from __future__ import annotations

import pytest

from backend.store.forwarded import BEFORE, DELETED, TOLD, TRAINED, Event, Known
from backend.store.opened_again import OpenedAgain, Overlap


def known(*events: Event) -> Known:
    found = Known()
    for event in events:
        found.note(event)
    return found


def told(annotation: int, task: int, at: float, kind: str = TOLD, changed: str = "x") -> Event:
    return Event(kind, annotation, task, changed, at)


def test_what_it_knows_of_is_what_it_was_told_last() -> None:
    found = known(told(1, 10, 5.0), told(2, 10, 6.0), told(1, 10, 7.0, changed="y"), told(3, 20, 8.0))
    assert found.live == {1: (10, "y"), 2: (10, "x"), 3: (20, "x")}
    assert found.first == {10: 5.0, 20: 8.0}
    assert (found.since_training, found.began) == (4, True)


def test_what_was_deleted_is_not_live_and_its_task_was_told_of_all_the_same() -> None:
    found = known(told(1, 10, 5.0), told(1, 10, 6.0, DELETED), told(9, 30, 7.0, DELETED))
    assert found.live == {}
    assert found.first == {10: 5.0, 30: 7.0}
    assert found.since_training == 3


@pytest.mark.parametrize(
    ("events", "since"),
    [
        ([], 0),
        ([told(1, 10, 1.0, BEFORE)], 0),  # nobody told it through us
        ([told(1, 10, 1.0), told(0, 0, 2.0, TRAINED)], 0),
        ([told(1, 10, 1.0), told(0, 0, 2.0, TRAINED), told(2, 10, 3.0)], 1),
    ],
)
def test_events_are_counted_since_it_was_last_asked_to_train(events: list[Event], since: int) -> None:
    assert known(*events).since_training == since
    assert known(*events).began is bool(events)


def test_being_asked_to_train_tells_it_of_no_task() -> None:
    found = known(told(0, 0, 2.0, TRAINED))
    assert (found.live, found.first) == ({}, {})


def test_it_was_first_told_when_it_was_told_first_whatever_the_order_of_the_events() -> None:
    assert known(told(1, 10, 7.0), told(2, 10, 5.0)).first == {10: 5.0}


def test_what_a_task_was_at_first_stays() -> None:
    opened = OpenedAgain(False).with_opened({1: Overlap(1, 2), 2: Overlap(2, 3)})
    again = opened.with_opened({1: Overlap(2, 3)})
    assert again.overlap == {1: Overlap(1, 3), 2: Overlap(2, 3)}
    assert again.served_first is False
    assert opened.overlap[1] == Overlap(1, 2)  # the one before is left as it was
