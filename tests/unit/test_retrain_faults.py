"""What a retrain does where Label Studio changes under its hands, or has nothing to learn from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from flask import Request, Response

from backend.controls.base import CLASSES
from backend.errors import LostLock, Unavailable
from backend.jobs import retrain as retraining
from backend.jobs.completing import Made
from backend.jobs.lock import ProjectLock
from backend.labelstudio.publishing import HeadChanged
from backend.store.model_version import ModelVersion
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject


def at_import(loop: Loop, act: Callable[[], object], times: int = 1) -> None:
    """Just before an import of predictions."""
    left = [times]

    def before(request: Request) -> None:
        if request.path.endswith("/import/predictions") and left[0]:
            left[0] -= 1
            act()

    loop.fake.before = before  # type: ignore[assignment]


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return loop.create(20, labeled=6)


def test_a_task_deleted_meanwhile_costs_another_attempt_and_no_order(
    loop: Loop, project: FakeProject
) -> None:
    last = list(project.tasks)[-1]
    at_import(loop, lambda: loop.fake.delete_task(project.id, last))
    assert loop.retrain(project)["published"]
    assert last not in loop.queue(project)
    assert len(loop.queue(project)) == 13


def test_tasks_that_keep_vanishing_make_it_fail_and_leave_the_old_order(
    loop: Loop, project: FakeProject
) -> None:
    loop.retrain(project)
    version = project.settings["model_version"]
    loop.label(project, loop.queue(project)[0])
    at_import(loop, lambda: loop.fake.delete_task(project.id, list(project.tasks)[-1]), times=99)
    with pytest.raises(HeadChanged):
        loop.retrain(project)
    assert project.settings["model_version"] == version
    assert set(project.version_sizes()) == {version}
    assert loop.state(project).unseen > 0  # and is tried again


def test_a_version_is_made_whole_while_label_studio_imports_its_head_and_serves_only_then(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.retrain(project)
    before, versions = project.settings["model_version"], loop.versions(project)
    began, seen, completed = threading.Event(), [], Made.completed

    def completed_meanwhile(made: Made) -> ModelVersion:
        assert began.wait(60), "the import waits for it"
        return completed(made)

    def until_it_is_kept() -> None:
        began.set()
        ends = time.monotonic() + 60
        while len(versions.names()) < 2 and time.monotonic() < ends:
            time.sleep(0.01)
        seen.append((versions.names()[-1], versions.published(), project.settings["model_version"]))

    monkeypatch.setattr(Made, "completed", completed_meanwhile)
    loop.label(project, loop.queue(project)[0])
    at_import(loop, until_it_is_kept)
    made = loop.retrain(project)["model_version"]
    assert seen == [(made, before, before)]
    assert versions.published() == project.settings["model_version"] == made


def test_an_import_that_fails_leaves_a_version_that_does_not_serve(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    before, versions = project.settings["model_version"], loop.versions(project)
    loop.label(project, loop.queue(project)[0])
    loop.fake.before = lambda request: (  # type: ignore[assignment]
        Response("busy", 503) if request.path.endswith("/import/predictions") else None
    )
    with pytest.raises(Unavailable):
        loop.retrain(project)
    assert versions.names()[-1] != before
    assert versions.published() == project.settings["model_version"] == before


def test_predictions_that_label_studio_drops_are_taken_back(loop: Loop, project: FakeProject) -> None:
    loop.set(show_guess_from=0)
    loop.retrain(project)
    version = project.settings["model_version"]
    config = project.settings["label_config"].replace('"other"', '"else"').replace('"disaster"', '"bad"')
    at_import(loop, lambda: project.settings.update(label_config=config), times=1)
    done = loop.retrain(project)  # then for the new config
    assert done["published"]
    assert set(project.version_sizes()) == {version, done["model_version"]}


def test_another_backends_version_is_never_published_once_more(loop: Loop, project: FakeProject) -> None:
    """Also where the project was switched back to ours meanwhile: else a task had two scores of one name."""
    loop.retrain(project)
    theirs = {"task": loop.queue(project)[0], "model_version": "atlas-000002", "result": [], "score": 0.1}
    loop.client.import_predictions(project.id, [theirs])
    loop.label(project, loop.queue(project)[0])
    assert loop.retrain(project)["model_version"] == "atlas-000003"
    assert project.version_sizes()["atlas-000002"] == 1


def test_a_lost_lock_publishes_nothing(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: ProjectLock) -> None:
        raise LostLock("another worker has taken over")

    monkeypatch.setattr(ProjectLock, "check", lost)
    with pytest.raises(LostLock):
        loop.retrain(project)
    assert project.settings["model_version"] is None
    assert project.version_sizes() == {}


def test_label_studio_away_is_an_outage(loop: Loop, project: FakeProject) -> None:
    loop.fake.before = lambda request: Response("<h1>bad gateway</h1>", 404, mimetype="text/html")
    with pytest.raises(Unavailable):
        loop.retrain(project)


def test_a_retrain_says_that_its_project_is_gone_and_leaves_forgetting_it_to_reconcile(
    loop: Loop, project: FakeProject
) -> None:
    del loop.fake.projects[project.id]
    assert loop.retrain(project) == {"published": False, "reason": retraining.NO_PROJECT}
    assert loop.redis.smembers("atlas:projects") == {str(project.id).encode()}


def test_nothing_to_learn_says_why(loop: Loop) -> None:
    empty = loop.create(0)
    assert loop.retrain(empty)["reason"] == "the project has no tasks"
    other = loop.create(3, label_config="<View></View>")
    assert loop.retrain(other)["reason"]


def test_where_all_is_labelled_a_version_is_kept_and_nothing_published(loop: Loop) -> None:
    project = loop.create(6, labeled=6)
    done = loop.retrain(project)
    assert not done["published"]
    assert (done["head"], done["waiting"]) == (0, 0)
    assert loop.versions(project).published() == done["model_version"]
    assert project.settings["model_version"] is None


def test_a_second_control_is_learned_and_shown_beside_the_first(loop: Loop) -> None:
    config = (
        '<View><Text name="text" value="$text"/>'
        '<Choices name="label" toName="text"><Choice value="disaster"/><Choice value="other"/></Choices>'
        '<Choices name="tone" toName="text"><Choice value="loud"/><Choice value="calm"/></Choices></View>'
    )
    loop.set(show_guess_from=0)
    project = loop.create(20, label_config=config)
    for task in list(project.tasks)[:8]:
        label = label_of(project.tasks[task]["data"]["text"])
        tone = "loud" if label == "disaster" else "calm"
        loop.fake.annotate(project.id, task, [choice(label), choice(tone, "tone")])
    done = loop.retrain(project)
    shown = [each["result"] for each in project.predictions if each["model_version"] == done["model_version"]]
    assert {tuple(region["from_name"] for region in regions) for regions in shown} == {("label", "tone")}
    pairs = {tuple(region["value"]["choices"][0] for region in regions) for regions in shown}
    assert pairs <= {("disaster", "loud"), ("other", "calm")}


def test_several_choices_are_learned_each_by_itself(loop: Loop) -> None:
    config = (
        '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="multiple">'
        '<Choice value="disaster"/><Choice value="other"/></Choices></View>'
    )
    project = loop.create(16, labeled=8, label_config=config)
    done = loop.retrain(project)
    assert done["labels"] == {'["disaster"]': 4, '["other"]': 4}
    (model,) = loop.versions(project).load(done["model_version"]).models
    assert model.networks.keys() == {CLASSES, model.control.shows}


def test_the_number_of_a_version_is_never_used_twice(loop: Loop, project: FakeProject) -> None:
    item = {"task": next(iter(project.tasks)), "result": [], "score": 0.5, "model_version": "atlas-000041"}
    loop.fake.import_predictions(project.id, [item])  # by this backend, before its disk was lost
    assert loop.retrain(project)["model_version"] == "atlas-000042"


def test_tasks_that_annotators_may_have_before_them_keep_a_prediction(
    loop: Loop, project: FakeProject
) -> None:
    loop.set(queue_head=2)
    loop.retrain(project)
    front = loop.versions(project).load(project.settings["model_version"]).queue_ids.tolist()[:5]
    loop.label(project, front[0], "other")
    loop.retrain(project)
    assert set(front[1:]) <= set(loop.queue(project))


def test_a_published_version_that_cannot_be_read_is_no_hindrance(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    (weights,) = loop.settings.data_dir.glob("**/model.safetensors")
    weights.write_bytes(b"cut off")
    assert loop.retrain(project)["published"]


def test_a_low_head_is_filled_up_once_the_retrain_is_done(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_head=4)
    loop.retrain(project)
    loop.dispatcher.demand_retrain(project.id)
    loop.state(project).note_changes(50)
    loop.retrain(project)
    assert not loop.state(project).head_is_low
    assert f"clear-{project.id}" in loop.jobs()


def test_clusters_are_marked_by_a_refill_after_the_retrain(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_clusters=3)
    loop.retrain(project)
    assert f"refill-{project.id}" in loop.jobs()
    loop.refill(project)
    first = [each["cluster"] for each in project.predictions]
    assert len(set(first)) == 3
    assert all(1000 <= cluster < 2000 for cluster in first)
    loop.refill(project)
    assert [each["cluster"] for each in project.predictions] == first


def test_a_cluster_of_a_prediction_that_vanished_is_not_marked(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_clusters=2)
    loop.retrain(project)
    gone: list[int] = []

    def before(request: Request) -> Response | None:
        if request.method == "PATCH" and "/api/predictions/" in request.path and not gone:
            gone.append(int(request.path.rstrip("/").rsplit("/", 1)[1]))
            project.predictions.remove(gone[0])
        return None

    loop.fake.before = before
    loop.refill(project)
    assert gone
    assert None not in {each["cluster"] for each in project.predictions}


def test_marking_ends_where_another_version_is_published_meanwhile(loop: Loop, project: FakeProject) -> None:
    loop.set(queue_clusters=2)
    first = loop.retrain(project)["model_version"]
    loop.label(project, loop.queue(project)[0])
    second = loop.retrain(project)["model_version"]
    loop.versions(project).set_published(first)
    loop.client.publish(project.id, first)

    def before(request: Request) -> None:
        if request.method == "PATCH" and "/api/predictions/" in request.path:
            loop.versions(project).set_published(second)

    loop.fake.before = before  # type: ignore[assignment]
    loop.refill(project)
    marked = [each for each in project.predictions if each["cluster"] is not None]
    assert len(marked) == 1
