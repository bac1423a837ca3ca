"""An installation of before, put under today's code: files, Redis, and what Label Studio holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from flask.testing import FlaskClient
from rq.registry import ScheduledJobRegistry

from backend.jobs.dispatch import Dispatcher
from backend.jobs.worker import create_worker
from backend.web import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.golden.cases import CASES, texts
from tests.installed import kept
from tests.installed.kept import KINDS, PROJECTS, Installation
from tests.installed.old import SETTINGS
from tests.unit.conftest import fake_server, loop, redis, session_redis

__all__ = ["fake_server", "loop", "redis", "session_redis"]
KEPT_SETTINGS = ("retrain_every", "retry_after", "queue_head", "keep_versions", "folds")


@dataclass
class Upgraded:
    """Today's code on an installation of before. Projects by what is special about them."""

    loop: Loop
    installation: Installation
    web: FlaskClient

    def project(self, name: str) -> FakeProject:
        return self.loop.fake.projects[PROJECTS[name]]

    @property
    def dispatcher(self) -> Dispatcher:
        return self.loop.dispatcher

    def work(self) -> None:
        """What is due, by a real RQ worker that forks."""
        create_worker(self.loop.settings).work(burst=True, with_scheduler=True, logging_level="CRITICAL")

    def make_due(self, *job_ids: str) -> None:
        """As if their time had come."""
        for queue in (self.dispatcher.queue, self.dispatcher.upkeep):
            key = ScheduledJobRegistry(queue=queue).key
            self.loop.redis.zadd(key, dict.fromkeys(job_ids, 1), xx=True)

    def label(self, name: str, count: int) -> None:
        """The next tasks that nobody has labelled; a webhook tells of each."""
        project = self.project(name)
        case, topics = CASES[KINDS[project.id]], [topics for _, topics in texts()]
        numbers = {task: number for number, task in enumerate(project.tasks)}
        waiting = [task for task in project.tasks if not project.annotations.of(task)]
        for task in waiting[:count]:
            self.loop.fake.annotate(project.id, task, case.answer(topics[numbers[task]]))

    def predict(self, name: str) -> tuple[list[Json], list[Json]]:
        """What is answered to the /predict of before, and what was answered then."""
        asked, project = self.installation.read("answers.json")[name], self.project(name)
        config = project.settings["label_config"]
        body = {"tasks": asked["tasks"], "project": f"{project.id}.0", "label_config": config}
        answer = self.web.post("/predict", json=body)
        assert answer.status_code == 200
        return answer.get_json()["results"], asked["results"]


@pytest.fixture(params=["folder", "bucket"])
def upgraded(request: pytest.FixtureRequest, loop: Loop, tmp_path: Path) -> Upgraded:
    """Nothing has run yet but the web side."""
    installation = kept.unpacked(request.param, tmp_path)
    loop.set(data_dir=installation.folder / "data", model_store=installation.model_store)
    loop.set(**{name: SETTINGS[name.upper()] for name in KEPT_SETTINGS})
    kept.restore_redis(loop.redis, installation.read("redis.json"))
    kept.restore_label_studio(loop.fake, installation.read("label_studio.json"))
    web = create_app(loop.settings).test_client()
    _listen(loop, web)
    return Upgraded(loop, installation, web)


def _listen(loop: Loop, web: FlaskClient) -> None:
    """Label Studio's calls arrive: /setup, whenever connections are listed, and webhooks."""

    def reach(project: FakeProject, connection: Json) -> str:
        body = {"project": f"{project.id}.0", "schema": project.settings["label_config"]}
        answer = web.post("/setup", json={**body, "extra_params": connection.get("extra_params")})
        assert answer.status_code == 200, answer.text
        return "CO"

    def deliver(webhook: Json, payload: Json) -> None:
        path = "/" + webhook["url"].split("/", 3)[3]
        answer = web.post(path, json=payload, headers=webhook["headers"])
        assert answer.status_code == 201, answer.text

    loop.fake.reach, loop.fake.deliver = reach, deliver


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Jobs are forked from this process, whose torch must not have started others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
