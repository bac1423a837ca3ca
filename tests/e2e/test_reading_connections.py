"""How a job reads what a connection asks for, on a real Label Studio."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from tests.e2e.steps import TEXTS, new_project


class Backend(ThreadingHTTPServer):
    """Any ML backend. `asked`: the paths it was called at; the next /setup is held up while `held` is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.held: threading.Event | None = None
        self.is_holding = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Backend

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        held, self.server.held = self.server.held, None
        if held is not None:
            self.server.is_holding.set()
            held.wait(2)  # Label Studio waits for 3 s
        self._answer()

    def _answer(self) -> None:
        self.server.asked.append(self.path)
        body = json.dumps({"model_version": "v"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_is_saved_while_a_job_reads_the_connections_stays(
    label_studio: LabelStudioServer, backend: Backend
) -> None:
    http = label_studio.admin.http
    project = new_project(label_studio, "reading connections", TEXTS[:3])
    body = {"project": project.id, "url": backend.url}
    made = http.post(
        "/api/ml", json={**body, "title": "atlas", "extra_params": {"strategy": "random"}}
    ).json()
    client = LabelStudioClient(label_studio.url, label_studio.admin.login.token)

    def save(strategy: str) -> None:
        changed = {**body, "extra_params": {"strategy": strategy}}
        http.patch(f"/api/ml/{made['id']}", json=changed).raise_for_status()

    asked = len(backend.asked)
    wishes = client.wishes(project.id)
    assert (wishes.strategy, wishes.updates, wishes.connected) == ("random", True, True)
    assert wishes.addresses == f"{made['id']}={backend.url}"
    assert len(backend.asked) == asked  # so that there is nothing that Label Studio would write back

    # Whereas the list of connections undoes what is saved while it is made: should that end, so may this way.
    release = backend.held = threading.Event()
    lists = threading.Thread(target=client.all_backends_answer, args=(project.id,))
    lists.start()
    assert backend.is_holding.wait(10)
    save("margin")
    assert client.wishes(project.id).strategy == "margin"
    release.set()
    lists.join()
    assert client.wishes(project.id).strategy == "random"
    client.close()
