"""Lists of a project's tasks are read page by page, by the tasks' ids, while people go on working."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from backend.errors import AnswerTooLarge, Unavailable
from backend.labelstudio import task_lists
from backend.labelstudio.project import project_of
from backend.labelstudio.task_lists import FEW, TaskLists

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "greater": lambda one, other: one > other,
    "equal": lambda one, other: one == other,
    "in_list": lambda one, other: one in other,
}


def task(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "data": {"text": f"t{number}"},
        "updated_at": f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}Z",
        "is_labeled": False,
        "total_annotations": 0,
        "cancelled_annotations": 0,
        "annotations": [],
        "overlap": 1,
        **more,
    }


class Studio(TaskLists):
    """Answers as Label Studio's Data Manager does. most: tasks that fit into an answer; after_each: what
    happens behind each page."""

    def __init__(self, tasks: list[dict[str, Any]], most: int = 10**6) -> None:
        self.tasks = tasks
        self.most = most
        self.asked: list[dict[str, Any]] = []
        self.after_each: Callable[[], object] = lambda: None
        self._url = "http://ls.example"

    def _request(self, method: str, path: str, check: Any, **more: Any) -> Any:
        params = more["params"]
        self.asked.append(params)
        query = json.loads(params["query"])
        found = [each for each in self.tasks if self._fits(each, query)]
        column = query["ordering"][0].removeprefix("-").removeprefix("tasks:")
        found.sort(key=lambda each: each[column], reverse=query["ordering"][0].startswith("-"))
        page = found[: params["page_size"]]
        if len(page) > self.most:
            raise AnswerTooLarge("too large")
        answer = check({"tasks": [dict(each) for each in page], "total": len(found)})
        self.after_each()
        return answer

    def _fits(self, each: dict[str, Any], query: dict[str, Any]) -> bool:
        items = query.get("filters", {"items": []})["items"]
        return all(
            OPERATORS[item["operator"]](each[item["filter"].removeprefix("filter:tasks:")], item["value"])
            for item in items
        )


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_lists, "PAGE_SIZE", 10)


def ids(found: Any) -> list[int]:
    return [each["id"] for each in found]


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (3, 1), (10, 1), (11, 2), (35, 4)])
def test_all_pages_are_read_and_no_more(count: int, pages: int) -> None:
    studio = Studio([task(i) for i in range(1, count + 1)])
    assert ids(studio.all_tasks(7)) == list(range(1, count + 1))
    assert len(studio.asked) == pages
    assert {each["project"] for each in studio.asked} == {7}


def test_a_task_that_falls_out_meanwhile_moves_no_other_one_past_a_page() -> None:
    studio = Studio([task(i, total_annotations=1) for i in range(1, 31)])
    studio.after_each = lambda: studio.tasks.pop(0)
    assert ids(studio.annotated_tasks(7)) == list(range(1, 31))


def test_a_task_that_comes_in_meanwhile_is_read() -> None:
    studio = Studio([task(i) for i in range(1, 21)])
    more = iter(range(21, 99))
    studio.after_each = lambda: studio.tasks.append(task(next(more)))
    assert ids(studio.all_tasks(7))[:21] == list(range(1, 22))


@pytest.mark.parametrize("most", [1, 3, 9])
def test_a_page_too_large_is_asked_for_in_smaller_ones(most: int) -> None:
    studio = Studio([task(i) for i in range(1, 13)], most=most)
    assert ids(studio.all_tasks(7)) == list(range(1, 13))
    assert {each["page_size"] for each in studio.asked} == {10, 1}


def test_where_one_task_is_too_large_it_is_told() -> None:
    with pytest.raises(AnswerTooLarge):
        list(Studio([task(1)], most=0).all_tasks(7))


def test_a_list_without_end_ends() -> None:
    studio = Studio([task(i) for i in range(1, 12)])

    def one_more() -> None:
        last = studio.tasks[-1]["id"]
        studio.tasks += [task(last + i) for i in range(1, 40)]

    studio.after_each = one_more
    with pytest.raises(Unavailable, match=r"with more than \d+ tasks, of \d+: that is not how Label Studio"):
        list(studio.all_tasks(7))


@pytest.mark.parametrize(
    "answer",
    [[[1, 2], [2, 3]], [[2, 1]], [[1, 2], [1]]],
    ids=["the same again", "in no order", "from the beginning"],
)
def test_another_order_is_no_label_studio(answer: list[list[int]]) -> None:
    studio = Studio([])
    pages = iter(answer)

    def paged(*args: Any, **more: Any) -> Any:
        return {"tasks": [task(i) for i in next(pages)], "total": 99}

    studio._request = paged  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="with the same tasks again, or in no order"):
        list(studio.all_tasks(7))


def test_many_tasks_are_asked_for_in_several_requests() -> None:
    studio = Studio([task(i) for i in range(1, 3 * FEW)])
    wanted = {5, 2, FEW + 3, 10**6}
    assert ids(studio.tasks_by_id(7, wanted)) == [2, 5, FEW + 3]
    assert len(studio.asked) == 1
    assert ids(studio.tasks_by_id(7, range(1, 2 * FEW + 2))) == list(range(1, 2 * FEW + 2))
    assert ids(studio.tasks_by_id(7, [])) == []


def test_only_tasks_that_nobody_touched_are_sent_on() -> None:
    studio = Studio(
        [
            task(1),
            task(2, total_annotations=1),
            task(3, cancelled_annotations=1),
            task(4, is_labeled=True),
            task(5),
        ]
    )
    found = list(studio.waiting_by_id(7, range(9)))
    assert ids(found) == [1, 5]
    assert found[0]["project"] == 7
    assert (found[0]["annotations"], found[0]["predictions"]) == ([], [])


def test_few_changes_come_whole_in_one_request() -> None:
    studio = Studio([task(i) for i in range(1, 9)])
    assert ids(studio.tasks_changed_since(7, task(3)["updated_at"])) == [4, 5, 6, 7, 8]
    assert len(studio.asked) == 1


def test_of_many_none_is_told_to_have_changed_later_than_the_reading_began() -> None:
    count = FEW + 9
    studio = Studio([task(i, total_annotations=i % 2) for i in range(1, count + 1)])
    began = studio.tasks[-1]["updated_at"]

    def changes() -> None:
        if len(studio.asked) == 2:  # once it is known when the reading began
            studio.tasks[0]["updated_at"] = "2026-02-02T00:00:00Z"

    studio.after_each = changes
    found = list(studio.tasks_changed_since(7, ""))
    assert studio.newest_change(7) > began
    assert {each["updated_at"] for each in found if each["id"] == 1} == {began}
    assert ids(found)[:count] == list(range(1, count + 1))
    assert ids(found)[count:] == [i for i in range(1, count + 1) if i % 2]


def test_the_newest_change_of_a_project_without_tasks_is_none() -> None:
    assert Studio([]).newest_change(7) == ""
    assert Studio([task(3), task(9), task(5)]).newest_change(7) == task(9)["updated_at"]


@pytest.mark.parametrize(("overlap_first", "served"), [(True, {2}), (False, set())])
def test_what_is_served_first_goes_by_the_projects_setting(overlap_first: bool, served: set[int]) -> None:
    studio = Studio([task(1), task(2, overlap=2), task(3, overlap=2, is_labeled=True)])
    project = project_of({"id": 7, "task_number": 3, "show_overlap_first": overlap_first})
    assert studio.served_first(project) == served
    assert len(studio.asked) == int(overlap_first)


def test_states_and_ids_are_told_without_annotations() -> None:
    studio = Studio([task(1, overlap=2), task(2)])
    (found,) = studio.standing_of(7, [1, 9])
    assert (found["id"], found["overlap"], found["is_labeled"]) == (1, 2, False)
    assert studio.task_ids(7) == {1, 2}
    assert all(each["fields"] == "task_only" for each in studio.asked)


@pytest.mark.parametrize(
    "broken", [{"id": "1"}, {"is_labeled": None}, {"updated_at": 3}, {"total_annotations": "0"}]
)
def test_a_task_of_another_shape_is_no_label_studios(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a task"):
        list(Studio([task(1, **broken)]).all_tasks(7))
