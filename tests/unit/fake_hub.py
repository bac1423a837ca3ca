"""A model hub of one model, on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "atlas/tiny-model.v1"


class FakeHub(ThreadingHTTPServer):
    """The hub's answers, from a folder. asked: paths, in order."""

    folder: Path
    sha256 = True
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        files = [each for each in sorted(self.server.folder.rglob("*")) if each.is_file()]
        if path == f"/api/models/{NAME}/revision/main":
            told = {"sha": COMMIT, "siblings": [self._sibling(each) for each in files]}
            self._answer(json.dumps(told).encode())
        elif path.startswith(f"/{NAME}/resolve/{COMMIT}/"):
            self._answer((self.server.folder / path.split(f"{COMMIT}/")[1]).read_bytes())
        else:
            self.send_error(404)

    def _sibling(self, file: Path) -> dict[str, Any]:
        content = file.read_bytes()
        told: dict[str, Any] = {
            "rfilename": file.relative_to(self.server.folder).as_posix(),
            "size": len(content),
            "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        }
        if file.suffix == ".safetensors":
            digest = hashlib.sha256(content).hexdigest() if self.server.sha256 else "0" * 64
            told["lfs"] = {"sha256": digest}
        return told

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """home: where what is fetched goes."""
    server = FakeHub(("127.0.0.1", 0), Handler)
    server.folder, server.asked = folder, []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
