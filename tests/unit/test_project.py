"""A Label Studio project as its API tells it, its users, its tabs and the versions that are old."""

from __future__ import annotations

from typing import Any

import pytest

from backend.labelstudio.answers import OtherShape
from backend.labelstudio.project import COUNTERS, project_of
from backend.labelstudio.publishing import stale_versions
from backend.labelstudio.suggestions import fitting, silenced
from backend.labelstudio.tabs import MOST_RANGES, ranges
from backend.labelstudio.users import _name
from tests.unit.whatever import WHATEVER

RAW = {"id": 7, "task_number": 20}


def test_what_is_not_told_is_as_label_studio_has_it_at_first() -> None:
    found = project_of(RAW)
    assert (found.id, found.task_count, found.label_config, found.model_version) == (7, 20, "", None)
    assert (found.shows_predictions, found.overlap, found.serves_overlap_first) == (True, (1, 0), False)
    assert found.counters == dict.fromkeys(COUNTERS, 0) | {"task_number": 20}
    assert found.title == ""


def test_what_is_told_is_read() -> None:
    found = project_of(
        {
            **RAW,
            "label_config": "<View/>",
            "model_version": "",
            "show_collab_predictions": False,
            "maximum_annotations": 3,
            "overlap_cohort_percentage": 50,
            "show_overlap_first": True,
            "finished_task_number": 20,
            "title": "t",
        }
    )
    assert (found.label_config, found.model_version, found.title) == ("<View/>", None, "t")
    assert (found.shows_predictions, found.overlap, found.serves_overlap_first) == (False, (3, 50), True)
    assert found.is_finished


@pytest.mark.parametrize(
    ("tasks", "finished", "done"), [(20, 19, False), (20, 20, True), (20, 21, True), (0, 0, True)]
)
def test_it_is_finished_where_no_task_waits(tasks: int, finished: int, done: bool) -> None:
    assert project_of({"id": 7, "task_number": tasks, "finished_task_number": finished}).is_finished is done


def test_what_is_no_project_is_refused() -> None:
    for raw in (*WHATEVER, {"id": "7", "task_number": 20}, {"id": 7}, {"task_number": 20}, [RAW]):
        with pytest.raises(OtherShape, match="a project"):
            project_of(raw)


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"first_name": " Ann ", "last_name": "Lee"}, "Ann Lee"),
        ({"first_name": "", "last_name": "Lee", "email": "a@x.example"}, "Lee"),
        ({"first_name": None, "email": "a@x.example", "username": "ann"}, "a@x.example"),
        ({"email": "", "username": "ann"}, "ann"),
        ({"first_name": " "}, "user 3"),
        ({}, "user 3"),
    ],
)
def test_people_are_called_by_their_names_where_they_gave_any(user: dict[str, Any], name: str) -> None:
    assert _name({"id": 3, **user}) == name


@pytest.mark.parametrize(
    ("tasks", "known", "found"),
    [
        ([], [], [(0, 0)]),
        ([5], [], [(5, 5)]),
        ([3, 1, 2], [], [(1, 3)]),  # nothing is known to be between them
        ([1, 3], [1, 2, 3], [(1, 1), (3, 3)]),
        ([1, 3], [1, 3, 9], [(1, 3)]),  # a number that no task has
        ([1, 2, 5, 6], [1, 2, 3, 5, 6], [(1, 2), (5, 6)]),
        ([2, 2], [], [(2, 2)]),
    ],
)
def test_tasks_are_shown_as_ranges_over_gaps_that_are_no_tasks(
    tasks: list[int], known: list[int], found: list[tuple[int, int]]
) -> None:
    assert ranges(tasks, known) == found


def test_a_tab_has_so_many_ranges_and_no_more() -> None:
    every = range(4 * MOST_RANGES)
    found = ranges(every[::2], every)
    assert found == [(each, each) for each in every[::2][:MOST_RANGES]]


@pytest.mark.parametrize(
    ("current", "ours", "stale"),
    [
        ("v3", ["v1", "v2", "v3"], ["v1"]),
        ("v2", ["v1", "v2", "v3"], []),
        ("v1", ["v1"], []),
        ("v4", ["v1", "v2", "v3", "v4"], ["v1", "v2"]),
        ("other", ["v1", "v2"], []),  # nothing is known of what orders
        (None, ["v1", "v2"], []),
    ],
)
def test_a_version_is_old_where_it_orders_neither_now_nor_just_before(
    current: str | None, ours: list[str], stale: list[str]
) -> None:
    assert stale_versions(current, ours) == stale


CONFIG = (
    '<View><Text name="t" value="$text"/><Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/>'
    "</Choices></View>"
)


def said(choice: str) -> list[dict[str, Any]]:
    return [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": [choice]}}]


def test_only_suggestions_that_label_studio_takes_are_shown_on() -> None:
    found = fitting(CONFIG, {1: said("a"), 2: said("z"), 3: [{"from_name": "d"}], 4: "no list", 5: None})
    assert found == {1: said("a")}
    assert fitting("no config", {}) == {}


def test_a_task_that_is_to_carry_no_guess_keeps_its_place() -> None:
    given = [{"task": 1, "score": 0.1, "result": said("a")}, {"task": 2, "score": 0.2, "result": said("b")}]
    assert silenced(given, {2}) == [given[0], {"task": 2, "score": 0.2, "result": []}]
    assert given[1]["result"] == said("b")
