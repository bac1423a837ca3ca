"""Where the content of a task's data is looked for, whoever wrote it there."""

from __future__ import annotations

import pytest

from backend.content.addresses import Address, Place
from backend.content.hosts import Hosts, Reach
from backend.content.networks import is_never_asked, is_public, parse
from backend.errors import NoContent

PLACE = Place("http://ls:8080", "https://label.example.org", 7)
RESOLVE = "http://ls:8080/projects/7/resolve/?fileuri="
OF_CAT = RESOLVE + "czM6Ly9idWNrL2NhdC5wbmc="


@pytest.mark.parametrize(
    ("value", "url", "with_key"),
    [
        ("/data/upload/30/c8675c8c-p.jpg", "http://ls:8080/data/upload/30/c8675c8c-p.jpg", True),
        ("/data/local-files/?d=a%20b.png", "http://ls:8080/data/local-files/?d=a%20b.png", True),
        ("https://label.example.org/data/upload/30/p.jpg", "http://ls:8080/data/upload/30/p.jpg", True),
        ("HTTPS://label.example.org:443/data/upload/1/p.jpg", "http://ls:8080/data/upload/1/p.jpg", True),
        ("http://ls:8080/data/upload/30/p.jpg", "http://ls:8080/data/upload/30/p.jpg", True),
        ("s3://buck/cat.png", OF_CAT, True),
        ("/tasks/5/resolve/?fileuri=czM6Ly9idWNrL2NhdC5wbmc=", OF_CAT, True),
        ("https://label.example.org/tasks/5/presign/?fileuri=s3%3A%2F%2Fbuck%2Fcat.png", OF_CAT, True),
        ("/static/samples/sample.jpg", "http://ls:8080/static/samples/sample.jpg", False),
        ("/api/users/1/token", "http://ls:8080/api/users/1/token", False),
        ("/user/login/", "http://ls:8080/user/login/", False),
        (" https://elsewhere.org/a.png ", "https://elsewhere.org/a.png", False),
        ("https://label.example.org.evil.org/data/upload/1/p.jpg", None, False),
        ("http://ls:8080@evil.org/data/upload/1/p.jpg", None, False),
        ("https://label.example.org:444/data/upload/1/p.jpg", None, False),
    ],
)
def test_an_address_is_fetched_where_the_content_is(value: str, url: str | None, with_key: bool) -> None:
    found = PLACE.address(value)
    assert found.url == (url or value)
    assert found.at_label_studio is with_key


@pytest.mark.parametrize("prefix", ["http://ls/label", "https://ls.example.org/label"])
@pytest.mark.parametrize(
    "value", ["/label/data/upload/1/p.jpg", "https://ls.example.org/label/data/upload/1/p.jpg"]
)
def test_a_label_studio_below_a_path(prefix: str, value: str) -> None:
    place = Place("http://ls/label", "https://ls.example.org/label", 1)
    url = "http://ls/label/data/upload/1/p.jpg"
    assert place.address(value) == Address(url, "/data/upload/1/p.jpg", True)
    assert place.address(f"{prefix}/data/upload/1/p.jpg").url == url
    assert Place("http://ls/label", "/label", 1).address("/label/data/upload/1/p.jpg").url == url


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "holds no address"),
        ("file:///etc/passwd", "file:"),
        ("ftp://example.org/a.png", "ftp:"),
        ("gopher://169.254.169.254/", "gopher:"),
        ("imgs/a.png", "no address"),
        ("//evil.org/a.png", "no address"),
        ("/\\evil.org/a.png", "no address"),
        ("/data/upload/../../api/users", "goes up"),
        ("/data/upload/%2e%2e/%2E./api/users", "goes up"),
        ("/data/upload/%252e%252e/api/users", "goes up"),
        ("/tasks/5/resolve/?fileuri=ZmlsZTovLy9ldGMvcGFzc3dk", "no file of a storage"),
        ("/tasks/5/resolve/?fileuri=!", "no file of a storage"),
        ("/tasks/5/resolve/?x=", "no file of a storage"),
    ],
)
def test_what_leads_nowhere_says_why(value: str, reason: str) -> None:
    with pytest.raises(NoContent, match=reason):
        PLACE.address(value)


def test_one_content_has_one_name_however_it_is_signed() -> None:
    aws = "https://buck.s3.amazonaws.com/cat.png?v=2&X-Amz-Algorithm=A&X-Amz-Date={}&X-Amz-Signature={}"
    old = "https://buck.s3.amazonaws.com/cat.png?AWSAccessKeyId=me&Signature={}&Expires={}"
    azure = "https://a.blob.core.windows.net/c/cat.png?sv=2022&st={}&se=x&sr=b&sp=r&skoid=1&sig={}"
    for signed in (aws, old, azure):
        names = {PLACE.address(signed.format(i, i)).name for i in range(3)}
        assert len(names) == 1
        assert "ignature" not in names.pop()
    assert PLACE.address(aws.format(1, 2)).name.endswith("cat.png?v=2")
    assert PLACE.address("s3://buck/cat.png").name == PLACE.address(OF_CAT).name == "s3://buck/cat.png"
    here = [f"{own}/data/upload/1/a.png" for own in ("", PLACE.url, PLACE.host)]
    assert {PLACE.address(value).name for value in here} == {"/data/upload/1/a.png"}
    plain = "https://example.org/a.png?size=1&src=b&expires=9"
    assert PLACE.address(f"{plain}#part").name == plain
    assert PLACE.address("data:image/png;base64,AAAA").name == ""


@pytest.mark.parametrize(
    ("host", "port", "reach"),
    [
        ("images.example.org", None, Reach.ANYWHERE),
        ("IMAGES.example.org.", None, Reach.ANYWHERE),
        ("images.example.org", 9000, Reach.NOWHERE),
        ("minio", 9000, Reach.ANYWHERE),
        ("minio", None, Reach.NOWHERE),
        ("a.cdn.net", None, Reach.PUBLIC),
        ("cdn.net", None, Reach.NOWHERE),
        ("cdn.net.evil.org", None, Reach.NOWHERE),
        ("[fd00::1]", 81, Reach.ANYWHERE),
        ("::1", None, Reach.ANYWHERE),
    ],
)
def test_which_servers_are_named(host: str, port: int | None, reach: Reach) -> None:
    hosts = Hosts.parse("images.example.org, minio:9000,*.cdn.net,[fd00::1]:81,::1,")
    assert hosts.reach(host, port) is reach


@pytest.mark.parametrize("text", ["http://a.org", "a.org/x", "me@a.org", ":80", "a.org:x"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a host"):
        Hosts.parse(text)


@pytest.mark.parametrize(
    ("address", "public", "never"),
    [
        ("93.184.216.34", True, False),
        ("10.0.0.1", False, False),
        ("127.0.0.1", False, False),
        ("100.64.0.1", False, False),
        ("169.254.169.254", False, True),
        ("0.0.0.0", False, True),
        ("224.0.0.1", False, True),
        ("fe80::1%eth0", False, True),
        ("fd00:ec2::254", False, True),
        ("100.100.100.200", False, True),
        ("::ffff:169.254.169.254", False, True),
        ("::ffff:10.0.0.1", False, False),
        ("64:ff9b::a9fe:a9fe", False, True),
        ("64:ff9b::7f00:1", False, False),
        ("2002:a9fe:a9fe::1", False, True),
        ("2606:4700::1111", True, False),
    ],
)
def test_public_private_and_never(address: str, public: bool, never: bool) -> None:
    assert (is_public(parse(address)), is_never_asked(parse(address))) == (public, never)
