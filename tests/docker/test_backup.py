"""Backup, restore, moving the models and beginning anew, by the commands of docs/docker-upkeep.md."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.docker.engine import Engine
from tests.docker.files import compose
from tests.docker.guide import commands
from tests.docker.labelling import (
    QUICK,
    connected_project,
    label,
    labels_in,
    versions,
    wait_until_trained_on_all,
)
from tests.docker.stack import Stack, running
from tests.e2e.steps import follow_queue, lowest, wait_until

pytestmark = [compose, pytest.mark.long]


@pytest.fixture(scope="module")
def stack(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack.new(docker, tmp_path_factory.mktemp("backup"))
    stack.set(**QUICK)
    with running(stack):
        yield stack


def test_labels_models_and_pins_are_there_again_after_backup_and_restore(stack: Stack) -> None:
    with stack.label_studio() as server:
        project = connected_project(stack, server, "backup", 80)
        assert project.id == 1
        for _ in range(2):
            label(server, project, 6)
            wait_until_trained_on_all(stack, server, project)
        pinned = project.model_version()
        stack.atlas("versions", "--project", "1", "pin", pinned)
        order = project.predictions(pinned)
        (backup,) = commands("Backup", stack)
        stack.shell(backup)
        label(server, project, 3)  # lost with what comes now
        (restore,) = commands("Restore", stack)
        assert "All is well." in stack.shell(restore)

        assert labels_in(server, project) == 12
        assert project.model_version() == pinned
        assert project.predictions(pinned) == order
        assert versions(stack, project)[pinned]["state"] == "pinned"
        label(server, project, 6)
        wait_until(lambda: any(row["trained_on"] == 18 for row in versions(stack, project).values()), 300)
        assert project.model_version() == pinned
        stack.atlas("versions", "--project", "1", "unpin")
        assert follow_queue(server, project)["id"] == lowest(project)


def test_the_models_can_be_taken_out_of_their_volume(stack: Stack) -> None:
    (move,) = commands("Take the models out of their volume", stack)
    stack.shell(move)
    taken = {path.name for path in (stack.folder / "projects" / "1").rglob("*") if path.is_file()}
    assert {"manifest.json", "published.json"} <= taken
    assert [name for name in taken if name.endswith(".vectors.safetensors")]  # encoded once for all machines
    assert not [name for name in taken if ".sqlite" in name]
    stack.compose("start", "worker", "upkeep")


def test_the_backend_begins_anew_and_every_label_stays(stack: Stack) -> None:
    backend, _everything = commands("Begin anew", stack)
    with stack.label_studio() as server:
        answer = server.admin.http.get("/api/projects/1/").json()
        before = answer["num_tasks_with_annotations"]
        assert "All is well." in stack.shell(backend)
        assert server.admin.http.get("/api/projects/1/").json()["num_tasks_with_annotations"] == before
    wait_until(lambda: f"Trained on {before} labels" in stack.log("worker"), 300)


def test_everything_is_gone_where_all_begins_anew(stack: Stack) -> None:
    _backend, everything = commands("Begin anew", stack)
    stack.shell(everything)
    left = [stack.engine.program, "volume", "ls", "--quiet", "--filter", f"name={stack.name}"]
    told = subprocess.run(left, env=stack.environment, capture_output=True, text=True, check=True)
    assert told.stdout == ""
