"""kill -9 of a worker amid its work with a wrapped backend, and of that backend: real processes, a real
Redis, and label-studio-ml 1.0.9's own server."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from rq.registry import ScheduledJobRegistry

from backend.demo.label_studio import free_port
from backend.jobs.dispatch import Dispatcher
from backend.jobs.wrapped_state import WrappedState
from backend.running.backend import inherited_environment
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store.forwarded import Forwarded
from backend.store.locations import project_files
from backend.store.wrapped_predictions import WrappedPredictions
from tests.e2e.cluster import Cluster
from tests.e2e.monkey import children, is_job, kill
from tests.e2e.steps import wait_until
from tests.fakes.label_studio import choice
from tests.fakes.loop import texts
from tests.fakes.project import FakeProject
from tests.fakes.server import FakeServer
from tests.fakes.server import served as label_studio
from tests.fakes.wrapped import FakeBackend, served

TASKS, BATCH = 120, 8

OWN_MODEL = """
import sys
from label_studio_ml.api import init_app
from label_studio_ml.model import LabelStudioMLBase


class Mine(LabelStudioMLBase):
    def predict(self, tasks, **kwargs):
        label = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["other"]}}
        return [{"result": [label], "score": 0.7} for task in tasks]


init_app(Mine, model_dir=sys.argv[2]).run("127.0.0.1", int(sys.argv[1]))
"""
"""As docs/own-model.md has it."""


class Killing:
    """A project that wraps a backend, a worker, and a Label Studio in memory."""

    def __init__(self, cluster: Cluster, server: FakeServer):
        self.cluster = cluster
        self.fake = server._state
        names = ("redis_url", "data_dir", "retrain_pause", "retry_after", "queue_head")
        self.settings = Settings.model_validate({name: cluster.env[name.upper()] for name in names})
        self.dispatcher = Dispatcher.from_settings(self.settings)

    def project(self, url: str) -> FakeProject:
        project = self.fake.create(texts(TASKS))
        for connection in project.connections.values():
            connection["extra_params"] = {"wraps": url}
        self.cluster.env["WRAPPED_BACKENDS"] = url.removeprefix("http://")
        self.cluster.start("worker1")
        self.dispatcher.request_retrain(project.id)
        return project

    def kill_worker(self) -> None:
        """With the job that it runs, as where a machine dies."""
        jobs = [child for child in children(self.cluster.pid("worker1")) if is_job(child)]
        self.cluster.kill("worker1")
        for job in jobs:
            kill(job)

    def answered(self, project: FakeProject) -> int:
        """Of how many tasks something is kept; nothing that waits for another try has to wait."""
        WrappedState(self.dispatcher.redis, project.id).works()
        registry = ScheduledJobRegistry(queue=self.dispatcher.encoding)
        for job_id in registry.get_job_ids():
            self.dispatcher.redis.zadd(registry.key, {job_id: 1}, xx=True)
        return len(WrappedPredictions(project_files(self.settings, project.id)).newest(project.tasks))


@pytest.fixture(scope="module")
def killing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killing]:
    with ExitStack() as stack:
        server = stack.enter_context(label_studio())
        quick = {"WRAPPED_BATCH": str(BATCH), "WRAPPED_RATE": "1000000", "RETRAIN_EVERY": "1000"}
        cluster = Cluster(tmp_path_factory.mktemp("kills"), server.url, "none", stack, **quick)
        stack.callback(cluster.stop_all)
        cluster.start("redis")
        yield Killing(cluster, server)


@pytest.fixture
def theirs(killing: Killing) -> Iterator[FakeBackend]:
    with served() as theirs:
        yield theirs
        killing.cluster.stop("worker1")


def once(at: int, of: Callable[[], int], act: Callable[[], object], answer: Callable[[Any], Any]) -> Any:
    """Answers as `answer`, and once, when so much has been asked, acts first."""
    done = list[bool]()

    def answered(body: Any) -> Any:
        if not done and of() >= at:
            done.append(True)
            act()
        return answer(body)

    return answered


def test_a_worker_killed_amid_pulling_asks_about_one_batch_again(
    killing: Killing, theirs: FakeBackend
) -> None:
    usual, killed = theirs._usual("/predict"), list[int]()

    def asked() -> Counter[int]:
        return Counter(task["id"] for body in theirs.bodies("/predict") for task in body["tasks"])

    def act() -> None:
        killed.extend(task["id"] for task in theirs.bodies("/predict")[-1]["tasks"])
        killing.kill_worker()

    theirs.answers["/predict"] = once(TASKS // 2, lambda: asked().total(), act, usual)
    project = killing.project(theirs.url)
    wait_until(lambda: bool(killed) and not killing.cluster.is_alive("worker1"))
    killing.cluster.start("worker1")
    wait_until(lambda: killing.answered(project) == TASKS)
    again = {task for task, times in asked().items() if times > 1}
    assert 0 < len(killed) <= BATCH
    assert again == set(killed)
    assert max(asked().values()) == 2


def test_a_worker_killed_amid_forwarding_repeats_one_event_and_loses_none(
    killing: Killing, theirs: FakeBackend
) -> None:
    project = killing.project(theirs.url)
    told_of = Forwarded(project_files(killing.settings, project.id))
    wait_until(lambda: killing.answered(project) == TASKS and told_of.read().began)  # else it is no news

    def told() -> list[int]:
        return [body["annotation"]["id"] for body in theirs.bodies("/webhook") if "annotation" in body]

    theirs.answers["/webhook"] = once(
        4, lambda: len(told()), killing.kill_worker, lambda body: {"job": "done"}
    )
    given = [
        killing.fake.annotate(project.id, task, [choice("other")])["annotation"]["id"]
        for task in list(project.tasks)[:9]
    ]
    killing.dispatcher.request_forwarding(project.id)
    wait_until(lambda: len(told()) >= 4 and not killing.cluster.is_alive("worker1"))
    killing.cluster.start("worker1")
    wait_until(lambda: len(set(told())) == len(given))
    assert told() == [*given[:4], *given[3:]]


def test_label_studio_mls_own_server_is_wrapped_killed_and_wrapped_on(
    killing: Killing, tmp_path: Path
) -> None:
    """1.0.9 answers 500 until it is told the label config, also when it was started anew."""
    port = free_port(0)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", OWN_MODEL, str(port), str(tmp_path / "models")]

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/health").status_code == 200
        except httpx.HTTPError:
            return False

    def start() -> Supervisor:
        supervisor = Supervisor()
        supervisor.start("mine", command, inherited_environment(), log=tmp_path / "log", ready=answers)
        return supervisor

    mine = start()
    try:
        project = killing.project(url)
        wait_until(lambda: killing.answered(project) > 0)
        mine.children[0].process.kill()
        mine.children[0].process.wait()
        killing.fake.add_tasks(project.id, texts(TASKS + 8)[TASKS:])
        killing.dispatcher.demand_retrain(project.id)
        wait_until(lambda: "does not answer" in killing.cluster.log("worker1"))
        mine = start()
        wait_until(lambda: killing.answered(project) == len(project.tasks))
        kept = WrappedPredictions(project_files(killing.settings, project.id)).newest(project.tasks)
        assert {each.result[0]["value"]["choices"][0] for each in kept.values()} == {"other"}
    finally:
        mine.__exit__()
        killing.cluster.stop("worker1")
