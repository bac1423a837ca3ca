"""A project whose page the docs show: the demo's headlines on a Label Studio in memory, labelled by three
annotators of whom one is careless, and served by a real backend. One failure of a job is made up."""

from __future__ import annotations

import csv
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from redis import Redis

from backend.connecting import connect
from backend.demo.data import HEADLINES
from backend.demo.label_studio import free_port
from backend.doctor.bench import Bench
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.page_links import Invited, make_link
from backend.running.backend import inherited_environment, start_backend
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.fakes.label_studio import FakeLabelStudio, choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.fakes.server import served

CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="disaster"/><Choice value="other"/></Choices></View>'
)
TASKS, ROUNDS, EACH = 640, 8, 20
MISTAKEN = {1: 0.02, 2: 0.04, 3: 0.3}
"""By annotator, how often they are mistaken."""
GIVEN = {"AUDIT_SHARE": "0.25", "GOAL_ACCURACY": "0.95", "RETRAIN_PAUSE": "0", "SHOW_GUESS_FROM": "0.9"}


@dataclass(frozen=True)
class Pictured:
    """link: lets a browser in; address: of the project's page."""

    link: str
    address: str


@contextmanager
def pictured(folder: Path) -> Iterator[Pictured]:
    """It is there while the context lasts. folder: of its data."""
    with pytest.MonkeyPatch.context() as environment, Supervisor() as supervisor, served() as label_studio:
        loop = made_loop(folder, environment, supervisor, label_studio.url)
        label_studio.show(loop.fake).reach = _reached
        project = _labelled(loop)
        settings = loop.settings
        start_backend(supervisor, settings, inherited_environment(), logs=folder)
        url = f"http://localhost:{settings.port}"
        with Bench(url) as bench:
            connect(bench, url, project.id, print)
        loop.dispatcher.insist_on_retrain(project.id)
        while loop.dispatcher.is_retraining(project.id):
            supervisor.check()
            time.sleep(1)
        _failed_once(loop, project, environment)
        with Redis.from_url(settings.redis_url) as redis:
            link = make_link(redis, settings, Invited("Ana", True), url)
        yield Pictured(link, f"{url}/projects/{project.id}")


def _failed_once(loop: Loop, project: FakeProject, environment: pytest.MonkeyPatch) -> None:
    """Three hours ago, and two minutes later no more."""
    failed, began = FailedJobs(loop.redis, project.id), time.time() - 3 * 3600
    with environment.context() as clock:
        clock.setattr("backend.jobs.failed_jobs.time", SimpleNamespace(time=lambda: began))
        failed.note("refill", "Label Studio did not answer within 30 s")
        clock.setattr("backend.jobs.failed_jobs.time", SimpleNamespace(time=lambda: began + 120))
        failed.worked("refill")


def _reached(project: FakeProject, connection: Json) -> str:
    """As Label Studio asks a connection's backend, each time it lists the project's."""
    asked = {"project": f"{project.id}.1", "schema": project.settings["label_config"]}
    return "CO" if httpx.post(f"{connection['url']}/setup", json=asked, timeout=30).is_success else "ER"


def made_loop(folder: Path, environment: pytest.MonkeyPatch, supervisor: Supervisor, url: str) -> Loop:
    given = {**GIVEN, "DATA_DIR": str(folder), "LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": "a-token"}
    for name, value in {**given, "PORT": str(free_port(0))}.items():
        environment.setenv(name, value)
    redis_url = start_redis(supervisor, folder, dict(os.environ))
    environment.setenv("REDIS_URL", redis_url)
    return Loop(FakeLabelStudio(), Redis.from_url(redis_url), environment)


def _labelled(loop: Loop) -> FakeProject:
    """After ROUNDS retrains of EACH labels, in the order in which tasks are served."""
    chance = random.Random(0)
    with HEADLINES.open(newline="") as file:
        label_of = {row["text"]: row["label"] for row in csv.DictReader(file)}
    texts = chance.sample(sorted(label_of), TASKS)
    project = loop.fake.create(texts, label_config=CONFIG, title="Headlines", connected=False)
    loop.fake.spread(project.id)
    loop.retrain(project)
    for _ in range(ROUNDS):
        for i, task in enumerate(loop.queue(project)[:EACH]):
            for annotator in _annotators(i):
                right = label_of[project.tasks[task]["data"]["text"]]
                wrong = next(each for each in ("disaster", "other") if each != right)
                said = wrong if chance.random() < MISTAKEN[annotator] else right
                loop.fake.annotate(project.id, task, [choice(said)], user=annotator)
            loop.state(project).note_changes(1)
        loop.retrain(project)
    return project


def _annotators(turn: int) -> tuple[int, ...]:
    """Two of every four tasks are given to a second one."""
    first = 1 + turn % 3
    return (first, 1 + first % 3) if turn % 2 else (first,)
