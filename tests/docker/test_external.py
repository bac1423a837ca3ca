"""compose.external.yaml, beside a Label Studio on SQLite that runs in a container of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from backend.demo.label_studio import free_port
from tests.docker.engine import Engine
from tests.docker.files import compose
from tests.docker.labelling import QUICK, connected_project, label, wait_until_trained_on_all
from tests.docker.stack import Stack, host_address, running
from tests.e2e.steps import follow_queue, lowest, wait_until

pytestmark = [compose, pytest.mark.long]


@contextmanager
def label_studio(stack: Stack, url: str) -> Iterator[None]:
    """With the first user of the stack's .env; it may call private addresses, as the guide asks."""
    values = {
        **{name: value for name, value in stack.values.items() if name.startswith("LABEL_STUDIO_")},
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    given = [word for name, value in values.items() for word in ("--env", f"{name}={value}")]
    start = ["label-studio", "start", "--no-browser", "--port", "8080", "--internal-host", "0.0.0.0"]
    name = f"{stack.name}-ls"
    listens = url.removeprefix("http://")
    image = "heartexlabs/label-studio:1.23.2"
    stack.engine.run("run", "--detach", "--name", name, "--publish", f"{listens}:8080", *given, image, *start)
    try:
        wait_until(lambda: is_up(url), 300)
        yield
    finally:
        stack.engine.run("rm", "--force", "--volumes", name)


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def stack(docker: Engine, tmp_path: Path) -> Iterator[Stack]:
    address = host_address(docker)
    stack = Stack.new(docker, tmp_path, "compose.external.yaml")
    stack.url = f"http://{address}:{free_port(0)}"
    port = free_port(0)
    with label_studio(stack, stack.url):
        stack.set(
            **QUICK,
            LABEL_STUDIO_URL=stack.url,
            LABEL_STUDIO_API_KEY=stack.values["LABEL_STUDIO_USER_TOKEN"],
            PORT=str(port),
            BACKEND_URL=f"http://{address}:{port}",
        )
        with running(stack):
            yield stack


def test_a_label_studio_elsewhere_is_connected_with_credentials(stack: Stack) -> None:
    with stack.label_studio() as server:
        project = connected_project(stack, server, "external", 80)
        url = stack.values["BACKEND_URL"]
        assert httpx.post(f"{url}/predict", json={"tasks": []}).status_code == 401
        assert httpx.post(f"{url}/webhook", json={"action": "START_TRAINING"}).status_code == 401
        label(server, project, 8)
        wait_until_trained_on_all(stack, server, project)
        assert follow_queue(server, project)["id"] == lowest(project)
    stack.atlas("doctor")
