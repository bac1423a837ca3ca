"""What the loop keeps in Redis of projects that requests name, of encoding, of days and of contacts."""

from __future__ import annotations

import pytest
from redis import Redis

from backend.errors import DayIsSpent
from backend.jobs.contact import Contact
from backend.jobs.encoding_progress import EncodingProgress, Progress
from backend.jobs.generation_day import DAY, GenerationDay
from backend.jobs.keys import PROJECTS_KEY, contact_key, encoding_key, generation_key
from backend.jobs.newcomers import KEY, KNOWN, NEW, NO_ROOM, Newcomers
from backend.store.waiting import Shard


def test_named_projects_wait_until_a_worker_finds_them(redis: Redis) -> None:
    newcomers = Newcomers(redis)
    assert [newcomers.name(project, 3) for project in (7, 8, 7)] == [NEW, NEW, NEW]
    assert len(newcomers) == 2
    newcomers.let_in(7)
    assert newcomers.name(7, 3) == KNOWN
    assert 7 not in newcomers
    assert 8 in newcomers
    newcomers.turn_away(8)
    assert len(newcomers) == 0
    assert redis.smembers(PROJECTS_KEY) == {b"7"}


def test_known_ones_and_new_ones_share_the_room(redis: Redis) -> None:
    newcomers = Newcomers(redis)
    newcomers.let_in(1)
    assert [newcomers.name(project, 3) for project in (2, 3, 4)] == [NEW, NEW, NO_ROOM]
    assert newcomers.name(1, 3) == KNOWN
    assert newcomers.name(2, 3) == NEW  # who waits goes on waiting
    newcomers.turn_away(2)
    assert newcomers.name(4, 3) == NEW
    assert newcomers.name(5, 0) == NO_ROOM


def test_who_waits_longest_comes_first_and_what_is_no_project_goes(redis: Redis) -> None:
    redis.zadd(KEY, {"9": 30, "5": 10, "x": 1, "-3": 2, "0": 3, "7": 20})
    newcomers = Newcomers(redis)
    assert newcomers.oldest(6) == [5, 7, 9]
    assert newcomers.oldest(2) == [5, 7]
    assert len(newcomers) == 3


@pytest.mark.parametrize("key", [KEY, PROJECTS_KEY])
def test_another_kind_of_value_makes_room_for_them(key: str, redis: Redis) -> None:
    redis.set(key, "x")
    assert Newcomers(redis).name(7, 3) == NEW
    assert Newcomers(redis).oldest(3) == [7]


def shards(*counts: int) -> list[Shard]:
    return [Shard("use", f"{i:016x}", count) for i, count in enumerate(counts)]


def test_how_far_the_encoding_is(redis: Redis) -> None:
    progress = EncodingProgress(redis, 7)
    assert progress.read() is None
    progress.begun("use", 100, 80, ranked=20)
    found = progress.read()
    assert found is not None
    assert (found.encoder, found.texts, found.done, found.per_second) == ("use", 100, 20, None)
    assert found.in_words() == "20 of 100 texts encoded by use"
    redis.hset(encoding_key(7), "began", redis.time()[0] - 10)
    progress.shard_done(60)
    found = progress.read()
    assert found is not None
    assert found.per_second == pytest.approx(2, rel=0.2)
    assert found.seconds_left == pytest.approx(30, rel=0.2)
    assert "a second" in found.in_words()
    progress.ended()
    assert progress.read() is None


@pytest.mark.parametrize(
    ("lefts", "due"),
    [
        ([70], [False]),  # 30 of 100, ranked 20
        ([60], [True]),  # twice as many
        ([60, 50, 20], [True, False, True]),  # 40 are ranked then; 80 are twice that
        ([0], [True]),
        ([70, 0], [False, True]),
    ],
)
def test_another_order_is_due_at_twice_as_many_and_at_the_end(
    lefts: list[int], due: list[bool], redis: Redis
) -> None:
    progress = EncodingProgress(redis, 7)
    progress.begun("use", 100, 80, ranked=20)
    assert [progress.shard_done(left)[0] for left in lefts] == due


def test_without_an_order_none_is_due_and_what_is_unknown_asks_for_nothing(redis: Redis) -> None:
    progress = EncodingProgress(redis, 7)
    assert progress.shard_done(0) == (False, False)
    progress.begun("use", 10, 5)
    assert progress.shard_done(0) == (False, False)


def test_new_tasks_take_their_place_once_they_are_encoded(redis: Redis) -> None:
    progress = EncodingProgress(redis, 7)
    progress.new_tasks("use", shards(3, 4))
    found = progress.read()
    assert found is not None
    assert (found.texts, found.done) == (7, 0)
    assert progress.shard_done(4) == (False, True)
    progress.new_tasks("use", shards(9))  # beside those that wait
    found = progress.read()
    assert found is not None
    assert found.texts == 7


def test_another_encoder_or_more_texts_begin_the_clock_anew(redis: Redis) -> None:
    progress = EncodingProgress(redis, 7)
    progress.begun("use", 100, 80)
    redis.hset(encoding_key(7), "began", 5)
    progress.begun("use", 100, 60)
    assert redis.hget(encoding_key(7), "began") == b"5"
    progress.begun("use", 200, 160)
    assert redis.hget(encoding_key(7), "began") != b"5"
    redis.hset(encoding_key(7), "began", 5)
    progress.begun("lsa", 200, 100)
    assert redis.hget(encoding_key(7), "began") != b"5"


@pytest.mark.parametrize("held", [{"left": "x"}, {"left": "5", "began": "nan"}, {"left": "5", "texts": "3"}])
def test_wrong_numbers_in_redis_end_nothing(held: dict[str, str], redis: Redis) -> None:
    redis.hset(encoding_key(7), mapping=held)  # type: ignore[arg-type]
    found = EncodingProgress(redis, 7).read()
    assert found is None or (found.done == 0 and isinstance(found, Progress))


def test_a_days_texts_are_counted_and_bounded(redis: Redis) -> None:
    day = GenerationDay(redis, most=2)
    day.take()
    day.take()
    for _ in range(2):
        with pytest.raises(DayIsSpent, match="today's 2 texts are used up") as spent:
            day.take()
    assert day.taken == 2
    assert 0 < spent.value.rest <= DAY
    assert (spent.value.failure, "GENERATION_PER_DAY" in spent.value.remedy) == ("spent", True)
    today = redis.time()[0] // DAY
    assert 0 < redis.ttl(generation_key(today)) <= 2 * DAY


def test_another_day_begins_at_nothing(redis: Redis) -> None:
    redis.set(generation_key(redis.time()[0] // DAY - 1), 99)
    assert GenerationDay(redis, most=1).taken == 0
    redis.set(generation_key(redis.time()[0] // DAY), "x")
    assert GenerationDay(redis, most=1).taken == 0


def test_each_road_is_noted_by_itself_and_forgotten_in_time(redis: Redis) -> None:
    contact = Contact(redis, 7)
    assert contact.last("setup") == 0
    contact.note("setup", seconds=60)
    assert contact.last("setup") > 1e9
    assert contact.last("webhook") == 0
    assert 0 < redis.ttl(contact_key(7)) <= 60
    redis.delete(contact_key(7))
    redis.set(contact_key(7), "x")
    assert contact.last("setup") == 0
    redis.hset(contact_key(8), "setup", "nan")
    assert Contact(redis, 8).last("setup") == 0
