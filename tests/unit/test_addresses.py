"""Addresses that people type are taken as they were meant, or refused with how they must be."""

from __future__ import annotations

import httpx
import pytest

from backend.addresses import address_of_backend, host_in_url, is_loopback, label_studio_address
from backend.redis_address import with_password

READ = [label_studio_address, address_of_backend]
HOSTILE: list[tuple[str, str]] = [
    ("http://a b", "must hold no spaces"),
    ("http://a/b c", "must hold no spaces"),
    ("http://a\nHost:b", "must hold no spaces"),
    ("http://a\tb", "must hold no spaces"),
    ("http://a\u2003b", "must hold no spaces"),
    ("http://a\x07", "must hold no control characters"),
    ("http://a/b\x00c", "must hold no control characters"),
    ("http://a\x7f", "must hold no control characters"),
    ("http://a\x1b[2J", "must hold no control characters"),
    ("http://\u202egro.a", "must hold no control characters"),
    ("http://a\u200b.org", "must hold no control characters"),
    ("http://a\udc80", "must hold no control characters"),
    ("http://a:port", "must have a port between 0 and 65535"),
    ("http://a:99999", "must have a port between 0 and 65535"),
    ("http://a:-1", "must have a port between 0 and 65535"),
    (f"http://a:{'9' * 5_000}", "must have a port between 0 and 65535"),
    ("http://[::1", "IPv6"),
]


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize(("typed", "said"), HOSTILE, ids=[ascii(typed)[:30] for typed, _ in HOSTILE])
def test_what_no_client_accepts_is_refused_where_it_is_typed(read: object, typed: str, said: str) -> None:
    """Not later, as an InvalidURL out of a library."""
    with pytest.raises(ValueError, match=said):
        read(typed)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://a", "http://a"),
        (" http://a:9090/ ", "http://a:9090"),
        ("http://a:9090///", "http://a:9090"),
        ("https://a/behind/a/path", "https://a/behind/a/path"),
        ("http://[::1]:9090", "http://[::1]:9090"),
        ("HTTP://A", "HTTP://A"),
        ("http://münchen.example", "http://münchen.example"),
        ("http://a:", "http://a:"),
    ],
)
def test_a_backends_address_is_taken_without_what_is_around_it(typed: str, url: str) -> None:
    assert address_of_backend(typed) == url
    assert httpx.URL(url).host


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "is no address of a backend: it begins with http://"),
        ("a:9090", "as in http://a:9090"),
        ("a", "as in http://a"),
        ("ftp://a:9090", "as in http://a:9090"),
        ("://a", "as in http://a"),
        ("http://", "it begins with http://"),
        ("http:///path", "it begins with http://"),
        ("//a:9090", "it begins with http://"),
        ("http://a/?x=1", r"without user, password, \? and #"),
        ("http://a/#x", r"without user, password, \? and #"),
        ("http://ann:secret@a", r"without user, password, \? and #"),
    ],
)
def test_what_is_no_backends_address_is_told_how_one_is(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        address_of_backend(typed)
    assert "secret" not in str(refused.value)


def test_a_password_in_label_studios_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="LABEL_STUDIO_API_KEY is what counts") as refused:
        label_studio_address("http://ann:secret@ls:8080")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("fe80::1%eth0", "[fe80::1%eth0]"),
        ("", ""),
    ],
)
def test_an_ipv6_address_stands_in_brackets(host: str, written: str) -> None:
    assert host_in_url(host) == written


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8080", True),
        ("http://LOCALHOST", True),
        ("http://ls.localhost/x", True),
        ("http://127.0.0.1", True),
        ("http://127.8.9.1:80", True),
        ("http://[::1]:8080", True),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
        ("http://localhost.example.org", False),
        ("http://notlocalhost", False),
        ("http://[fe80::1]", False),
        ("http://example.org/127.0.0.1", False),
        ("redis:///0", False),
        ("", False),
    ],
)
def test_only_this_machine_is_this_machine(url: str, here: bool) -> None:
    """What is not, a proxy may be asked for; what is, never."""
    assert is_loopback(url) is here


@pytest.mark.parametrize(
    ("url", "password", "whole"),
    [
        ("redis://redis:6379/0", None, "redis://redis:6379/0"),
        ("redis://redis:6379/0", "", "redis://redis:6379/0"),
        ("redis://redis:6379/0", "a/b#c?d[e@f:g%h", "redis://:a%2Fb%23c%3Fd%5Be%40f%3Ag%25h@redis:6379/0"),
        ("redis://ann@redis/1", "s", "redis://ann:s@redis/1"),
        ("redis://ann:own@redis/1", "s", "redis://ann:own@redis/1"),
        ("rediss://redis?ssl_cert_reqs=none", "ü ", "rediss://:%C3%BC%20@redis?ssl_cert_reqs=none"),
        ("redis://[::1]:6379", "s", "redis://:s@[::1]:6379"),
        ("redis:///0", "s", "redis://:s@localhost/0"),
        ("unix:///run/redis.sock", "s", "unix:///run/redis.sock"),
    ],
)
def test_a_password_is_put_into_redis_address_whatever_it_holds(
    url: str, password: str | None, whole: str
) -> None:
    assert with_password(url, password) == whole


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:6379", "must start with redis://, rediss:// or unix://"),
        ("http://redis", "must start with redis://"),
        ("redis://:pass/word@redis:6379", "belongs into REDIS_PASSWORD"),
        ("redis://:pass#word@redis:6379", "belongs into REDIS_PASSWORD"),
        ("redis://:pass?word@redis:6379", "belongs into REDIS_PASSWORD"),
        ("redis://:pass[word@redis:6379", "belongs into REDIS_PASSWORD"),
        ("redis://redis:many", "belongs into REDIS_PASSWORD"),
        ("redis://redis:99999", "belongs into REDIS_PASSWORD"),
    ],
)
def test_a_redis_address_that_its_password_breaks_is_refused_without_showing_it(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        with_password(url, None)
    assert "word" not in str(refused.value).replace("password", "")
