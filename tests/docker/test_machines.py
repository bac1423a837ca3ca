"""compose.share.yaml with compose.workers.yaml: two workers as on a further machine, and an S3 server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from backend.demo.label_studio import free_port
from tests.docker.engine import Engine
from tests.docker.files import compose, copy_with_env
from tests.docker.labelling import QUICK, connected_project, label, wait_until_trained_on_all
from tests.docker.stack import Stack, host_address, running
from tests.e2e.steps import follow_queue, lowest, wait_until

pytestmark = [compose, pytest.mark.long]
KEYS = {"AWS_ACCESS_KEY_ID": "atlas", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3(engine: Engine, name: str) -> Iterator[str]:
    """A server that speaks S3, with an empty bucket, in a container `name`; yields its address."""
    images = Path(__file__).with_name("images") / "s3"
    engine.build("atlas-test-s3", images, "--build-arg", f"MOTO={metadata.version('moto')}")
    url = f"http://{host_address(engine)}:{free_port(0)}"
    listens = url.removeprefix("http://")
    engine.run("run", "--detach", "--rm", "--name", name, "--publish", f"{listens}:5000", "atlas-test-s3")
    try:
        wait_until(lambda: answers(url))
        httpx.put(f"{url}/bucket").raise_for_status()
        yield url
    finally:
        engine.run("rm", "--force", "--volumes", name)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code < 500
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def machines(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Stack]]:
    """The first machine, and one with nothing but workers. Two folders and networks on one engine."""
    directory = tmp_path_factory.mktemp("machines")
    address = host_address(docker)
    first = Stack.new(docker, directory, "compose.yaml", "compose.share.yaml")
    with s3(docker, f"{first.name}-s3") as url:
        shared = {**QUICK, **KEYS, "MODEL_STORE": "s3://bucket/models", "AWS_ENDPOINT_URL": url}
        shared |= {"REDIS_PASSWORD": "p@ss/#:?50%41 $5 #6", "REDIS_PORT": str(free_port(0))}
        first.set(**shared, REDIS_LISTEN=address)
        second = Stack(docker, copy_with_env(directory / "second"), "compose.workers.yaml")
        second.set(
            **shared,
            REDIS_HOST=address,
            LABEL_STUDIO_URL=first.url.replace("localhost", address),
            LABEL_STUDIO_API_KEY=first.values["LABEL_STUDIO_USER_TOKEN"],
        )
        with running(first), running(second, "--scale", "worker=2"):
            yield first, second


def test_what_further_machines_train_the_first_one_serves(machines: tuple[Stack, Stack]) -> None:
    first, second = machines
    assert len(second.containers("worker")) == 2
    with first.label_studio() as server:
        project = connected_project(first, server, "machines", 80)
        first.compose("stop", "worker")  # from now on only the others train
        label(server, project, 8)
        wait_until_trained_on_all(first, server, project)
        assert "Trained on" in second.log("worker")
        assert follow_queue(server, project)["id"] == lowest(project)
        first.compose("start", "worker")
        second.compose("stop", "worker")
        label(server, project, 4)
        wait_until_trained_on_all(first, server, project)
        second.compose("start", "worker")
    told = first.atlas("doctor")
    assert re.search(r"s3://bucket/models", told)


def test_doctor_says_that_the_store_hangs_and_the_loop_goes_on_when_it_is_back(
    machines: tuple[Stack, Stack],
) -> None:
    first, _ = machines
    name = f"{first.name}-s3"
    with first.label_studio() as server:
        project = connected_project(first, server, "hanging", 40)
        first.engine.run("pause", name)
        try:
            told = first.atlas("doctor", "--project", str(project.id), check=False, seconds=300)
            assert "the model store s3://bucket fails" in " ".join(told.split())
            assert "Traceback" not in told
            label(server, project, 4)
        finally:
            first.engine.run("unpause", name)
        wait_until_trained_on_all(first, server, project)
