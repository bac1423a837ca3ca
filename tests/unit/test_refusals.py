"""Why Label Studio does not reach a backend, by the words it uses."""

from __future__ import annotations

import time

import pytest

from backend.labelstudio.refusals import MAX_CHARS, SSRF_REMEDY, explain


@pytest.mark.parametrize(
    ("words", "found", "remedy"),
    [
        (
            "URL resolves to a reserved network address (block: 127.0.0.0/8)",
            "Label Studio's protection against SSRF blocks the address (127.0.0.0/8)",
            SSRF_REMEDY,
        ),
        (
            "URL resolves to a reserved network address.",
            "Label Studio's protection against SSRF blocks the address",
            SSRF_REMEDY,
        ),
        (
            "The provided URL must not resolve to local or private network",
            "Label Studio's protection against SSRF blocks the address",
            SSRF_REMEDY,
        ),
        (
            "Can't resolve hostname backend.internal",
            "Label Studio's machine cannot resolve the host name backend.internal",
            "Run `connect` with a name or address that Label Studio's machine knows.",
        ),
        (
            "[Errno -2] Name or service not known",
            "Label Studio's machine cannot resolve the host name",
            "Run `connect` with a name or address that Label Studio's machine knows.",
        ),
        ("Enter a valid URL.", "Label Studio takes no webhook to this host name", "Give the backend a name"),
        (
            "401 Client Error: UNAUTHORIZED for url: http://x",
            "the backend refuses the credentials that Label Studio sends",
            "Run `connect` with the BASIC_AUTH_USER and BASIC_AUTH_PASS",
        ),
        (
            "400 Client Error: no text to learn from for url: http://x/setup",
            "the backend refuses the project: no text to learn from",
            "Do what the message says.",
        ),
        ("Max retries exceeded", "nothing answers there when Label Studio calls", "Run `connect` with"),
        ("Connection refused", "nothing answers there when Label Studio calls", "Run `connect` with"),
        ("the read timed out", "nothing answers there when Label Studio calls", "HOST=0.0.0.0"),
        ("something new", "something new", "Look into the log of the backend's web server."),
        ("", "Label Studio does not say why", "Look into the log of the backend's web server."),
        ("<p>  </p>\n", "Label Studio does not say why", "Look into the log"),
    ],
)
def test_its_words_are_explained_with_the_one_thing_to_do(words: str, found: str, remedy: str) -> None:
    said, to_do = explain(words)
    assert said == found
    assert remedy in to_do


def test_pages_are_read_without_their_tags_and_references() -> None:
    said, _ = explain("<html><b>Can&#x27;t</b>  resolve\nhostname <i>a.b</i></html>")
    assert said == "Label Studio's machine cannot resolve the host name a.b"


def test_a_local_network_is_told_before_what_stands_around_it() -> None:
    """The first rule that fits counts: a refusal by the protection names a time-out, too, at times."""
    said, _ = explain("Max retries exceeded: reserved network address (block: 10.0.0.0/8) timed out")
    assert said.endswith("blocks the address (10.0.0.0/8)")


def test_of_a_long_text_the_beginning_is_looked_at_and_it_takes_no_time() -> None:
    started = time.process_time()
    for piece in ("<", "400 Client Error: ", "a ", "reserved network address (block: "):
        explain(piece * 200_000)
    assert time.process_time() - started < 2
    assert explain("x" * MAX_CHARS + "Connection refused")[0] == "x" * MAX_CHARS
