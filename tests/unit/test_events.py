"""What an event leads to is the same whether its webhook has a payload or only an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rq.registry import ScheduledJobRegistry

from backend.jobs.admitting import AT_ONCE, admit
from backend.jobs.housekeeping import flush
from backend.jobs.look import look
from backend.jobs.refill import refill
from backend.jobs.retrain import retrain
from backend.jobs.state import known_projects
from backend.web import create_app
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of, texts
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.unit.test_web import CONFIG

JOBS: dict[str, Callable[[int], Any]] = {"retrain": retrain, "refill": refill, "look": look, "flush": flush}


def take(loop: Loop, job_id: str) -> bool:
    """Whether the job waits; then it does no longer."""
    if job_id not in loop.jobs():
        return False
    for queue in (loop.dispatcher.queue, loop.dispatcher.upkeep):
        queue.remove(job_id)
        ScheduledJobRegistry(queue=queue).remove(job_id)
    loop.redis.delete(f"rq:job:{job_id}")
    return True


def work(loop: Loop, project: FakeProject) -> list[str]:
    """All that waits for the project, and what comes of it; the kinds of jobs done."""
    done = []
    while taken := [kind for kind in JOBS if take(loop, f"{kind}-{project.id}")]:
        for kind in taken:
            JOBS[kind](project.id)
        done += taken
        assert len(done) < 20, done
    return done


def import_tasks(loop: Loop, project: FakeProject, annotated: int) -> list[Json]:
    made = loop.fake.add_tasks(project.id, texts(60)[50:])
    for task in made[:annotated]:
        loop.fake.annotate(project.id, task, [choice(label_of(project.tasks[task]["data"]["text"]))])
    return [project.task_shown(task, whole=False) for task in made]


def annotate_all_predicted(loop: Loop, project: FakeProject) -> list[Json]:
    some = list(project.tasks)[20:26]
    return [loop.fake.annotate(project.id, task, [choice("other")])["annotation"] for task in some]


EVENTS: dict[str, tuple[str, Callable[[Loop, FakeProject], dict[str, Any]]]] = {
    "annotation": (
        "ANNOTATION_CREATED",
        lambda loop, project: loop.fake.annotate(project.id, list(project.tasks)[30], [choice("other")]),
    ),
    "annotations of predictions": (
        "ANNOTATIONS_CREATED",
        lambda loop, project: {"annotation": annotate_all_predicted(loop, project)},
    ),
    "tasks": ("TASKS_CREATED", lambda loop, project: {"tasks": import_tasks(loop, project, 0)}),
    "tasks with annotations": (
        "TASKS_CREATED",
        lambda loop, project: {"tasks": import_tasks(loop, project, 6)},
    ),
    "fewer tasks": (
        "TASKS_DELETED",
        lambda loop, project: {"tasks": [{"id": gone(loop, project)}]},
    ),
    "an old version is put back": (
        "PROJECT_UPDATED",
        lambda loop, project: changed(loop, project, model_version=""),
    ),
    "another class": (
        "PROJECT_UPDATED",
        lambda loop, project: changed(
            loop,
            project,
            label_config=with_a_class(project.settings["label_config"]),
        ),
    ),
    "nothing": ("PROJECT_UPDATED", lambda loop, project: {}),
}


def with_a_class(config: str) -> str:
    return config.replace("</Choices>", '<Choice value="new"/></Choices>')


def gone(loop: Loop, project: FakeProject) -> int:
    task = loop.queue(project)[0]
    loop.fake.delete_task(project.id, task)
    return task


def changed(loop: Loop, project: FakeProject, **settings: Any) -> dict[str, Any]:
    loop.fake.change_project(project.id, **settings)
    return {}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_without_payload_does_what_one_with_payload_does(loop: Loop, event: str) -> None:
    loop.set(retrain_pause=0, retrain_every=5, queue_head=20, label_studio_api_key="k")
    client = create_app(loop.settings).test_client()
    action, happen = EVENTS[event]
    outcomes = []
    for with_payload in (True, False):
        project = loop.create(40, labeled=8)
        loop.retrain(project)
        work(loop, project)
        payload = happen(loop, project)
        if with_payload:
            body = {**payload, "action": action, "project": project.shown()}
            answer = client.post("/webhook", json=body)
        else:
            answer = client.post(f"/webhook?project={project.id}", json={"action": action})
        assert answer.status_code == 201
        done = work(loop, project)
        queue, versions = loop.queue(project), loop.versions(project)
        stats = versions.stats(versions.names()[-1])
        first = next(iter(project.tasks))
        outcomes.append(
            (
                "retrain" in done,
                len(versions.names()),
                stats["trained_on"],
                project.settings["model_version"] == versions.published(),
                [task - first for task in sorted(queue)],
            )
        )
    assert outcomes[0] == outcomes[1]


def test_a_project_that_a_request_names_is_looked_for_before_anything_is_kept_of_it(loop: Loop) -> None:
    loop.set(retrain_pause=0, label_studio_api_key="k")
    client = create_app(loop.settings).test_client()
    project = loop.fake.create(texts(20), connected=False)
    loop.fake.connect(project.id, extra_params={"strategy": "margin"})
    for named in (project.id, 4711):
        for path, body in (
            ("/train", {"project": named}),
            ("/setup", {"project": f"{named}.1", "schema": CONFIG}),
            ("/webhook", {"action": "ANNOTATION_CREATED", "project": {"id": named}}),
        ):
            assert client.post(path, json=body).status_code in (200, 201)
        assert client.get(f"/job_status?job=retrain-{named}").get_json()["status"] == "deferred"
    assert loop.jobs() == {"admit"}
    assert not loop.redis.keys("atlas:project:*")
    assert take(loop, "admit")

    admit()

    assert known_projects(loop.redis) == [project.id]
    assert loop.jobs() == {f"retrain-{project.id}"}
    assert loop.state(project).strategy == "margin"
    assert not loop.redis.keys("*4711*")
    assert client.get("/job_status?job=retrain-4711").status_code == 410


def test_invented_projects_are_asked_for_few_at_a_time(loop: Loop) -> None:
    loop.set(label_studio_api_key="k")
    client = create_app(loop.settings).test_client()
    for named in range(1000, 1000 + 2 * AT_ONCE):
        client.post("/train", json={"project": named})
    assert len(admit()) == AT_ONCE
    assert len(admit()) == AT_ONCE
    assert admit() == {}


def test_a_setup_that_anybody_can_send_does_not_change_the_strategy(loop: Loop) -> None:
    loop.set(retrain_pause=0, label_studio_api_key="k")
    client = create_app(loop.settings).test_client()
    project = loop.create(20, labeled=6)
    loop.retrain(project)

    def set_up(strategy: str) -> int:
        body = {"project": f"{project.id}.1", "schema": CONFIG, "extra_params": {"strategy": strategy}}
        return client.post("/setup", json=body).status_code

    assert (set_up("nonsense"), set_up("margin")) == (400, 200)
    assert loop.state(project).strategy is None
    assert "retrain" not in work(loop, project)
    assert loop.state(project).strategy is None  # no connection in Label Studio names it

    (connection,) = project.connections.values()
    connection["extra_params"] = {"strategy": "margin"}
    set_up("margin")
    assert "retrain" in work(loop, project)
    assert loop.state(project).strategy == "margin"


def test_a_contact_of_a_project_that_may_be_invented_is_remembered_for_an_hour(loop: Loop) -> None:
    """Strangers may name any number of projects; what is known is remembered for a month."""
    project = loop.create(20, labeled=6)
    loop.retrain(project)
    known = project.id
    client = create_app(loop.settings).test_client()
    for named in (known, 7_777):
        body = {"project": f"{named}.1700000000", "schema": CONFIG}
        assert client.post("/setup", json=body).status_code == 200
    assert 0 < int(loop.redis.ttl(f"atlas:contact:{7_777}")) <= 3600
    assert int(loop.redis.ttl(f"atlas:contact:{known}")) > 24 * 3600
