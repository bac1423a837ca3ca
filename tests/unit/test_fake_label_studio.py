"""The fake Label Studio does what a real one was seen to do, where the loop depends on it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Request, Response

from backend.errors import AccessDenied, NotFound, Rejected
from backend.labelstudio.answers import record
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, texts
from tests.fakes.project import FakeProject


def predicted(task: int, version: str, score: float | None = 0.5, **changes: Any) -> dict[str, Any]:
    return {"task": task, "result": [choice("other")], "score": score, "model_version": version, **changes}


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return loop.create(5)


@pytest.mark.parametrize(
    "changes",
    [
        {"score": 17},
        {"result": None},
        {"result": [choice("no such label")]},
        {"result": [choice("other", control="nobody")]},
        {"result": [choice("other", to_name="nobody")]},
    ],
)
def test_an_import_drops_what_does_not_fit_without_a_word(
    loop: Loop, project: FakeProject, changes: dict[str, Any]
) -> None:
    first, second, *_ = project.tasks
    items = [predicted(first, "v", **changes), predicted(second, "v")]
    assert loop.client.import_predictions(project.id, items) == 1
    assert loop.client.version_sizes(project.id) == {"v": 1}


def test_an_import_for_a_task_that_is_gone_keeps_nothing(loop: Loop, project: FakeProject) -> None:
    first, *_ = project.tasks
    with pytest.raises(Rejected, match="task"):
        loop.client.import_predictions(project.id, [predicted(first, "v"), predicted(999, "v")])
    assert loop.client.version_sizes(project.id) == {}


def test_an_import_twice_leaves_two_predictions_per_task(loop: Loop, project: FakeProject) -> None:
    items = [predicted(task, "v") for task in project.tasks]
    for _ in range(2):
        loop.client.import_predictions(project.id, items)
    assert loop.client.version_sizes(project.id) == {"v": 10}


def test_only_a_version_with_predictions_can_be_switched_to(loop: Loop, project: FakeProject) -> None:
    with pytest.raises(Rejected, match="Model version doesn't exist"):
        loop.client.publish(project.id, "v")
    loop.client.import_predictions(project.id, [predicted(next(iter(project.tasks)), "v")])
    loop.client.publish(project.id, "v", set_sampling=True)
    assert loop.client.project(project.id).model_version == "v"
    assert loop.client.sampling(project.id) == "Uncertainty sampling"
    assert [event["action"] for event in loop.fake.sent][-1] == "PROJECT_UPDATED"


def test_prelabelling_off_empties_the_version_unless_it_is_set_with_it(
    loop: Loop, project: FakeProject
) -> None:
    loop.client.import_predictions(project.id, [predicted(next(iter(project.tasks)), "v")])
    loop.client.publish(project.id, "v", blind=True)
    assert loop.client.project(project.id).model_version == "v"
    loop.fake.change_project(project.id, show_collab_predictions=False)
    assert loop.client.project(project.id).model_version is None


def test_deleting_the_current_version_leaves_the_project_without_one(
    loop: Loop, project: FakeProject
) -> None:
    loop.client.import_predictions(
        project.id, [predicted(task, name) for task in project.tasks for name in ("v", "w")]
    )
    loop.client.publish(project.id, "w")
    loop.client.delete_version(project.id, "v")
    assert loop.client.version_sizes(project.id) == {"w": 5}
    assert loop.client.project(project.id).model_version == "w"
    loop.client.delete_version(project.id, "w")
    assert loop.client.project(project.id).model_version is None


def test_the_queue_is_by_the_current_versions_scores_lowest_first(loop: Loop, project: FakeProject) -> None:
    tasks = list(project.tasks)
    wanted = [tasks[i] for i in (3, 0, 4, 1, 2)]
    old = [predicted(task, "old", i / 10) for i, task in enumerate(tasks)]
    new = [predicted(task, "new", i / 10) for i, task in enumerate(wanted)]
    loop.client.import_predictions(project.id, old + new)
    loop.client.publish(project.id, "new")
    served = []
    while (task := loop.fake.next_task(project.id)) is not None:
        served.append(task)
        loop.label(project, task)
    assert served == wanted


def test_who_skips_a_task_is_not_served_it_again_and_others_are(loop: Loop, project: FakeProject) -> None:
    first, second, *_ = project.tasks
    loop.fake.skip(project.id, first, user=1)
    assert loop.fake.next_task(project.id, user=1) == second
    assert loop.fake.next_task(project.id, user=2) == first
    assert not project.tasks[first]["is_labeled"]


def test_a_task_waits_for_as_many_annotations_as_it_shall_have(loop: Loop) -> None:
    project = loop.create(1, maximum_annotations=2)
    (task,) = project.tasks
    loop.label(project, task, user=1)
    assert not project.tasks[task]["is_labeled"]
    loop.label(project, task, user=2)
    assert project.tasks[task]["is_labeled"]


def test_tasks_are_filtered_as_the_data_manager_does(loop: Loop, project: FakeProject) -> None:
    _, second, third, *_ = project.tasks
    newest = loop.client.newest_change(project.id)
    loop.label(project, second)
    loop.client.import_predictions(project.id, [predicted(third, "v")])
    assert [task["id"] for task in loop.client.annotated_tasks(project.id)] == [second]
    assert loop.client.scored_tasks(project.id, "v") == {third: True}
    changed = loop.client.tasks_changed_since(project.id, newest)
    assert [task["id"] for task in changed] == [second]


def test_a_version_is_told_from_others_whose_names_hold_its_own(loop: Loop, project: FakeProject) -> None:
    """Label Studio's filter goes by parts of names."""
    first, second, third, *_ = project.tasks
    loop.client.import_predictions(project.id, [predicted(task, "V-2") for task in (first, second)])
    loop.client.import_predictions(project.id, [predicted(task, "v") for task in (second, third)])
    loop.label(project, third)
    assert loop.client.scored_tasks(project.id, "v") == {second: True, third: False}
    assert loop.client.scored_tasks(project.id, "V-2") == {first: True, second: True}
    (one,) = loop.client.some_predictions(project.id, "v", 1)
    assert one in {each["id"] for each in project.predictions if each["model_version"] == "v"}
    assert len(loop.client.some_predictions(project.id, "v", 5)) == 2
    assert loop.client.some_predictions(project.id, "2", 5) == []


