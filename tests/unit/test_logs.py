"""What comes in from outside can neither make up a line of the log nor move a terminal's cursor."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator

import httpx
import pytest

from backend import logs
from backend.printable import printable, printable_lines

Configured = Callable[[str, str], io.StringIO]
NASTY = "a\x1b[2J\r\n2026-01-01 web INFO all is well\x07\x9b\x7f\u202e\u2028\ud800\0"


@pytest.fixture
def configured() -> Iterator[Configured]:
    """Sets up logging by level and form, into what it returns."""
    root = logging.getLogger()
    before = root.handlers, root.level

    def configure(level: str, form: str) -> io.StringIO:
        stream = io.StringIO()
        with contextlib.redirect_stderr(stream):
            logs.configure(level, "web", form)
        return stream

    yield configure
    root.handlers, _ = before
    root.setLevel(before[1])
    logging.getLogger("backend").setLevel(logging.NOTSET)


def is_clean(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("form", ["plain", "json"])
def test_whatever_is_logged_is_one_line_without_control_characters(form: str, configured: Configured) -> None:
    told = configured("INFO", form)
    logging.getLogger("backend.x").warning("refused: %s", NASTY)
    assert is_clean(told.getvalue())
    assert len(told.getvalue().splitlines()) == 1


@pytest.mark.parametrize("form", ["plain", "json"])
def test_an_exceptions_text_makes_up_no_line_either(form: str, configured: Configured) -> None:
    told = configured("INFO", form)
    try:
        raise ValueError(NASTY)
    except ValueError:
        logging.getLogger("backend.x").exception("it failed")
    first, *more = told.getvalue().splitlines()
    assert is_clean(told.getvalue())
    assert all(line.startswith("  ") for line in more)
    assert "it failed" in first
    if form == "json":
        assert json.loads(first)["exception"]


def test_debug_shows_no_header_of_an_http_client(configured: Configured) -> None:
    told = configured("DEBUG", "plain")
    logging.getLogger("backend.x").debug("ours")
    for name in ("httpcore.http11", "urllib3.connectionpool", "botocore.endpoint", "label_studio_sdk"):
        logging.getLogger(name).debug("Set-Cookie: sessionid=secret")
    with pytest.raises(httpx.HTTPError):
        httpx.get("http://127.0.0.1:1/")
    assert "ours" in told.getvalue()
    assert "secret" not in told.getvalue()
    assert "httpcore" not in told.getvalue()


def test_what_is_seen_stays_as_it_is() -> None:
    assert printable("Ärger, 北京, 👍, a b") == "Ärger, 北京, 👍, a b"
    assert printable_lines("a\nb\x1b") == "a\nb\\x1b"
    assert printable("a\nb") == "a\\nb"


def test_a_project_is_named_once(configured: Configured) -> None:
    told = configured("INFO", "plain")
    with logs.job("retrain-7", 7):
        logging.getLogger("backend.x").warning("project %d: the wrapped backend hangs", 7)
        logging.getLogger("backend.x").warning("project %d: another one's", 71)
    logging.getLogger("backend.x").warning("project %d: outside of jobs", 7)
    inside, others, outside = told.getvalue().splitlines()
    assert inside.endswith("[retrain-7] project 7: the wrapped backend hangs")
    assert others.endswith("[retrain-7] project 7: project 71: another one's")
    assert outside.endswith(" project 7: outside of jobs")


def test_a_line_that_cannot_be_put_together_stops_nobody(configured: Configured) -> None:
    configured("INFO", "plain")
    logging.getLogger("some.library").warning("%d tasks", "many")
    logging.getLogger("some.library").warning("goes on")
