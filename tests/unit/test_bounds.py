"""One call of Label Studio takes so long and no longer, and its answer so many bytes and no more, whatever
the server does. Pages end."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flask import Request
from werkzeug.wrappers import Response

from backend.doctor import bench
from backend.doctor.bench import Bench, health_at
from backend.doctor.examine import run
from backend.errors import AnswerTooLarge, Unavailable, Unreachable
from backend.labelstudio import bounds, task_lists
from backend.labelstudio.bounds import proxy_to
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from tests.fakes.loop import Loop

Say = Callable[[bytes], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def served(answer: Callable[[Say, threading.Event], None]) -> Iterator[str]:
    """A server that answers its first request with whatever `answer` says, and then waits to be stopped."""
    ended, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                answer(connection.sendall, ended)
            except OSError:  # the client has hung up, as it should
                return
            ended.wait(60)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.close()
        thread.join()


def drips(first: bytes) -> Callable[[Say, threading.Event], None]:
    """Something at once, then a byte now and then, for as long as anybody listens."""

    def answer(say: Say, ended: threading.Event) -> None:
        say(first)
        while not ended.wait(0.05):
            say(b" ")

    return answer


@pytest.mark.parametrize(
    "first",
    [HEAD + b"X-Endless: ", HEAD + b"Content-Length: 1000000\r\n\r\n", HEAD + b"Connection: close\r\n\r\n"],
    ids=["in the headers", "in the body", "in a body without a length"],
)
def test_an_answer_that_drips_is_given_up(first: bytes) -> None:
    with served(drips(first)) as url:
        client = LabelStudioClient(url, "0" * 40, timeout=0.5)
        with client, pytest.raises(Unreachable, match="LABEL_STUDIO_TIMEOUT"):
            client.project(1)


@pytest.mark.parametrize(
    "first",
    [HEAD + b"X-Endless: ", HEAD + b"Connection: close\r\n\r\n"],
    ids=["in the headers", "in the body"],
)
def test_a_strangers_health_that_drips_is_given_up(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the doctor and `connect` find at an address in Label Studio may be anything."""
    monkeypatch.setattr(bench, "BACKEND_TIMEOUT", 0.5)
    with served(drips(first)) as url:
        assert health_at(url) is None


def test_a_strangers_health_is_read_up_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    health = json.dumps({"name": "label-studio-atlas", "version": "1"}).encode()
    answer = HEAD + f"Content-Length: {len(health)}\r\n\r\n".encode() + health
    with served(lambda say, ended: say(answer)) as url:
        assert health_at(url) == json.loads(health)
    monkeypatch.setattr(bench, "MAX_HEALTH", len(health) - 1)
    with served(lambda say, ended: say(answer)) as url:
        assert health_at(url) is None


def test_the_doctor_gives_up_a_label_studio_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.doctor.server.HTTP_TIMEOUT", 0.5)
    with served(drips(HEAD + b"X-Endless: ")) as url:
        examined = Bench()
        examined.settings = Settings(label_studio_url=url)  # type: ignore[misc]
        found = {finding.check: finding.found for finding in run(False, examined)}
    assert f"{url} does not answer" in found["Label Studio"]


def test_a_server_that_says_nothing_is_given_up() -> None:
    with served(lambda say, ended: None) as url:
        client = LabelStudioClient(url, "0" * 40, timeout=0.5)
        with client, pytest.raises(Unreachable, match="in time"):
            client.project(1)


def test_the_time_of_one_call_is_not_taken_off_the_next(loop: Loop) -> None:
    project = loop.create(1)
    with LabelStudioClient(loop.settings.label_studio_url, "0" * 40, timeout=5) as client:
        for _ in range(3):
            assert client.project(project.id).id == project.id
        assert client._transport.deadline.left(7.0) == 7.0


