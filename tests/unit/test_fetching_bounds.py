"""What is fetched ends: by its time, its bytes, its redirects. Real sockets."""

from __future__ import annotations

import gzip
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backend.content.addresses import Place
from backend.content.fetching import Bounds, Fetcher, inline
from backend.content.hosts import Hosts
from backend.errors import NoContent, NoContentNow
from tests.content import KEY, Fetch, FileServer, Handler, redirect, say


@pytest.mark.parametrize("first", [b"X-Endless: ", b"Content-Length: 9999\r\n\r\n"])
def test_a_server_that_drips_is_given_up(studio: FileServer, first: bytes) -> None:
    gave_up = threading.Event()

    def drip(handler: Handler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + first)
            while not gave_up.wait(0.02):
                handler.wfile.write(b"x")
        except OSError:  # the worker has hung up, as it should
            gave_up.set()

    studio.answers["/data/upload/1/a.png"] = drip
    with pytest.raises(NoContentNow, match="in time"):
        Fetch(studio, bounds=Bounds(seconds=0.5))("/data/upload/1/a.png")
    assert gave_up.wait(20)


def test_redirects_share_the_time_of_one_fetch(studio: FileServer) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.2)
        redirect("/data/upload/1/a.png")(handler)

    studio.answers["/data/upload/1/a.png"] = slow
    with pytest.raises(NoContentNow, match="in time"):
        Fetch(studio, bounds=Bounds(seconds=0.5))("/data/upload/1/a.png")
    assert len(studio.asked) <= 3


def test_redirects_end(studio: FileServer) -> None:
    studio.answers["/data/upload/1/a.png"] = redirect("/data/upload/1/a.png")
    with pytest.raises(NoContent, match="redirected more than 5 times"):
        Fetch(studio)("/data/upload/1/a.png")
    assert len(studio.asked) == 6


@pytest.mark.parametrize("how", ["told", "not told", "packed"])
def test_a_file_of_too_many_bytes_is_not_read(studio: FileServer, how: str) -> None:
    sent: list[int] = []

    def endless(handler: Handler) -> None:
        if how == "packed":
            say(handler, 200, gzip.compress(bytes(3_000_000)), Content_Encoding="gzip")
            return
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        handler.wfile.write(b"Content-Length: 99999999999\r\n\r\n" if how == "told" else b"\r\n")
        try:
            while how != "told":
                handler.wfile.write(bytes(65536))
                sent.append(65536)
        except OSError:
            pass

    studio.answers["/data/upload/1/a.png"] = endless
    with pytest.raises(NoContent, match="more than 1 MB, CONTENT_MAX_MB"):
        Fetch(studio, bounds=Bounds(2**20, 20))("/data/upload/1/a.png")
    assert sum(sent) < 32 * 2**20  # what lay in buffers


def test_of_a_packed_file_no_more_is_unpacked_than_may_be_read(studio: FileServer) -> None:
    bomb = gzip.compress(bytes(64 * 2**20))
    studio.answers["/data/upload/1/a.png"] = lambda handler: say(handler, 200, bomb, Content_Encoding="gzip")
    tracemalloc.start()
    with pytest.raises(NoContent, match="more than 1 MB"):
        Fetch(studio, bounds=Bounds(2**20, 20))("/data/upload/1/a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_a_server_that_is_not_there_is_worth_another_try(studio: FileServer, elsewhere: FileServer) -> None:
    with pytest.raises(NoContentNow, match="does not answer"):
        Fetch(studio, "127.0.0.2:1")("http://127.0.0.2:1/a.png")
    studio.answers["/data/upload/1/a.png"] = lambda handler: say(handler, 500)
    with pytest.raises(NoContentNow, match="answers 500"):
        Fetch(studio)("/data/upload/1/a.png")


def test_a_reason_tells_no_signature_and_no_password(studio: FileServer) -> None:
    for value in ("http://me:pa55@other.org/a?X-Amz-Signature=s3cret", "http://me:pa55@[::1/a?sig=s3cret"):
        with pytest.raises(NoContent) as refused:
            Fetch(studio)(value)
        assert "s3cret" not in str(refused.value)
        assert "pa55" not in str(refused.value)


def test_an_etag_asks_whether_the_content_is_still_the_same(studio: FileServer) -> None:
    def tagged(handler: Handler) -> None:
        same = handler.headers["If-None-Match"] == '"1"'
        say(handler, 304 if same else 200, b"" if same else b"image", ETag='"1"')

    studio.answers["/data/upload/1/a.png"] = tagged
    fetch = Fetch(studio)
    address = fetch.place.address("/data/upload/1/a.png")
    first = fetch.fetcher.fetch(address)
    assert (first.content, first.etag) == (b"image", '"1"')
    assert fetch.fetcher.fetch(address, first.etag).content is None


def test_label_studio_is_asked_in_turn_and_others_are_not(studio: FileServer, elsewhere: FileServer) -> None:
    held: list[str] = []

    @contextmanager
    def turn() -> Iterator[None]:
        held.append("begins")
        yield
        held.append("ends")

    studio.answers["/data/upload/1/a.png"] = elsewhere.answers["/a.png"] = b"image"
    place = Place(studio.url, "", 7)
    hosts = Hosts.parse(f"127.0.0.2:{elsewhere.port}")
    fetcher = Fetcher(place, hosts, lambda renew: KEY, turn=turn)
    fetcher.fetch(place.address(f"{elsewhere.url}/a.png"))
    assert held == []
    fetcher.fetch(place.address("/data/upload/1/a.png"))
    assert held == ["begins", "ends"]


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("data:image/png;base64,aW1h Z2U=", b"image"),
        ("data:,ima%67e", b"image"),
        ("DATA:image/svg+xml;utf8,<svg/>", b"<svg/>"),
    ],
)
def test_a_data_address_holds_its_content(url: str, content: bytes) -> None:
    assert inline(url, 100) == content


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("data:image/png;base64", "no data"),
        ("data:image/png;base64,!", "not in base64"),
        ("data:," + "x" * 101, "MB"),
        ("data:;base64," + "x" * 1000, "MB"),
    ],
)
def test_a_data_address_that_holds_none(url: str, reason: str) -> None:
    with pytest.raises(NoContent, match=reason):
        inline(url, 100)
