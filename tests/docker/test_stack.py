"""The image as built and compose.yaml as written, until a team's queue re-orders itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from backend.demo.project import DemoProject
from tests.docker.engine import Engine
from tests.docker.files import REPOSITORY, compose
from tests.docker.stack import Stack, running
from tests.e2e.steps import DATA, TEXTS, annotate, follow_queue, lowest, new_project, tasks_of, wait_until

pytestmark = compose
GUIDE = (REPOSITORY / "docs" / "docker.md").read_text()


@pytest.fixture(scope="module")
def stack(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With a password of Redis that no address could hold."""
    stack = Stack.new(docker, tmp_path_factory.mktemp("stack"))
    stack.set(REDIS_PASSWORD="p@ss/#:?50%41 $5 #6", RETRAIN_PAUSE="0")
    with running(stack):
        yield stack


def ordered(project: DemoProject) -> list[int]:
    return [item.task for item in project.predictions(project.model_version())]


def test_a_project_is_connected_as_the_guide_says_and_its_queue_reorders(stack: Stack) -> None:
    assert "label-studio-atlas connect --project NUMBER" in stack.log("web")
    commands = re.findall(r"docker compose exec web (label-studio-atlas (?:connect|doctor).*)", GUIDE)
    assert commands == ["label-studio-atlas connect --project 1", "label-studio-atlas doctor"]

    with stack.label_studio() as server:
        http = server.admin.http
        project = new_project(server, "docker", TEXTS[:60])
        assert project.id == 1
        assert "All is well." in stack.atlas(*commands[0].split()[1:])
        (hook,) = http.get("/api/webhooks/", params={"project": 1}).json()
        assert hook["url"].startswith("http://backend.internal:9090/webhook")

        first = project.model_version()
        before = ordered(project)
        for label in DATA.labels:
            for task in tasks_of(project, label)[:4]:
                annotate(server, task, label)
        wait_until(lambda: "Trained on 8 labels" in stack.log("worker"), 300)
        assert project.model_version() != first
        assert ordered(project) != [task for task in before if not project.is_labeled(task)]
        assert follow_queue(server, project)["id"] == lowest(project)

        elsewhere = {"project": 1, "url": "http://192.168.1.1:9090", "title": "x"}
        refused = http.post("/api/ml", json=elsewhere)
        assert (refused.status_code, "reserved network address" in refused.text) == (403, True)
    stack.atlas(*commands[1].split()[1:])


def test_a_worker_that_is_killed_comes_back_and_trains_on(stack: Stack) -> None:
    stack.kill("worker")
    with stack.label_studio() as server:
        project = next(iter(server.admin.http.get("/api/projects").json()["results"]))["id"]
        for _ in range(5):
            served = server.admin.http.get(f"/api/projects/{project}/next").json()
            annotate(server, served["id"], DATA.labels[0])
    wait_until(lambda: "Trained on 13 labels" in stack.log("worker"), 300)


def test_services_reach_whom_they_speak_to_and_nobody_else(stack: Stack) -> None:
    def reaches(service: str, host: str, port: int) -> bool:
        code = f"import socket; socket.create_connection(('{host}', {port}), 3); print('reached')"
        python = {"web": "python", "label-studio": "python3"}[service]
        told = stack.compose("exec", "-T", service, python, "-c", code, check=False, seconds=60)
        return told.startswith("reached")

    assert reaches("web", "redis", 6379)
    assert reaches("web", "label-studio", 8080)
    assert reaches("label-studio", "db", 5432)
    assert reaches("label-studio", "backend.internal", 9090)
    assert not reaches("web", "db", 5432)
    assert not reaches("label-studio", "redis", 6379)


def test_our_containers_can_write_nothing_but_data_and_tmp(stack: Stack) -> None:
    code = (
        "import os\n"
        "for place in ('/opt/atlas/x', '/etc/x', '/home/atlas/x', '/data/x', '/tmp/x'):\n"
        "    try:\n        open(place, 'w').close(); print(place)\n"
        "    except OSError:\n        pass\n"
        "print(os.getuid(), [line for line in open('/proc/self/status') if line.startswith('CapEff')])\n"
    )
    told = stack.compose("exec", "-T", "web", "python", "-c", code).splitlines()
    assert told[:2] == ["/data/x", "/tmp/x"]
    assert told[2].startswith("10001 ['CapEff:\\t0000000000000000")
