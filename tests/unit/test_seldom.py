"""What strangers make the web server write into its log is bounded; whatever else there is to say is said."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from backend.generation import named
from backend.seldom import MOST, SECONDS
from backend.web import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import CONFIG

Ask = Callable[..., int]


@pytest.fixture
def ask(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks /setup to wrap each of these; returns how many lines its log has of that."""
    project, lines = loop.create(4), []
    loop.set(wrapped_backends="yolo:9090")
    client = create_app(loop.settings).test_client()
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: lines.append(record.getMessage()))
    monkeypatch.setattr(named.logger, "handlers", [handler])

    def ask(*wraps: str) -> int:
        lines.clear()
        for each in wraps:
            body = {"project": f"{project.id}.1", "schema": CONFIG, "extra_params": {"wraps": each}}
            assert client.post("/setup", json=body).status_code == 200
        return len(lines)

    return ask


def test_a_connection_to_wrap_what_it_may_not_is_told_once_an_hour(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(*["http://stranger:9090"] * 3) == 1
    assert ask("http://other:9090", "http://stranger:9090", "http://third:9090") == 2
    later = time.monotonic() + SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert ask("http://stranger:9090", "http://stranger:9090") == 1


def test_whatever_strangers_name_the_log_has_few_lines_of_it(ask: Ask) -> None:
    assert ask(*(f"http://stranger{i}:9090" for i in range(3 * MOST))) == MOST


def test_an_application_that_is_started_says_it_again(ask: Ask, loop: Loop) -> None:
    assert ask("http://stranger:9090") == 1
    create_app(loop.settings)
    assert ask("http://stranger:9090") == 1
