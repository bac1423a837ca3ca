"""A team labels on while containers are killed, scaled, stopped, taken down and short of memory."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backend.demo.project import DemoProject
from tests.docker.engine import Engine
from tests.docker.files import compose
from tests.docker.labelling import (
    QUICK,
    connected_project,
    label,
    labelling,
    labels_in,
    wait_until_trained_on_all,
)
from tests.docker.stack import Stack, running
from tests.e2e.steps import TEXTS, follow_queue, lowest, new_project, wait_until

pytestmark = [compose, pytest.mark.long]
MB = 2**20
MANY = [f"{text} {number}" for number in range(20) for text in TEXTS]
"""Texts that take some seconds, and memory, to encode."""


@pytest.fixture(scope="module")
def stack(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack.new(docker, tmp_path_factory.mktemp("kills"))
    stack.set(**QUICK)
    with running(stack):
        yield stack


def test_no_label_is_refused_or_lost_while_our_services_are_killed_one_after_the_other(stack: Stack) -> None:
    with stack.label_studio() as server:
        project = connected_project(stack, server, "kills", 300)
        with labelling(server, project) as given:
            for service in ("web", "worker", "redis", "cron", "upkeep"):
                stack.kill(service)
        assert len(given) >= 10
        assert labels_in(server, project) == len(given)
        wait_until_trained_on_all(stack, server, project)
        assert follow_queue(server, project)["id"] == lowest(project)


def test_label_studio_and_its_database_are_killed_and_the_loop_goes_on(stack: Stack) -> None:
    with stack.label_studio() as server:
        project = connected_project(stack, server, "killed too", 60)
        for service in ("label-studio", "db"):
            label(server, project, 4)
            stack.kill(service)
            wait_until(lambda: server.admin.http.get("/health").status_code == 200, 300)
        label(server, project, 4)
        assert labels_in(server, project) == 12
        wait_until_trained_on_all(stack, server, project)


def test_three_workers_serve_three_projects(stack: Stack) -> None:
    stack.up("--scale", "worker=3")
    workers = stack.containers("worker")
    assert len(workers) == 3
    with stack.label_studio() as server:
        projects = [connected_project(stack, server, f"scaled {number}", 40) for number in range(3)]
        for project in projects:
            label(server, project, 6)
        for project in projects:
            wait_until_trained_on_all(stack, server, project)
    for container in workers:
        stack.wait_until_healthy(container)
    stack.up("--scale", "worker=1")


def test_a_worker_that_is_stopped_within_a_retrain_finishes_it(stack: Stack) -> None:
    (container,) = stack.containers("worker")
    with stack.label_studio() as server, ThreadPoolExecutor() as pool:
        project = new_project(server, "stopped", MANY)
        connecting = pool.submit(stack.atlas, "connect", "--project", str(project.id))
        wait_until(lambda: job_status(stack, project)["status"] == "started", 300)
        try:
            stack.compose("stop", "worker")
            assert stack.state(container)["ExitCode"] == 0
            assert job_status(stack, project)["status"] == "finished"
            assert project.model_version().startswith("atlas-")
        finally:  # the tests that follow need it
            stack.compose("start", "worker")
            stack.wait_until_healthy(container)
        assert "All is well." in connecting.result()


def job_status(stack: Stack, project: DemoProject) -> dict[str, Any]:
    """Of the project's retrain, asked within the web server's container."""
    user, password = (stack.values[name] for name in ("BASIC_AUTH_USER", "BASIC_AUTH_PASS"))
    known = base64.b64encode(f"{user}:{password}".encode()).decode()
    code = (
        "import urllib.request as r; "
        f"asked = r.Request('http://127.0.0.1:9090/job_status?job=retrain-{project.id}'); "
        f"asked.add_header('Authorization', 'Basic {known}'); "
        "print(r.urlopen(asked).read().decode())"
    )
    told = stack.compose("exec", "-T", "web", "python", "-c", code, check=False)
    try:
        status: dict[str, Any] = json.loads(told.splitlines()[0])
    except (ValueError, IndexError):  # 404 until there is such a job
        return {"status": told[-300:]}
    return status


def test_a_job_that_is_killed_for_its_memory_says_so_and_is_done_once_there_is_room(stack: Stack) -> None:
    (container,) = stack.containers("worker")
    idle = used(stack, container)
    with stack.label_studio() as server, ThreadPoolExecutor() as pool:
        project = new_project(server, "memory", MANY)
        connecting = pool.submit(stack.atlas, "connect", "--project", str(project.id))
        wait_until(lambda: job_status(stack, project)["status"] == "started", 300)
        squeeze(stack, container, idle + 64 * MB)  # room for the worker and its health check
        wait_until(lambda: "perhaps for its memory" in stack.log("worker"), 600)
        limit(stack, container, 4096 * MB)
        connecting.exception()  # it may have given up waiting before there was room
        # What `connect` and `doctor` name as the remedy.
        assert "All is well." in stack.atlas("connect", "--project", str(project.id))
        assert stack.state(container)["Running"]


def used(stack: Stack, container: str) -> int:
    """Bytes of memory that the container holds, rounded up."""
    told = stack.engine.run("stats", "--no-stream", "--format", "{{.MemUsage}}", container)
    number, unit = re.match(r"([\d.]+)(\w+)", told).groups()  # type: ignore[union-attr]
    return int(float(number) * {"MiB": MB, "GiB": 1024 * MB}[unit]) + MB


def squeeze(stack: Stack, container: str, size: int) -> None:
    """To `size`, or as near to it as can be: cgroups of version 1 refuse a limit below what is held."""
    for more in range(0, 2048, 64):
        try:
            return limit(stack, container, size + more * MB)
        except subprocess.CalledProcessError:
            continue
    raise AssertionError("the engine takes no limit")


def limit(stack: Stack, container: str, size: int) -> None:
    stack.engine.run("update", "--memory", str(size), "--memory-swap", str(size), container)


def test_all_is_as_it_was_after_down_and_up(stack: Stack) -> None:
    with stack.label_studio() as server:
        project = connected_project(stack, server, "down and up", 60)
        label(server, project, 6)
        wait_until_trained_on_all(stack, server, project)
        version = project.model_version()
        order = project.predictions(version)
        stack.compose("down")
        stack.up()
        assert project.model_version() == version
        assert project.predictions(version) == order
        label(server, project, 3)
        wait_until_trained_on_all(stack, server, project)
    stack.atlas("doctor")
