"""Nothing is fetched that is not allowed, nothing beyond the bounds, and the API key stays with Label Studio.
Real sockets."""

from __future__ import annotations

import base64
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from backend.content import connecting
from backend.content.addresses import Place
from backend.content.fetching import Bounds, Fetcher, inline
from backend.content.hosts import Hosts
from backend.errors import NoContent, NoContentNow
from tests.content import FileServer, Handler, file_server, names_that_are, redirect, say

KEY = "Token s3cret"


@pytest.fixture
def studio() -> Iterator[FileServer]:
    with file_server() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[FileServer]:
    with file_server("127.0.0.2") as server:
        yield server


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names that the system's resolver knows for the time of the test."""
    names: dict[str, list[str]] = {}
    monkeypatch.setattr(connecting.socket, "getaddrinfo", names_that_are(names))
    return names


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 counts as a public address."""
    monkeypatch.setattr(connecting, "is_public", lambda address: address == ip_address("127.0.0.2"))


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


def test_an_upload_is_fetched_with_the_key(studio: FileServer) -> None:
    studio.answers["/data/upload/1/a.png"] = b"image"
    assert Fetch(studio)("/data/upload/1/a.png") == b"image"
    assert Fetch(studio, own_name="https://label.example.org")(
        "https://label.example.org/data/upload/1/a.png"
    )
    assert studio.authorizations == [KEY, KEY]


def test_a_refused_key_is_renewed_once(studio: FileServer) -> None:
    def wants_a_new_one(handler: Handler) -> None:
        say(handler, 200 if handler.headers["Authorization"] == "Bearer new" else 401, b"image")

    studio.answers["/data/upload/1/a.png"] = wants_a_new_one
    assert Fetch(studio)("/data/upload/1/a.png") == b"image"
    studio.answers["/data/upload/1/b.png"] = lambda handler: say(handler, 401)
    with pytest.raises(NoContent, match="answers 401"):
        Fetch(studio)("/data/upload/1/b.png")
    assert len(studio.asked) == 4


def test_other_pages_of_label_studio_are_asked_without_the_key(studio: FileServer) -> None:
    studio.answers["/static/sample.jpg"] = b"image"
    assert Fetch(studio)("/static/sample.jpg") == b"image"
    with pytest.raises(NoContent, match="404"):
        Fetch(studio)("/api/dangerous")
    assert studio.authorizations == [None, None]


def resolves_to(studio: FileServer, url: str) -> str:
    path = "/projects/7/resolve/?fileuri=" + base64.urlsafe_b64encode(b"s3://b/a.png").decode()
    studio.answers[path] = redirect(url)
    return "s3://b/a.png"


def test_the_redirect_of_a_storage_is_followed_to_a_public_address_without_the_key(
    studio: FileServer, elsewhere: FileServer, resolver: dict[str, list[str]], public: None
) -> None:
    resolver["bucket.example.org"] = ["127.0.0.2"]
    elsewhere.answers["/a.png?X-Amz-Signature=1"] = b"image"
    value = resolves_to(studio, f"http://bucket.example.org:{elsewhere.port}/a.png?X-Amz-Signature=1")
    assert Fetch(studio)(value) == b"image"
    assert (studio.authorizations, elsewhere.authorizations) == ([KEY], [None])
    assert not any(KEY in str(headers) for _, headers in elsewhere.asked)
    assert elsewhere.asked[0][1]["host"] == f"bucket.example.org:{elsewhere.port}"


def test_the_redirect_of_a_storage_is_followed_to_a_private_address_only_where_it_is_named(
    studio: FileServer, elsewhere: FileServer
) -> None:
    elsewhere.answers["/a.png"] = b"image"
    value = resolves_to(studio, f"{elsewhere.url}/a.png")
    with pytest.raises(NoContent, match=r"private address: .* CONTENT_HOSTS must name it"):
        Fetch(studio)(value)
    assert not elsewhere.asked
    assert Fetch(studio, f"127.0.0.2:{elsewhere.port}")(value) == b"image"
    assert elsewhere.authorizations == [None]


def test_a_redirect_within_label_studio_takes_the_key_along_to_content_alone(studio: FileServer) -> None:
    studio.answers["/data/upload/1/b.png"] = b"image"
    studio.answers["/data/upload/1/a.png"] = redirect("b.png", 302)
    studio.answers["/data/upload/1/c.png"] = redirect("/user/login/", 302)
    assert Fetch(studio)("/data/upload/1/a.png") == b"image"
    with pytest.raises(NoContent, match="404"):
        Fetch(studio)("/data/upload/1/c.png")
    assert studio.authorizations == [KEY, KEY, KEY, None]


def test_only_named_servers_are_asked(studio: FileServer, elsewhere: FileServer) -> None:
    elsewhere.answers["/a.png"] = b"image"
    with pytest.raises(NoContent, match=f"127.0.0.2:{elsewhere.port} is not among CONTENT_HOSTS"):
        Fetch(studio)(f"{elsewhere.url}/a.png")
    with pytest.raises(NoContent, match="not among CONTENT_HOSTS"):
        Fetch(studio, "127.0.0.2")(f"{elsewhere.url}/a.png")  # its own port is meant
    assert not elsewhere.asked
    assert Fetch(studio, f"127.0.0.2:{elsewhere.port}")(f"{elsewhere.url}/a.png") == b"image"


def test_a_redirect_of_a_named_server_leads_to_named_ones_alone(
    studio: FileServer, elsewhere: FileServer, resolver: dict[str, list[str]], public: None
) -> None:
    resolver["other.example.org"] = ["127.0.0.2"]
    named = f"127.0.0.2:{elsewhere.port}"
    elsewhere.answers["/a.png"] = redirect(f"http://other.example.org:{elsewhere.port}/b.png")
    elsewhere.answers["/b.png"] = b"image"
    with pytest.raises(NoContent, match=r"other.example.org.* is not among CONTENT_HOSTS"):
        Fetch(studio, named)(f"{elsewhere.url}/a.png")
    both = f"{named},other.example.org:{elsewhere.port}"
    assert Fetch(studio, both)(f"{elsewhere.url}/a.png") == b"image"


def test_a_redirect_to_label_studio_has_no_key_where_it_is_no_content(
    studio: FileServer, elsewhere: FileServer
) -> None:
    elsewhere.answers["/a.png"] = redirect(f"{studio.url}/api/dangerous")
    with pytest.raises(NoContent, match="404"):
        Fetch(studio, f"127.0.0.2:{elsewhere.port}")(f"{elsewhere.url}/a.png")
    assert studio.authorizations == [None]


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:a9fe:a9fe]/", "http://[fd00:ec2::254]/"],
)
def test_a_clouds_metadata_is_never_asked_for(studio: FileServer, target: str) -> None:
    with pytest.raises(NoContent, match="which nothing is fetched from"):
        Fetch(studio)(resolves_to(studio, target))
    with pytest.raises(NoContent, match="which nothing is fetched from"):
        Fetch(studio, "169.254.169.254,::ffff:a9fe:a9fe,fd00:ec2::254")(target)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.2/a", "gopher://127.0.0.2/a"])
def test_a_redirect_to_what_is_no_web_address(studio: FileServer, target: str) -> None:
    with pytest.raises(NoContent, match="redirected to an address of"):
        Fetch(studio)(resolves_to(studio, target))


@pytest.mark.parametrize(
    "target", ["http://0x7f.1:{}/a.png", "http://127.2:{}/a.png", "http://2130706434:{}/a.png"]
)
def test_a_private_address_in_another_spelling(
    studio: FileServer, elsewhere: FileServer, target: str
) -> None:
    with pytest.raises(NoContent, match="private address"):
        Fetch(studio)(resolves_to(studio, target.format(elsewhere.port)))
    assert not elsewhere.asked


def test_a_name_that_leads_to_a_private_address(
    studio: FileServer, elsewhere: FileServer, resolver: dict[str, list[str]]
) -> None:
    resolver["images.cdn.net"] = ["127.0.0.2"]
    resolver["metadata.cdn.net"] = ["169.254.169.254"]
    elsewhere.answers["/a.png"] = b"image"
    url = f"http://images.cdn.net:{elsewhere.port}/a.png"
    with pytest.raises(NoContent, match=r"images.cdn.net is 127.0.0.2, a private address"):
        Fetch(studio, "*.cdn.net:*")(url)
    assert not elsewhere.asked
    assert Fetch(studio, f"images.cdn.net:{elsewhere.port}")(url) == b"image"  # the operator's own word
    with pytest.raises(NoContent, match=r"169.254.169.254, which nothing"):
        Fetch(studio, "metadata.cdn.net")("http://metadata.cdn.net/latest")


def test_a_name_that_changes_its_address_after_the_check_is_asked_where_it_was_checked(
    studio: FileServer, elsewhere: FileServer, resolver: dict[str, list[str]], public: None
) -> None:
    resolver["rebinding.example.org"] = ["127.0.0.2", "127.0.0.1"]
    url = f"http://rebinding.example.org:{elsewhere.port}/a.png"
    elsewhere.answers["/a.png"] = b"image"
    assert Fetch(studio)(resolves_to(studio, url)) == b"image"
    assert len(elsewhere.asked) == 1
    with pytest.raises(NoContent, match=r"127.0.0.1, a private address"):
        Fetch(studio)(resolves_to(studio, url))  # another connection is another look


def test_a_name_that_nobody_answers_for_costs_no_more_than_the_time(
    studio: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(connecting.socket, "getaddrinfo", lambda *_, **__: [never.wait(60)][1:])
    with pytest.raises(NoContentNow, match="in time"):
        Fetch(studio, "slow.example.org", Bounds(seconds=0.3))("http://slow.example.org/a.png")
    never.set()


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


def test_threads_do_not_share_where_they_may_go(studio: FileServer, elsewhere: FileServer) -> None:
    """One asks a named server while others are refused an unnamed one."""
    elsewhere.answers["/a.png"] = b"image"
    named, value = f"{elsewhere.url}/a.png", resolves_to(studio, f"http://127.0.0.3:{elsewhere.port}/a.png")
    fetch, found = Fetch(studio, f"127.0.0.2:{elsewhere.port}"), []

    def run(work: Callable[[], object]) -> None:
        for _ in range(20):
            try:
                found.append(work())
            except NoContent as error:
                found.append("private" in str(error))

    threads = [threading.Thread(target=run, args=(lambda v=v: fetch(v),)) for v in (named, value) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(repr, found)) == [repr(True)] * 40 + [repr(b"image")] * 40
