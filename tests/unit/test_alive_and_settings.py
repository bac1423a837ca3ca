"""Signs of life, and what a change of a project's settings asks for."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from types import SimpleNamespace

import pytest

from backend.jobs.clock import now_of
from backend.jobs.heartbeat import SILENT, age, is_alive
from backend.jobs.settled import Settled, heed_settings
from backend.jobs.values import mended, number, text, whole
from tests.fakes.loop import Loop

PROJECT = 7
HERE = "this machine"
LIVING = -1
"""Stands for this process, whose number test processes that run side by side do not share."""


@pytest.mark.parametrize(
    ("silent", "hostname", "pid", "alive"),
    [
        (0, "elsewhere", 1, True),
        (SILENT + 1, "elsewhere", 1, False),
        (0, HERE, LIVING, True),
        (0, HERE, 2**22 + 1, False),  # killed just now
        (SILENT + 1, HERE, LIVING, False),
    ],
)
def test_who_gives_a_sign_of_life_and_has_a_process_lives(
    loop: Loop, silent: float, hostname: str, pid: int, alive: bool
) -> None:
    now = now_of(loop.redis)
    process = SimpleNamespace(
        last_heartbeat=now - timedelta(seconds=silent),
        hostname=socket.gethostname() if hostname == HERE else hostname,
        pid=os.getpid() if pid == LIVING else pid,
    )
    assert is_alive(process, now) == alive
    assert age(process.last_heartbeat, now) == pytest.approx(silent)


def test_who_never_gave_one_does_not(loop: Loop) -> None:
    assert not is_alive(SimpleNamespace(last_heartbeat=None, hostname="x", pid=1), now_of(loop.redis))


@pytest.mark.parametrize(
    ("config", "version", "overlap", "job"),
    [
        ("known", "atlas-000001", False, None),
        ("other", "atlas-000001", False, "retrain"),
        ("known", "", False, "refill"),
        ("known", "atlas-000000", False, "refill"),
        ("known", "atlas-000001", True, "refill"),
        (None, None, None, "retrain"),
    ],
)
def test_only_what_is_not_as_we_left_it_is_news(
    loop: Loop, config: object, version: object, overlap: object, job: str | None
) -> None:
    loop.dispatcher.state(PROJECT).label_config = "known"
    heed_settings(loop.dispatcher, lambda: "atlas-000001", PROJECT, Settled(config, version, overlap))
    assert loop.jobs() == ({f"{job}-{PROJECT}"} if job else set())


def test_before_anything_is_published_a_version_of_others_is_no_news(loop: Loop) -> None:
    heed_settings(loop.dispatcher, lambda: None, PROJECT, Settled("any", "theirs", False))
    assert loop.jobs() == set()


@pytest.mark.parametrize("value", [b"abc", b"", b"1.5", b"9" * 19, None, "7", b"\xff"])
def test_what_is_no_whole_number_counts_as_none(value: object) -> None:
    assert whole(value, 3) == 3


@pytest.mark.parametrize(("value", "found"), [(b"1.5", 1.5), (b"nan", 0), (b"inf", 0), (b"x", 0), (None, 0)])
def test_what_is_no_finite_number_counts_as_none(value: object, found: float) -> None:
    assert number(value) == found


def test_what_is_no_text_counts_as_none() -> None:
    assert (text(b"\xc3\xa4"), text(b"\xff"), text(None)) == ("ä", None, None)


def test_another_kind_of_value_makes_room(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    loop.redis.set("atlas:x", "a string")
    assert mended(loop.redis, "atlas:x", lambda: loop.redis.hget("atlas:x", "field")) is None
    assert "atlas:x" in caplog.text
    with pytest.raises(Exception, match="unknown command"):
        mended(loop.redis, "atlas:x", lambda: loop.redis.execute_command("NO SUCH THING"))
