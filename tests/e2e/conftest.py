"""One installation for all tests of `connect` and `doctor`, of which every one mends what it breaks; and per
file a backend, a client, a browser, or a web server whose jobs the tests do themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.demo.label_studio import LabelStudioServer, free_port
from backend.labelstudio.client import LabelStudioClient
from tests.browser import MISSING, Browser, browser
from tests.conftest import RunningBackend, backends
from tests.e2e.by_hand import HEAD, ByHand, by_hand, web_server
from tests.e2e.installation import Installation, Parts, atlas
from tests.e2e.steps import TEXTS, new_project


@pytest.fixture(scope="session")
def access_token(label_studio: LabelStudioServer) -> str:
    """A personal access token of somebody who is no administrator."""
    answer = label_studio.sign_up("backend").http.post("/api/token/")
    answer.raise_for_status()
    return answer.json()["token"]


@pytest.fixture(scope="session")
def installed(
    label_studio: LabelStudioServer, access_token: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("installation")
    port = free_port(0)
    env = {
        "LABEL_STUDIO_URL": label_studio.url,
        "LABEL_STUDIO_API_KEY": access_token,
        "DATA_DIR": str(directory / "data"),
        "PORT": str(port),
        "RETRAIN_PAUSE": "0",
        "BASIC_AUTH_USER": "atlas",
        "BASIC_AUTH_PASS": "pa55word",
    }
    project = new_project(label_studio, "doctor", TEXTS[:40])
    other = {"sampling": "Sequential sampling"}
    label_studio.admin.http.patch(f"/api/projects/{project.id}/", json=other).raise_for_status()
    parts = Parts(directory, env)
    try:
        url = f"http://localhost:{port}"
        connected = atlas(parts.env, "connect", url, "--project", str(project.id))
        yield Installation(parts, project, url, label_studio, connected)
    finally:
        parts.stop_all()


@pytest.fixture(scope="module")
def backend(
    request: pytest.FixtureRequest, label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBackend]:
    """With the settings that the file names as BACKEND."""
    with backends(label_studio, tmp_path_factory.mktemp("backend")) as start:
        yield start(**request.module.BACKEND)


@pytest.fixture(scope="module")
def client(label_studio: LabelStudioServer) -> Iterator[LabelStudioClient]:
    """The administrator's."""
    client = LabelStudioClient(label_studio.url, label_studio.admin.login.token)
    yield client
    client.close()


@pytest.fixture(scope="module")
def chromium(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Logged in as the administrator."""
    if MISSING is not None:
        pytest.skip(MISSING)
    with browser(tmp_path_factory.mktemp("browser")) as found:
        found.log_in(label_studio.url, label_studio.admin.email, label_studio.admin.password)
        yield found


@pytest.fixture(scope="module")
def environment(
    label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Of a web server without workers, which asks for no job before a test does."""
    env = {"QUEUE_HEAD": str(HEAD), "RETRAIN_EVERY": "1000", "RETRAIN_WITHIN": "1000", "CLEAR_AFTER": "0"}
    with web_server(label_studio, tmp_path_factory.mktemp("by-hand"), **env) as given:
        yield given


@pytest.fixture
def hand(
    label_studio: LabelStudioServer, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> ByHand:
    return by_hand(label_studio, environment, monkeypatch)
