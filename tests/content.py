"""Servers of files on this machine, for tests of what may be fetched."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from backend.content.addresses import Place
from backend.content.fetching import Bounds, Fetcher
from backend.content.hosts import Hosts

Handler = BaseHTTPRequestHandler


@dataclass
class FileServer:
    """asked: path and headers of each request. answers: by path, the body, or what answers."""

    url: str
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, bytes | Callable[[Handler], None]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def authorizations(self) -> list[str | None]:
        return [headers.get("authorization") for _, headers in self.asked]


@contextmanager
def file_server(host: str = "127.0.0.1") -> Iterator[FileServer]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
            answer = given.answers.get(self.path)
            if callable(answer):
                answer(self)
            else:
                say(self, 404 if answer is None else 200, answer or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Answering)
    server.daemon_threads = True
    given = FileServer(f"http://{host}:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield given
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def say(handler: Handler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def open_to_all(image: bytes) -> Callable[[Handler], None]:
    """To Label Studio's editor too, whose page is from elsewhere."""
    return lambda handler: say(handler, 200, image, Access_Control_Allow_Origin="*")


def redirect(to: str, status: int = 303) -> Callable[[Handler], None]:
    return lambda handler: say(handler, status, Location=to)


def names_that_are(addresses: dict[str, list[str]]) -> Callable[..., Any]:
    """In the place of the system's resolver: what it has, and these. A name's addresses come one a call."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *more: Any, **options: Any) -> Any:
        if host not in addresses:
            return real(host, port, *more, **options)
        known = addresses[host]
        address = known.pop(0) if len(known) > 1 else known[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    return getaddrinfo


KEY = "Token s3cret"


class Fetch:
    """What a worker does with a task's value."""

    def __init__(self, studio: FileServer, hosts: str = "", bounds: Bounds | None = None, own_name: str = ""):
        self.place = Place(studio.url, own_name, 7)
        self.renewed: list[bool] = []
        self.fetcher = Fetcher(self.place, Hosts.parse(hosts), self._key, bounds=bounds or Bounds(seconds=20))

    def _key(self, renew: bool) -> str:
        self.renewed.append(renew)
        return KEY if not any(self.renewed) else "Bearer new"

    def __call__(self, value: str) -> bytes | None:
        return self.fetcher.fetch(self.place.address(value)).content