@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
def test_an_answer_of_too_many_bytes_is_not_read(monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    monkeypatch.setattr(bounds, "MAX_ANSWER", 1000)
    length = b"Content-Length: 100000000\r\n\r\n" if told else b"Connection: close\r\n\r\n"

    def endless(say: Say, ended: threading.Event) -> None:
        say(HEAD + length)
        while not told:
            say(b" " * 1000)

    with served(endless) as url:
        client = LabelStudioClient(url, "0" * 40, timeout=20)
        with client, pytest.raises(AnswerTooLarge, match="bytes in one answer"):
            client.project(1)


def test_what_a_packed_answer_unpacks_to_counts(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    project = loop.create(1)
    assert loop.client.project(project.id).id == project.id
    monkeypatch.setattr(bounds, "MAX_ANSWER", 100_000)
    packed = gzip.compress(b" " * 10_000_000)
    assert len(packed) < 100_000
    loop.fake.before = lambda request: Response(packed, headers={"Content-Encoding": "gzip"})
    with pytest.raises(AnswerTooLarge):
        loop.client.project(project.id)


def test_a_packed_answer_is_read(loop: Loop) -> None:
    content = gzip.compress(b'{"id": 7, "task_number": 3}')
    loop.fake.before = lambda request: Response(content, headers={"Content-Encoding": "gzip"})
    assert loop.client.project(7).task_count == 3


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate", "identity"])
def test_an_answer_packed_once_is_read_whole(coding: str) -> None:
    content = bytes(range(256)) * 2_000
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = {
        "gzip": gzip.compress(content),
        "deflate": zlib.compress(content),
        "raw deflate": raw.compress(content) + raw.flush(),
        "identity": content,
    }[coding]
    told = f"Content-Length: {len(packed)}\r\nContent-Encoding: {coding.split()[-1]}\r\n\r\n"
    with served(lambda say, ended: say(HEAD + told.encode() + packed)) as url:
        assert bounds.ask("GET", url, 20, len(content)).content == content


def test_of_a_bomb_no_more_is_unpacked_than_may_be_read() -> None:
    """httpx unpacks 64 KB of what it reads at once, to 64 MB."""
    bomb = gzip.compress(bytes(64 * 2**20))
    told = f"Content-Length: {len(bomb)}\r\nContent-Encoding: gzip\r\n\r\n".encode()
    with served(lambda say, ended: say(HEAD + told + bomb)) as url:
        tracemalloc.start()
        with pytest.raises(AnswerTooLarge):
            bounds.ask("GET", url, 60, 2**20)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip, deflate", "br", "zstd"])
def test_an_answer_packed_twice_or_otherwise_is_refused(coding: str) -> None:
    nested = gzip.compress(gzip.compress(bytes(2**20)))
    told = f"Content-Length: {len(nested)}\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    with (
        served(lambda say, ended: say(HEAD + told + nested)) as url,
        pytest.raises(httpx.DecodingError, match="packed by"),
    ):
        bounds.ask("GET", url, 20, 2**22)


@pytest.mark.parametrize(
    "spoil", [lambda packed: packed[:-9], lambda packed: packed * 2, lambda packed: b"no"]
)
def test_what_cannot_be_unpacked_is_no_answer(spoil: Callable[[bytes], bytes]) -> None:
    packed = spoil(gzip.compress(b"{}" * 1_000))
    told = f"Content-Length: {len(packed)}\r\nContent-Encoding: gzip\r\n\r\n".encode()
    with served(lambda say, ended: say(HEAD + told + packed)) as url:
        client = LabelStudioClient(url, "0" * 40, timeout=20)
        with client, pytest.raises(Unreachable, match="pack"):
            client.project(1)


def test_tasks_too_large_for_one_answer_come_in_smaller_pages(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MAX_ANSWER", 6000)
    project = loop.fake.create(["long " * 400] * 30)
    assert [task["id"] for task in loop.client.all_tasks(project.id)] == list(project.tasks)


def _one_page(request: Request) -> Any:
    """Whatever is asked for."""
    tasks = [{"id": number} for number in range(1, 4)]
    return Response(json.dumps({"tasks": tasks, "total": 9}), mimetype="application/json")


def _new_tasks(request: Request) -> Any:
    """As many as are asked for, always new ones, and always more to come."""
    after = request.args["query"].rpartition('"value": ')[2].rstrip("}] ") or "0"
    first = int(after) + 1 if after.isdigit() else 1
    tasks = [{"id": number} for number in range(first, first + int(request.args["page_size"]))]
    return Response(json.dumps({"tasks": tasks, "total": 9}), mimetype="application/json")


@pytest.mark.parametrize("answer", [_one_page, _new_tasks])
def test_pages_without_end_are_given_up(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Request], Any]
) -> None:
    monkeypatch.setattr(task_lists, "PAGE_SIZE", 3)
    loop.fake.before = answer
    with pytest.raises(Unavailable, match="list of tasks"):
        loop.client.task_ids(1)
    assert len(loop.fake.requests) < 30


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://label-studio:8080", "http://proxy:3128"),
        ("http://localhost:8080", None),
        ("http://127.0.0.1:8080", None),
        ("http://[::1]:8080", None),
        ("http://ours.internal:8080", None),
        ("https://label-studio", None),
    ],
)
def test_the_key_goes_through_a_proxy_only_where_there_is_a_way_to_go(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", ".internal")
    assert proxy_to(url) == proxy
