"""What no webhook told of is found by a look at Label Studio, on a fake one."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from flask import Request, Response

from backend.jobs import housekeeping, state
from backend.jobs.contact import Contact
from backend.jobs.reconcile import RETRAINING, reconcile
from backend.store.paths import project_dir
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """With a published model, all as it should be."""
    project = loop.create(16, labeled=6)
    loop.retrain(project)
    loop.state(project).note_changes(0)  # an event makes it known
    loop.state(project).retrained(loop.state(project).changes)
    assert loop.reconcile(project) == "in order"
    return project


def annotate_silently(loop: Loop, project: FakeProject, task: int) -> None:
    """No webhook arrives."""
    label = label_of(project.tasks[task]["data"]["text"])
    loop.fake.annotate(project.id, task, [choice(label)])


def test_where_nothing_changed_nothing_is_read(loop: Loop, project: FakeProject) -> None:
    loop.fake.handed_out = 0
    assert loop.reconcile(project) == "nothing changed"
    assert loop.fake.handed_out <= 1
    assert loop.jobs() <= {f"clear-{project.id}"}


def test_a_lost_annotation_is_found_and_causes_a_retrain(loop: Loop, project: FakeProject) -> None:
    annotate_silently(loop, project, loop.queue(project)[0])
    assert loop.reconcile(project) == "tasks or annotations changed"
    assert f"retrain-{project.id}" in loop.jobs()
    assert loop.reconcile(project) == RETRAINING


def test_what_a_webhook_told_of_waits_for_its_time(loop: Loop, project: FakeProject) -> None:
    loop.label(project, loop.queue(project)[0])
    assert "as was told" in loop.reconcile(project)
    assert f"retrain-{project.id}" not in loop.jobs()
    assert f"flush-{project.id}" in loop.jobs()


@pytest.mark.parametrize("change", ["deleted", "edited", "annotation deleted"])
def test_each_silent_change_is_found(loop: Loop, project: FakeProject, change: str) -> None:
    labeled = next(iter(project.tasks))
    if change == "deleted":
        loop.fake.delete_task(project.id, labeled)
    elif change == "edited":
        loop.fake.change_task(project.id, labeled, data={"text": "another text"})
    else:
        (annotation,) = project.annotations.of(labeled)
        loop.fake.delete_annotation(project.id, annotation["id"])
    assert loop.reconcile(project) == "tasks or annotations changed"


def test_new_tasks_that_wait_cause_no_retrain_and_take_their_place(loop: Loop, project: FakeProject) -> None:
    version = project.settings["model_version"]
    new = loop.fake.add_tasks(project.id, ["a storm comes", "some tea"])
    assert loop.reconcile(project) == "in order"
    assert set(new) <= set(loop.queue(project))
    assert project.settings["model_version"] == version
    assert f"retrain-{project.id}" not in loop.jobs()


def test_a_version_taken_back_by_hand_is_set_again(loop: Loop, project: FakeProject) -> None:
    version = project.settings["model_version"]
    loop.fake.change_project(project.id, show_collab_predictions=False)
    assert project.settings["model_version"] == ""
    assert loop.reconcile(project) == "in order"
    assert project.settings["model_version"] == version


def test_deleted_predictions_are_published_again(loop: Loop, project: FakeProject) -> None:
    loop.fake.delete_version(project.id, project.settings["model_version"])
    loop.fake.change_task(project.id, next(iter(project.tasks)), meta={"a": 1})
    assert loop.reconcile(project) == "in order"
    assert len(loop.queue(project)) == 10


def test_a_version_that_was_never_published_is_made_anew(loop: Loop, project: FakeProject) -> None:
    versions = loop.versions(project)
    before = versions.published()
    loop.label(project, loop.queue(project)[0])
    loop.retrain(project)
    assert before is not None
    versions.set_published(before)  # as if the worker had been killed between saving and publishing
    loop.fake.change_task(project.id, next(iter(project.tasks)), meta={"a": 1})
    assert loop.reconcile(project) == "the newest version was never published"


def test_another_label_config_causes_a_retrain(loop: Loop, project: FakeProject) -> None:
    config = project.settings["label_config"].replace('name="label"', 'name="kind"')
    loop.fake.change_project(project.id, label_config=config)
    assert loop.reconcile(project) == "no version for this label config"


def test_a_config_with_nothing_to_learn_is_in_order(loop: Loop, project: FakeProject) -> None:
    loop.fake.change_project(project.id, label_config="<View></View>")
    assert loop.reconcile(project) == "in order"


def test_a_project_without_tasks_is_in_order(loop: Loop) -> None:
    project = loop.create(0)
    loop.state(project).note_changes(1)
    assert loop.reconcile(project) == "in order"


def test_a_project_without_a_connection_is_left_alone(loop: Loop, project: FakeProject) -> None:
    project.connections.clear()
    annotate_silently(loop, project, loop.queue(project)[0])
    assert loop.reconcile(project) == "no connection to this backend"
    assert loop.state(project).disconnected
    loop.fake.connect(project.id)
    assert loop.reconcile(project) == "tasks or annotations changed"
    assert not loop.state(project).disconnected


def test_a_connection_to_another_backend_is_none_to_this_one(loop: Loop, project: FakeProject) -> None:
    loop.fake.reach = lambda project, connection: "CO"  # it answers, and no /setup arrived here
    assert loop.reconcile(project) == "no connection to this backend"

    def reach(project: FakeProject, connection: dict[str, Any]) -> str:
        Contact(loop.redis, project.id).note("setup")
        return "CO"

    loop.fake.reach = reach
    assert loop.reconcile(project) != "no connection to this backend"


def test_the_connections_strategy_and_hold_are_followed(loop: Loop, project: FakeProject) -> None:
    (connection,) = project.connections.values()
    connection["extra_params"] = {"strategy": "margin"}
    connection["auto_update"] = False
    assert loop.reconcile(project) == "another strategy is asked for"
    assert loop.state(project).strategy == "margin"
    assert loop.state(project).held_by_label_studio
    assert f"retrain-{project.id}" in loop.jobs()


def test_a_strategy_that_does_not_exist_is_told_and_ignored(
    loop: Loop, project: FakeProject, caplog: pytest.LogCaptureFixture
) -> None:
    (connection,) = project.connections.values()
    connection["extra_params"] = '{"strategy": "no such"}'
    assert loop.reconcile(project) == "nothing changed"
    assert loop.state(project).strategy is None
    assert "no such" in caplog.text


def test_a_project_set_aside_is_left_alone(loop: Loop, project: FakeProject) -> None:
    loop.state(project).set_aside("out of memory", 100)
    loop.fake.requests.clear()
    assert loop.reconcile(project) == "set aside: out of memory"
    assert not any(f"projects/{project.id}" in request for request in loop.fake.requests)


def test_a_project_that_is_gone_is_forgotten_and_its_data_deleted_in_the_end(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = project_dir(loop.settings.data_dir, project.id)
    del loop.fake.projects[project.id]
    assert "looked for once more" in loop.reconcile(project)
    monkeypatch.setattr(state, "GONE_AFTER", 0)
    assert loop.reconcile(project) == "gone"
    assert directory.is_dir()  # it may only be hidden from our user for a while
    mark = directory / housekeeping.GONE_MARK
    past = time.time() - housekeeping.GONE_SECONDS - 1
    os.utime(mark, (past, past))
    reconcile()
    assert not directory.exists()


def test_a_project_that_comes_back_keeps_its_data(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "GONE_AFTER", 0)
    hidden = loop.fake.projects.pop(project.id)
    loop.reconcile(project)
    assert loop.reconcile(project) == "gone"
    loop.fake.projects[project.id] = hidden
    assert loop.reconcile(project) != "gone"
    assert not (project_dir(loop.settings.data_dir, project.id) / housekeeping.GONE_MARK).exists()


def test_one_broken_project_does_not_keep_the_others_waiting(loop: Loop, project: FakeProject) -> None:
    other = loop.create(5)
    loop.state(other).note_changes(1)

    def broken(request: Request) -> Response | None:
        return Response("no", 403) if request.path == f"/api/projects/{project.id}/" else None

    loop.fake.before = broken
    found = reconcile()
    assert "LABEL_STUDIO_API_KEY" in found[str(project.id)]
    assert found[str(other.id)] == "no version for this label config, as was told: a retrain is due"


def test_a_look_goes_on_after_the_project_where_the_last_one_ended(loop: Loop) -> None:
    projects = [loop.create(1) for _ in range(3)]
    for project in projects:
        loop.state(project).note_changes(1)
    loop.redis.set("atlas:reconcile:turn", projects[1].id)
    assert list(reconcile()) == [str(projects[i].id) for i in (2, 0, 1)]
