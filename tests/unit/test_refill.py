"""The published head is topped up without a retrain, on a fake Label Studio."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Request

from backend.jobs.refill import bring_up_to_date, keep_full
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject

HEAD = 6


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """With a model whose head of six is published, of fourteen tasks that wait."""
    loop.set(queue_head=HEAD)
    project = loop.create(20, labeled=6)
    loop.retrain(project)
    assert len(loop.queue(project)) == HEAD
    return project


def at_import(loop: Loop, act: Callable[[], object]) -> None:
    """Once, just before the next import of predictions."""

    def before(request: Request) -> None:
        if request.path.endswith("/import/predictions"):
            loop.fake.before = None
            act()

    loop.fake.before = before  # type: ignore[assignment]


def test_the_head_is_filled_up_with_what_stands_behind_it(loop: Loop, project: FakeProject) -> None:
    before = loop.queue(project)
    ranked = loop.versions(project).load(project.settings["model_version"]).queue_ids.tolist()
    for task in before[:4]:
        loop.label(project, task)
    done = loop.refill(project)
    assert (done["added"], done["left"], done["more"], done["needs_retrain"]) == (4, HEAD, True, None)
    assert loop.queue(project) == [task for task in ranked if task not in before[:4]][:HEAD]


def test_a_full_head_is_left_as_it_is(loop: Loop, project: FakeProject) -> None:
    before = loop.queue(project)
    done = loop.refill(project)
    assert (done["added"], done["mended"]) == (0, False)
    assert loop.queue(project) == before


def test_it_says_when_it_has_to_be_done_again(loop: Loop, project: FakeProject) -> None:
    loop.refill(project)
    assert not loop.state(project).head_is_low
    for task in loop.queue(project)[: HEAD // 2]:
        loop.label(project, task)
    assert loop.state(project).head_is_low


def test_without_more_tasks_behind_the_head_there_is_no_next_time(loop: Loop) -> None:
    project = loop.create(8, labeled=4)
    loop.retrain(project)
    loop.refill(project)
    loop.state(project).note_changes(100)
    assert not loop.state(project).head_is_low


def test_a_new_task_takes_its_place_between_the_others(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_head=100)
    (new,) = loop.fake.add_tasks(project.id, ["storm storm storm"])
    loop.refill(project)
    queue = loop.queue(project)
    assert new in queue
    assert len(queue) == 15
    scores = [each["score"] for each in project.predictions if each["task"] in queue]
    assert len(set(scores)) == len(scores)


def test_tasks_that_somebody_skipped_come_last(loop: Loop, project: FakeProject) -> None:
    before = loop.queue(project)
    loop.fake.skip(project.id, before[0])
    loop.refill(project)
    assert len([task for task in loop.queue(project) if task != before[0]]) == HEAD


def test_what_label_studio_serves_first_is_in_the_head(loop: Loop, project: FakeProject) -> None:
    waiting = [task for task in project.tasks if not project.tasks[task]["is_labeled"]]
    behind = next(task for task in waiting if task not in loop.queue(project))
    project.tasks[behind]["overlap"] = 2
    loop.fake.change_project(project.id, show_overlap_first=True)
    loop.refill(project)
    assert loop.queue(project)[0] == behind


def test_another_version_set_by_hand_is_taken_back_and_that_is_told(
    loop: Loop, project: FakeProject, caplog: pytest.LogCaptureFixture
) -> None:
    version = project.settings["model_version"]
    (task, *_) = project.tasks
    item = {"task": task, "result": [choice("other")], "score": 0.1, "model_version": "by hand"}
    loop.fake.import_predictions(project.id, [item])
    loop.fake.change_project(project.id, model_version="by hand")
    done = loop.refill(project)
    assert done["mended"]
    assert project.settings["model_version"] == version
    assert f"Label Studio was set to by hand and is set back to {version}" in caplog.text
    assert f"versions --project {project.id} pin" in caplog.text


@pytest.mark.parametrize(("blind", "shows"), [("true", False), ("false", True)])
def test_blind_is_kept(loop: Loop, project: FakeProject, blind: str, shows: bool) -> None:
    loop.set(blind=blind)
    assert loop.refill(project)["mended"] == (blind == "true")
    assert project.settings["show_collab_predictions"] == shows
    assert project.settings["model_version"]


def test_a_task_deleted_while_the_head_is_published_is_left_out(loop: Loop, project: FakeProject) -> None:
    for task in loop.queue(project)[:3]:
        loop.label(project, task)
    gone = loop.versions(project).load(project.settings["model_version"]).queue_ids.tolist()[HEAD]
    at_import(loop, lambda: loop.fake.delete_task(project.id, gone))
    done = loop.refill(project)
    assert done["needs_retrain"] is None
    assert gone not in loop.queue(project)
    assert len(loop.queue(project)) == HEAD


def test_a_config_changed_while_the_head_is_published_needs_a_retrain(
    loop: Loop, project: FakeProject
) -> None:
    for task in loop.queue(project)[:3]:
        loop.label(project, task)
    other = project.settings["label_config"].replace('"other"', '"else"').replace('"disaster"', '"bad"')
    at_import(loop, lambda: loop.fake.change_project(project.id, label_config=other))
    loop.set(show_guess_from=0)
    done = loop.refill(project)
    assert done["needs_retrain"] is not None
    assert f"retrain-{project.id}" in loop.jobs()


def test_without_a_version_only_a_retrain_helps(loop: Loop) -> None:
    project = loop.create(5)
    assert loop.refill(project)["needs_retrain"] == "no version is published"
    assert f"retrain-{project.id}" in loop.jobs()


def test_for_another_label_config_only_a_retrain_helps(loop: Loop, project: FakeProject) -> None:
    config = project.settings["label_config"].replace('name="label"', 'name="kind"')
    loop.fake.change_project(project.id, label_config=config)
    assert "another label config" in loop.refill(project)["needs_retrain"]


def test_before_there_is_a_model_new_tasks_need_a_retrain(loop: Loop) -> None:
    project = loop.create(5)
    loop.retrain(project)
    loop.fake.add_tasks(project.id, ["one more"])
    assert "no model yet" in loop.refill(project)["needs_retrain"]


def test_a_project_that_is_gone_or_cannot_be_learned_says_why(loop: Loop, project: FakeProject) -> None:
    loop.fake.change_project(project.id, label_config="<View></View>")
    assert loop.refill(project)["reason"]
    del loop.fake.projects[project.id]
    assert "404" in loop.refill(project)["reason"]


def test_clusters_are_marked_where_they_are_asked_for(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_clusters=2)
    loop.refill(project)
    current = project.settings["model_version"]
    clusters = {each["cluster"] for each in project.predictions if each["model_version"] == current}
    assert len(clusters) == 2
    assert None not in clusters


def test_the_same_is_had_without_the_job(loop: Loop, project: FakeProject) -> None:
    for task in loop.queue(project)[:4]:
        loop.label(project, task)
    done = keep_full(loop.settings, loop.dispatcher, loop.client, project.id)
    assert (done.added, done.left) == (4, HEAD)
    assert bring_up_to_date(loop.settings, loop.client, project.id).added == 0