def test_a_page_past_the_end_is_not_found(loop: Loop, project: FakeProject) -> None:
    def page(number: int) -> dict[str, Any]:
        asked = {"project": project.id, "page": number, "page_size": 3}
        return loop.client._request("GET", "api/tasks", record("a page", tasks=list), params=asked)

    assert len(page(2)["tasks"]) == 2
    with pytest.raises(NotFound, match="Invalid page"):
        page(3)


def test_a_webhook_is_sent_what_it_asked_for(loop: Loop, project: FakeProject) -> None:
    arrived: list[dict[str, Any]] = []
    loop.fake.deliver = lambda webhook, payload: arrived.append(payload)
    wanted = {"send_for_all_actions": False, "actions": ["ANNOTATIONS_DELETED"], "send_payload": False}
    loop.fake.add_webhook(project.id, "http://backend.internal:9090/webhook", **wanted)
    annotation = loop.label(project, next(iter(project.tasks)))["annotation"]
    loop.fake.delete_annotation(project.id, annotation["id"])
    assert arrived == [{"action": "ANNOTATIONS_DELETED"}]
    assert loop.fake.sent[-1]["annotations"] == [{"id": annotation["id"]}]


def test_faults_are_answered_in_label_studios_place(loop: Loop, project: FakeProject) -> None:
    def broken(request: Request) -> Response | None:
        return Response("<h1>Forbidden</h1>", 403) if "model-versions" in request.path else None

    loop.fake.before = broken
    assert loop.client.project(project.id).task_count == 5
    with pytest.raises(AccessDenied, match="Forbidden"):
        loop.client.version_sizes(project.id)


def test_a_project_that_is_gone_is_label_studios_own_404(loop: Loop) -> None:
    with pytest.raises(NotFound) as gone:
        loop.client.project(999)
    assert str(gone.value).endswith("No Project matches the given query.")


def test_texts_are_distinct() -> None:
    assert len(set(texts(1000))) == 1000
