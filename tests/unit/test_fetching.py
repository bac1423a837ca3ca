"""Nothing is fetched that is not allowed, nothing beyond the bounds, and the API key stays with Label Studio.
Real sockets."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable

import pytest

from backend.content import connecting
from backend.content.fetching import Bounds
from backend.errors import NoContent, NoContentNow
from tests.content import KEY, Fetch, FileServer, Handler, redirect, say


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
