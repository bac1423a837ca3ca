"""From a release that is installed to this one, and back, by the commands of docs/docker-upkeep.md."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.docker.engine import Engine
from tests.docker.files import REPOSITORY, compose
from tests.docker.guide import commands, without
from tests.docker.labelling import (
    QUICK,
    connected_project,
    label,
    labels_in,
    versions,
    wait_until_trained_on_all,
)
from tests.docker.stack import OURS, Stack, running
from tests.e2e.steps import wait_until

pytestmark = [compose, pytest.mark.long]
BEFORE = "edd26f8"
"""A commit that people run."""


@pytest.fixture(scope="module")
def old(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """That commit, built and running as its own files say, but for the first line of its Dockerfile, which
    asks a registry."""
    clone = tmp_path_factory.mktemp("upgrade") / "clone"
    clone.mkdir()
    archive = subprocess.run(["git", "archive", BEFORE], cwd=REPOSITORY, capture_output=True)
    if archive.returncode:
        pytest.skip(f"the history of this clone does not reach back to {BEFORE}")
    subprocess.run(["tar", "-x", "-C", clone], input=archive.stdout, check=True)
    dockerfile = clone / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().removeprefix("# syntax=docker/dockerfile:1\n"))
    arguments = ["--build-arg", "TORCH_INDEX="] if docker.ours else []
    stack = Stack.new(docker, clone.parent, source=clone / "docker", ATLAS_TAG="atlas-test-old")
    docker.build(f"label-studio-atlas:{stack.tag}", clone, *arguments)
    stack.set(**QUICK)
    with running(stack):
        yield stack


def test_an_upgrade_keeps_order_pin_and_jobs_and_asks_nothing(old: Stack) -> None:
    stack = old
    with stack.label_studio() as server:
        followed = connected_project(stack, server, "followed", 80)
        pinned = connected_project(stack, server, "pinned", 80)
        for project in (followed, pinned):
            label(server, project, 6)
            wait_until_trained_on_all(stack, server, project)
        version = pinned.model_version()
        stack.atlas("versions", "--project", str(pinned.id), "pin", version)
        stack.compose("stop", "worker")
        label(server, pinned, 3)  # a job that waits
        before = followed.model_version()
        orders = {each.id: each.predictions(each.model_version()) for each in (followed, pinned)}
        env = (stack.folder / ".env").read_text()

        prepare, replace = commands("Upgrade", stack)
        stack.shell(without(prepare, "git pull", "compose.yaml build"))
        stack.replace_files(OURS)
        stack.engine.run("tag", "label-studio-atlas:atlas-test", f"label-studio-atlas:{stack.tag}")
        stack.shell(replace)  # ends with doctor, which finds nothing wrong

        assert (stack.folder / ".env").read_text() == env
        assert (followed.model_version(), pinned.model_version()) == (before, version)
        assert {each.id: each.predictions(each.model_version()) for each in (followed, pinned)} == orders
        assert versions(stack, pinned)[version]["state"] == "pinned"
        trained = labels_in(server, pinned)
        wait_until(lambda: any(row["trained_on"] == trained for row in versions(stack, pinned).values()), 300)
        assert pinned.model_version() == version

        label(server, followed, 3)
        wait_until_trained_on_all(stack, server, followed)
        answers = stack.log("web")
        assert not [line for line in answers.splitlines() if "/webhook" in line and " 401 " in line]


def test_the_release_before_is_put_back_by_the_image_that_was_kept(old: Stack) -> None:
    stack = old
    (back,) = commands("Back to the release before", stack)
    with stack.label_studio() as server:
        stack.replace_files(stack.folder.parent / "clone" / "docker")
        stack.shell(without(back, "git checkout"))
        image = stack.engine.run("inspect", "--format", "{{.Image}}", stack.containers("web")[0])
        assert image == stack.engine.run(
            "image", "inspect", "--format", "{{.Id}}", f"label-studio-atlas:{stack.tag}-before"
        )
        project = server.admin.http.get("/api/projects/1/").json()
        assert project["num_tasks_with_annotations"] == 9
    stack.atlas("doctor")
