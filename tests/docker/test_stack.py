"""The image as built and the compose file as written, until a team's queue re-orders itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.demo.environment import install_label_studio
from backend.demo.label_studio import LabelStudioServer, User
from backend.demo.project import DemoProject
from tests.docker.stack import REHEARSAL, REPOSITORY, Stack
from tests.e2e.steps import DATA, TEXTS, annotate, follow_queue, lowest, new_project, tasks_of, wait_until

READY = sys.platform == "linux" and os.geteuid() == 0 and any(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = pytest.mark.skipif(not READY, reason="wants Linux, root and Debian's package postgresql")
GUIDE = (REPOSITORY / "docs" / "docker.md").read_text()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    folder = shutil.copytree(
        REPOSITORY / "docker", directory / "docker", ignore=shutil.ignore_patterns(".env")
    )
    subprocess.run([folder / "make-env"], check=True)
    install_label_studio(Path("~/.cache/label-studio-atlas").expanduser())
    build = [*REHEARSAL, "build", str(directory), "--build-arg", "TORCH_INDEX="]
    subprocess.run(build, check=True)
    command = [*REHEARSAL, "up", str(directory), str(folder / "compose.yaml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        told = []
        for line in process.stdout or ():
            told.append(line)
            if line == "healthy: all\n":
                break
        else:
            pytest.fail("".join(told))
        values = re.findall(r"^(\w+)=(.*)$", (folder / ".env").read_text(), re.MULTILINE)
        yield Stack(directory, dict(values))
    finally:
        for child in children(process.pid):
            os.kill(child, 15)
        process.communicate()


def ordered(project: DemoProject) -> list[int]:
    return [item.task for item in project.predictions(project.model_version())]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_project_is_connected_as_the_guide_says_and_its_queue_reorders(stack: Stack) -> None:
    assert "label-studio-atlas connect --project NUMBER" in stack.log("web")
    commands = re.findall(r"docker compose exec web (label-studio-atlas .*)", GUIDE)
    assert commands == ["label-studio-atlas connect --project 1", "label-studio-atlas doctor"]

    token = stack.env["LABEL_STUDIO_USER_TOKEN"]
    url = "http://localhost:8080"
    with (
        stack.network(),
        httpx.Client(base_url=url, headers={"Authorization": f"Token {token}"}, timeout=120) as http,
    ):
        user = User(stack.env["LABEL_STUDIO_USERNAME"], stack.env["LABEL_STUDIO_PASSWORD"], http)
        server = LabelStudioServer(url, user, stack.directory)
        project = new_project(server, "docker", TEXTS[:60])
        assert project.id == 1

        connected = stack.execute("web", *commands[0].split())
        assert connected.returncode == 0, connected.stdout + connected.stderr
        assert "All is well." in connected.stdout
        (hook,) = http.get("/api/webhooks/", params={"project": 1}).json()
        assert hook["url"] == "http://backend.internal:9090/webhook"

        first = project.model_version()
        before = ordered(project)
        for label in DATA.labels:
            for task in tasks_of(project, label)[:4]:
                annotate(server, task, label)
        wait_until(lambda: "Trained on 8 labels" in stack.log("worker"))
        assert project.model_version() != first
        assert ordered(project) != [task for task in before if not project.is_labeled(task)]
        assert follow_queue(server, project)["id"] == lowest(project)

        elsewhere = {"project": 1, "url": "http://192.168.1.1:9090", "title": "x"}
        refused = http.post("/api/ml", json=elsewhere)
        assert (refused.status_code, "reserved network address" in refused.text) == (403, True)

    examined = stack.execute("web", *commands[1].split())
    assert examined.returncode == 0, examined.stdout + examined.stderr
