"""What no HTTP client would send, over plain sockets to the real web server."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from backend.demo.label_studio import free_port
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.patient import MOST, REQUEST_SECONDS
from backend.running.supervisor import Supervisor
from tests.unit.test_web import CONFIG

HEAD = b"POST /webhook HTTP/1.1\r\nHost: atlas\r\n"
HOOK = b'{"action": "PROJECT_UPDATED", "project": {"id": 1}}'
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MAY_GROW = 32
"""MB that the process may grow by."""


def with_length(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


@dataclass
class Web:
    port: int
    pid: int
    log_file: Path

    def connect(self, sent: bytes = b"") -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=3 * REQUEST_SECONDS)
        made.sendall(sent)
        return made

    def answers(self, parts: Iterable[bytes]) -> int:
        """The status of the answer; 0 when there is none."""
        with self.connect() as client:
            with suppress(ConnectionError):  # who is refused need not be heard to the end
                for part in parts:
                    client.sendall(part)
            return status(client)

    def webhook(self) -> int:
        return httpx.post(f"http://127.0.0.1:{self.port}/webhook", content=HOOK, timeout=5).status_code

    def peak(self) -> int:
        """MB that the process which answers has held at most."""
        (child,) = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        (line,) = [x for x in Path(f"/proc/{child}/status").read_text().splitlines() if x.startswith("VmHWM")]
        return int(line.split()[1]) // 1024


def status(client: socket.socket) -> int:
    try:
        answer = client.recv(65536)
    except ConnectionError:
        return 0
    return int(answer.split()[1]) if answer else 0


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(tmp_path_factory.mktemp("wire")) as web:
        yield web


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Web]:
    """Bodies of up to 1 MB unless told; no worker."""
    port = free_port(0)
    with Supervisor() as supervisor:
        env = {
            **inherited_environment(),
            "REDIS_URL": start_redis(supervisor, folder, dict(os.environ)),
            "DATA_DIR": str(folder / "data"),
            "PORT": str(port),
            "MAX_BODY_MB": "1",
            "MAX_TEXT_CHARS": "1000",
            **settings,
        }
        log, command = folder / "web.log", [sys.executable, "-m", "backend", "serve"]

        def ready() -> bool:
            with suppress(httpx.HTTPError):  # gunicorn listens before it has a process that answers
                return httpx.get(f"http://127.0.0.1:{port}/health", timeout=1, trust_env=False).is_success
            return False

        yield Web(port, supervisor.start("web", command, env, log=log, ready=ready).process.pid, log)


@pytest.mark.parametrize("half", [b"", HEAD, HEAD + b"Content-Length: 100\r\n\r\n{"])
def test_halves_of_requests_hold_no_thread_and_are_closed(web: Web, half: bytes) -> None:
    with ExitStack() as stack:
        halves = [stack.enter_context(web.connect(half)) for _ in range(40)]  # there are 16 threads
        assert [web.webhook() for _ in range(20)] == [201] * 20
        assert [status(client) for client in halves] == [0] * 40
    assert web.webhook() == 201


@pytest.mark.parametrize("half", [b"", HEAD, HEAD + b"Content-Length: 100\r\n\r\n{"])
def test_who_ends_in_the_midst_of_a_request_is_not_waited_for(web: Web, half: bytes) -> None:
    with web.connect(half) as client:
        time.sleep(0.2)
        client.settimeout(REQUEST_SECONDS - 2)  # by then it would be closed for its silence
        client.shutdown(socket.SHUT_WR)
        assert status(client) in (0, 400)


@pytest.mark.parametrize("size", [0, MOST // 2, MOST, 2 * MOST, 2**20 - 100])
def test_a_request_in_pieces_is_answered(web: Web, size: int) -> None:
    def slowly() -> Iterator[bytes]:
        request = with_length(HOOK[:-1] + b" " * size + b"}")
        for i in range(0, len(request), len(request) // 7 + 1):
            yield request[i : i + len(request) // 7 + 1]
            time.sleep(0.1)

    assert web.answers(slowly()) == 201


def test_a_large_body_that_drips_holds_no_thread_for_long(web: Web) -> None:
    with web.connect(HEAD + b"Content-Length: %d\r\n\r\n" % (4 * MOST) + HOOK + b" " * MOST) as client:
        client.setblocking(False)
        answer, drops = b"", 0
        while not answer and drops < 100:  # a byte now and then would do for the pauses between them
            time.sleep(0.5)
            drops += 1
            with suppress(BlockingIOError):
                answer = client.recv(65536) or b"closed"
            with suppress(ConnectionError):
                client.send(b" ")
        assert answer.startswith(b"HTTP/1.1 408"), answer


def test_requests_on_a_connection_that_is_kept_are_all_answered(web: Web) -> None:
    with web.connect() as client:
        for at_once in (1, 1, 3, 1):  # the others come while the first is worked on
            client.sendall(at_once * with_length(HOOK))
            answers = b""
            while answers.count(b"{}\n") < at_once:
                answers += (part := client.recv(65536))
                assert part, answers
            assert answers.count(b"HTTP/1.1 201") == at_once


MALFORMED = {
    "no HTTP": b"\x16\x03\x01" + bytes(100) + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no path": b"POST\r\n\r\n",
    "gzip that is none": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bxx",
    "a chunk without a size": CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "a chunk of less than nothing": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"5\r\nhello!!!\r\n0\r\n\r\n",
    "a chunk of 2**64": CHUNKED + b"ffffffffffffffff\r\nhello",
    "chunks, and a length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length below nothing": HEAD + b"Content-Length: -5\r\n\r\nhello",
    "a length in words": HEAD + b"Content-Length: five\r\n\r\nhello",
    "a header without a name": HEAD + b": x\r\n\r\n",
    "a blank in a header's name": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunks of another kind": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a header too long": HEAD + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_told_so(web: Web, name: str) -> None:
    assert 400 <= web.answers([MALFORMED[name]]) < 500
    assert "Traceback" not in web.log_file.read_text()


DEL_IN_A_NAME = """<View><Text name="t" value="$t"/><Choices name="a&#127;b" toName="t">
<Choice value="a"/></Choices></View>"""
CONTROL_CHARACTERS = {
    "/setup": {"project": 1, "schema": DEL_IN_A_NAME},
    "/predict": {
        "project": 1,
        "label_config": CONFIG,
        "tasks": [{"id": "\0\x1b", "data": {"text": "x" * 1001}}],
    },
}


@pytest.mark.parametrize("path", CONTROL_CHARACTERS)
def test_what_came_in_is_told_in_a_clean_status_line(web: Web, path: str) -> None:
    body = json.dumps(CONTROL_CHARACTERS[path]).encode()
    head = HEAD.replace(b"/webhook", path.encode()) + b"Content-Length: %d\r\n\r\n" % len(body)
    with web.connect(head + body) as client:
        line = client.recv(65536).split(b"\r\n")[0]
    assert line.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
    assert line.decode().isprintable()


def test_no_header_says_under_which_path_the_backend_is(web: Web) -> None:
    for path in (b"/health", b"/nowhere"):
        request = HEAD.replace(b"POST /webhook", b"GET " + path) + b"SCRIPT_NAME: /x\r\n\r\n"
        assert web.answers([request]) == (200 if path == b"/health" else 404)


@pytest.mark.parametrize("path", [b"/webhook", b"/predict", b"/setup", b"/health", b"/nowhere"])
def test_what_goes_on_without_end_is_not_listened_to(web: Web, path: bytes) -> None:
    chunk = b"10000\r\n" + b"x" * 2**16 + b"\r\n"
    before = web.peak()
    chunks = web.answers([CHUNKED.replace(b"/webhook", path), *[chunk] * 2000])
    assert chunks in (411, 0)  # 0: the end of the connection came before the answer was read
    assert web.answers([HEAD, *(b"X-%d: y\r\n" % i for i in range(100_000))]) in (431, 400, 0)
    assert web.peak() < before + MAY_GROW
    assert web.webhook() == 201


def test_a_body_that_is_larger_than_it_may_be_is_refused_unread(web: Web) -> None:
    before = web.peak()
    assert web.answers([HEAD + b"Content-Length: 1000000000\r\n\r\n", *[b"x" * 2**16] * 100]) in (413, 0)
    assert web.peak() < before + MAY_GROW


def test_a_killed_servers_processes_answer_what_they_have_and_leave_the_port(tmp_path: Path) -> None:
    with serving(tmp_path) as web:
        whole = with_length(HOOK + b" " * 2 * MOST)
        with web.connect(whole[:-1]) as begun:
            begun.settimeout(0.5)
            with pytest.raises(TimeoutError):  # a thread reads it
                begun.recv(1)
            os.kill(web.pid, signal.SIGKILL)
            while True:
                try:
                    web.connect().close()
                except ConnectionRefusedError:
                    break
                begun.sendall(b"")
                time.sleep(0.05)
            begun.settimeout(3 * REQUEST_SECONDS)
            begun.sendall(whole[-1:])
            assert status(begun) == 201
