"""JSON that lies in Redis: whatever somebody else writes there, it is not there."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from redis import Redis

from backend.doctor import for_pages
from backend.doctor.finding import Finding, State
from backend.doctor.for_pages import last_findings
from backend.jobs.failed_jobs import MOST, FailedJobs
from backend.jobs.image_failures import Failure, ImageFailures
from backend.jobs.keys import failed_key, failures_key, selection_key
from backend.jobs.page_links import LONGEST_NAME, Invited, is_good, make_link, page_address, spend_link
from backend.jobs.selections import FIRST, Selection, Selections
from backend.pages.words import moment
from backend.settings import Settings
from backend.store.vectors import digest_of
from tests.unit.whatever import SOME, in_places_of

SELECTION = Selection(FIRST, (3, 4), "ann", 2, "done", "/projects/1", 5)
FINDING = Finding(State.NOTE, "found", "remedy")


class Kept(NamedTuple):
    """right: what lies in Redis; put: puts something in its place; read: what is found there; nothing: where
    it is none."""

    right: Any
    put: Callable[[Redis, bytes], Any]
    read: Callable[[Redis], Any]
    nothing: Any


def _image(redis: Redis, content: bytes) -> None:
    redis.hset(failures_key(1), digest_of("a.png").hex(), content)  # type: ignore[arg-type]


KEPT = {
    "selection": Kept(
        {**SELECTION.__dict__, "tasks": [3, 4]},
        lambda redis, content: redis.set(selection_key(1, "k"), content),
        lambda redis: Selections(redis, 1).read("k"),
        None,
    ),
    "failed job": Kept(
        [1.5, "retrain", "why"],
        lambda redis, content: redis.delete(failed_key(1)) or redis.lpush(failed_key(1), content),
        lambda redis: FailedJobs(redis, 1).last(9),
        [],
    ),
    "image": Kept(
        [time.time(), True, "why"], _image, lambda redis: ImageFailures(redis, 1).reasons([(7, "a.png")]), {}
    ),
    "findings": Kept(
        {"at": 1.5, "findings": [{**FINDING.__dict__, "state": FINDING.state.value}]},
        lambda redis, content: redis.set(for_pages._key(1), content),
        lambda redis: last_findings(redis, 1),
        None,
    ),
}
each_kind = pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT.keys())


def contents(right: Any) -> Iterator[bytes]:
    yield from (b"", b"\xff", b"[" * 50_000, json.dumps(right).encode()[:-2])
    yield from (json.dumps(other).encode() for other in in_places_of(right, SOME))


@each_kind
def test_whatever_lies_there_nothing_is_raised(kept: Kept, redis: Redis) -> None:
    assert kept.read(redis) == kept.nothing
    for content in contents(kept.right):
        kept.put(redis, content)
        kept.read(redis)
    kept.put(redis, json.dumps(kept.right).encode())
    assert kept.read(redis) != kept.nothing


@each_kind
def test_what_is_no_json_is_not_there(kept: Kept, redis: Redis) -> None:
    for content in (b"", b"\xff", b"[" * 50_000, b"null", b"[1e999]"):
        kept.put(redis, content)
        assert kept.read(redis) == kept.nothing


@pytest.mark.parametrize("at", [math.inf, math.nan, -math.inf, 10**400])
def test_what_happened_at_no_time_is_not_told(at: Any, redis: Redis) -> None:
    for name in ("failed job", "findings"):
        right = KEPT[name].right
        changed = [at, *right[1:]] if isinstance(right, list) else {**right, "at": at}
        KEPT[name].put(redis, json.dumps(changed).encode())
        assert KEPT[name].read(redis) == KEPT[name].nothing


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1970-01-01 00:00 UTC"),
        (1_790_000_000.5, "2026-09-21 14:13 UTC"),
        (1e18, "–"),
        (-1e18, "–"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_a_moment_that_no_calendar_has_is_a_dash(seconds: float, words: str) -> None:
    assert moment(seconds) == words


def test_only_the_last_failures_are_kept_and_long_reasons_are_cut(redis: Redis) -> None:
    failed = FailedJobs(redis, 1)
    for i in range(MOST + 3):
        failed.note("retrain", f"{i} " + "x" * 5000)
    found = failed.last(1000)
    assert len(found) == MOST
    assert [each.reason.split()[0] for each in found[:2]] == [str(MOST + 2), str(MOST + 1)]
    assert len(found[0].reason) == 1000
    assert len(failed.last(2)) == 2
    assert FailedJobs(redis, 2).last(9) == []


def test_images_rest_and_are_forgotten(redis: Redis) -> None:
    images = ImageFailures(redis, 1)
    images.note([Failure("a.png", "gone", False), Failure("b.png", "slow", True)])
    assert set(images.resting().values()) == {"gone", "slow"}
    assert images.reasons([(1, "a.png"), (2, "c.png"), (3, "b.png")]) == {1: "gone", 3: "slow"}
    images.forget(["a.png"])
    images.forget([])
    assert images.reasons([(1, "a.png"), (3, "b.png")]) == {3: "slow"}
    images.keep_only(["c.png"])
    assert images.resting() == {}


def code_of(link: str) -> str:
    return link.split("code=")[1]


def test_a_link_is_good_for_one_use(redis: Redis) -> None:
    invited = Invited("ann", True, 7)
    link = make_link(redis, Settings(), invited, "https://atlas.example/")
    assert link.startswith("https://atlas.example/projects/enter?code=")
    assert is_good(redis, code_of(link))
    assert spend_link(redis, code_of(link)) == invited
    assert not is_good(redis, code_of(link))
    assert spend_link(redis, code_of(link)) is None
    assert (invited.address, Invited("a", False).address) == ("/projects/7", "/projects")


def test_of_a_link_that_somebody_else_wrote_nothing_is_believed(redis: Redis) -> None:
    right = {"who": "ann", "may_change": True, "project": 7}
    link = make_link(redis, Settings(), Invited("ann", True, 7))
    (key,) = redis.keys("atlas:page-link:*")
    for content in contents(right):
        redis.set(key, content)
        found = spend_link(redis, code_of(link))
        assert found is None or (len(found.who) <= LONGEST_NAME and isinstance(found.may_change, bool))
    redis.set(key, json.dumps({**right, "may_change": "true", "who": "x" * 500}))
    found = spend_link(redis, code_of(link))
    assert found == Invited("x" * LONGEST_NAME, False, 7)


@pytest.mark.parametrize(
    ("label_studio", "host"),
    [
        ("http://localhost:8080", "127.0.0.1"),
        ("http://127.0.0.1:8080", "localhost"),
        ("https://ls.example", "localhost"),
    ],
)
def test_pages_go_by_another_name_than_label_studio(label_studio: str, host: str) -> None:
    settings = Settings(label_studio_url=label_studio, host="127.0.0.1", port=9090)
    assert page_address(settings) == f"http://{host}:9090"
