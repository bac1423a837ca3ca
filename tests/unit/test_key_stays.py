"""The API key goes to the configured Label Studio and to nobody else, whatever that one answers."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.client import LabelStudioClient
from backend.running.health import health_of

LEGACY = "legacy-key"


def _part(told: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def _token(kind: str) -> str:
    return ".".join(
        [_part({"alg": "HS256", "typ": "JWT"}), _part({"exp": 8e9, "token_type": kind}), "c2lnbmVk"]
    )


PERSONAL, ACCESS = _token("refresh"), _token("access")


class Server:
    """Redirects to `target`, or, without one, answers with a project. Keeps what it saw."""

    def __init__(self, status: int = 200, target: str = "") -> None:
        seen = self.seen = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen.append(f"{self.path} {dict(self.headers)} {body!r}")
                here = self.path.endswith("moved")
                self.send_response(200 if here else status)
                if target and not here:
                    self.send_header("Location", target)
                content = json.dumps({"id": 1, "task_number": 0, "access": ACCESS}).encode()
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

            def log_message(self, *args: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def stranger() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("key", [LEGACY, PERSONAL])
def test_a_redirect_to_another_server_is_not_followed(stranger: Server, status: int, key: str) -> None:
    label_studio = Server(status, f"{stranger.url}/moved")
    try:
        client = LabelStudioClient(label_studio.url, key, timeout=10)
        with client, pytest.raises(LabelStudioError, match="set LABEL_STUDIO_URL") as refused:
            client.project(1)
    finally:
        label_studio.stop()
    assert any(key in seen for seen in label_studio.seen)
    assert stranger.seen == []
    assert key not in str(refused.value)


def test_a_redirect_within_the_server_is_followed() -> None:
    label_studio = Server(302, "/moved")
    try:
        with LabelStudioClient(label_studio.url, LEGACY, timeout=10) as client:
            assert client.project(1).id == 1
    finally:
        label_studio.stop()


@pytest.mark.parametrize("key", [LEGACY, PERSONAL])
def test_no_proxy_sees_what_goes_to_this_machine(
    stranger: Server, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Whatever HTTP_PROXY says: a proxy would see the key, and knows nothing of this machine's ports."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, stranger.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    label_studio = Server()
    port = label_studio.url.rsplit(":", 1)[1]
    try:
        for host in ("127.0.0.1", "localhost"):
            with LabelStudioClient(f"http://{host}:{port}", key, timeout=10) as client:
                client.project(1)
        assert health_of(label_studio.url, 5) == {"id": 1, "task_number": 0, "access": ACCESS}
    finally:
        label_studio.stop()
    assert len(label_studio.seen) >= 3
    assert stranger.seen == []


@pytest.mark.parametrize("key", [LEGACY, PERSONAL])
def test_a_path_in_label_studios_address_is_kept_for_the_token_too(key: str) -> None:
    """The root of the same host may be another program's."""
    label_studio = Server()
    try:
        with LabelStudioClient(f"{label_studio.url}/label/studio", key, timeout=10) as client:
            client.project(1)
    finally:
        label_studio.stop()
    asked = [seen.split(" ")[0] for seen in label_studio.seen]
    assert asked[-1].startswith("/label/studio/api/projects/1/")
    assert all(path.startswith("/label/studio/api/") for path in asked)
