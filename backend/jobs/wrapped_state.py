"""What is known of the ML backend that a project wraps. In Redis, and nothing that cannot be lost."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from backend.errors import WrappedBackendError
from backend.jobs.keys import silent_key, wrapped_key
from backend.jobs.project_hash import ProjectHash
from backend.jobs.values import mended, number, text, whole

SILENT_FOR = 3_600
"""Seconds after which it is asked again about tasks of which it said nothing."""
CHANGES_APART = 600
"""Seconds, at least, between two changes of its version that its answers alone tell of: one that names
another version each time would be asked for ever."""
_NAME = re.compile(r"\d{1,19}(\.\d{1,20})?")
REST, LONGEST_REST = 5, 300
"""Seconds that it is left alone after a failure: twice as long after each more, at most so long."""


@dataclass(frozen=True)
class Failure:
    """said: what went wrong, in words; remedy: the one thing to do; at: when, seconds since 1970 by Redis's
    clock; times: how often, one after the other."""

    said: str
    remedy: str
    at: float
    times: int


@dataclass(frozen=True)
class Progress:
    """Of the tasks that wait (`pool`), so many have been answered since its version last changed."""

    pool: int
    done: int

    def in_words(self) -> str:
        return f"{self.done} of {self.pool} waiting tasks have its prediction"


class WrappedState(ProjectHash):
    """One Redis hash per project that wraps, and the tasks of which its backend said nothing."""

    def __init__(self, redis: Redis, project_id: int):
        super().__init__(redis, project_id)
        self._key = wrapped_key(project_id)
        self._silent = silent_key(project_id)

    @property
    def project(self) -> str:
        """What Label Studio calls the project to backends, "7.1795472207"; its number alone where that is not
        known."""
        return self._text("project") or str(self._id)

    @project.setter
    def project(self, value: str) -> None:
        """What is no such name is not kept: anybody may have sent it."""
        if _NAME.fullmatch(value):
            self._set("project", value)

    @property
    def version(self) -> str | None:
        """Of its model, as last told; None before, and where it tells none."""
        return self._text("version")

    @property
    def since(self) -> float:
        """When that version was first heard of, seconds since 1970: what was said before is of another. 0 for
        the first."""
        return number(self._get("since"))

    def set_up(self, version: str | None, label_config: str, now: float) -> bool:
        """It was told the label config, here its digest, and told its version, None for none. Returns whether
        one of them is another than before, so that what it said is old."""
        self._set("tells", "1" if version is not None else None)
        self._set("set_up", str(now))
        is_other = self._text("config") not in (None, label_config)
        self._set("config", label_config)
        is_news = version is not None and self._is_news(version, now)
        if is_other:
            self._begin_anew(now)
        return is_other or is_news

    def answered(self, version: str, now: float) -> bool:
        """An answer named its version. Of one that /setup tells that counts for nothing."""
        if self._flag("tells") or version == self.version:
            return False
        if self.version is not None and now - self.since < CHANGES_APART:
            return False
        return self._is_news(version, now)

    def _is_news(self, version: str, now: float) -> bool:
        before = self.version
        if version == before:
            return False
        self._set("version", version)
        if before is None:  # what it said so far it said as this one
            return False
        self._begin_anew(now)
        return True

    def _begin_anew(self, now: float) -> None:
        self.end_training()
        self._note(since=now, lacking=1)  # what is published is old
        self._redis.delete(self._silent)

    @property
    def last_set_up(self) -> float:
        """When it was last told the label config, seconds since 1970."""
        return number(self._get("set_up"))

    def asks_anew(self) -> None:
        """It is told the label config before it is next asked."""
        self._set("set_up", None)

    def learned_silently(self, now: float) -> None:
        """It answers otherwise than before, under the same version: what it said is old."""
        if now - self.since >= CHANGES_APART or self.since == 0:
            self._begin_anew(now)

    def begin_training(self) -> None:
        """It is asked to train; until it answers, or its version changes, it is not asked again."""
        self._note(training_since=self._now())

    def end_training(self) -> None:
        self._set("training_since", None)

    def trains_for(self, most: float) -> float:
        """Seconds that it may yet take for the training it was asked for last, of so many at most."""
        return max(0.0, number(self._get("training_since")) + most - self._now())

    def note_silent(self, tasks: Iterable[int], seconds: int = SILENT_FOR) -> None:
        """It said nothing of these; it is not asked about them for so long from the first one on."""
        some = [str(task) for task in tasks]
        if some:
            mended(self._redis, self._silent, lambda: self._redis.sadd(self._silent, *some))
            if self._redis.ttl(self._silent) < 0:
                self._redis.expire(self._silent, seconds)

    def silent(self) -> set[int]:
        members = mended(self._redis, self._silent, lambda: self._redis.smembers(self._silent))
        return {whole(member) for member in members}

    def failed(self, error: WrappedBackendError) -> float:
        """Returns for how many seconds it is to be left alone. One that was started anew wants the label
        config before it can answer."""
        self.asks_anew()
        times = min(1 + whole(self._get("failures")), 99)
        rest = max(error.rest, min(REST * 2 ** min(times - 1, 10), LONGEST_REST))
        now = self._now()
        self._note(
            failures=times, failure=str(error), remedy=error.remedy, failed_at=now, rests_until=now + rest
        )
        return float(rest)

    def works(self) -> None:
        """It has just answered as it should."""
        if self._flag("failures"):
            fields = ("failures", "failure", "remedy", "failed_at", "rests_until")
            self._redis.hdel(self._key, *fields)

    @property
    def failure(self) -> Failure | None:
        """What went wrong when it was last asked, None where that went well."""
        said, remedy, at, times = self._get_many("failure", "remedy", "failed_at", "failures")
        if said is None:
            return None
        return Failure(text(said) or "", text(remedy) or "", number(at), whole(times))

    @property
    def rest(self) -> float:
        """Seconds for which it is still to be left alone."""
        until = self._get("rests_until")
        return 0.0 if until is None else max(0.0, number(until) - self._now())

    @property
    def problems(self) -> str | None:
        """What was wrong with its last answers that had something wrong with them."""
        return self._text("problems")

    @problems.setter
    def problems(self, value: str | None) -> None:
        self._set("problems", value)

    @property
    def refused(self) -> str | None:
        """Why it may not be asked by the settings of the last worker that was to; None where it may."""
        return self._text("refused")

    @refused.setter
    def refused(self, value: str | None) -> None:
        self._set("refused", value)

    @property
    def unheard(self) -> str | None:
        """What it did when it was last told of an event and failed, in words; None where it took the next
        one of that kind."""
        return self._text("unheard")

    def heard(self, action: str, error: Exception | None) -> None:
        """It was told of such an event. error: with which it failed, None where it did not."""
        told = f"told of {action}, "
        if error is not None:
            self._set("unheard", f"{told}{error}")
        elif (self.unheard or "").startswith(told):
            self._set("unheard", None)

    def note_progress(self, pool: int, done: int) -> None:
        self._note(pool=pool, done=done)

    @property
    def progress(self) -> Progress | None:
        pool, done = self._get_many("pool", "done")
        return None if pool is None else Progress(whole(pool), whole(done))

    def ordered(self, done: int) -> None:
        """An order is made of so many predictions."""
        self._note(lacking=0, ranked=done)

    def published_without(self, tasks: int) -> None:
        """Of so many tasks of the head there was no prediction, or an older version's."""
        if tasks:
            mended(self._redis, self._key, lambda: self._redis.hincrby(self._key, "lacking", tasks))

    def is_order_due(self, *, head_is_done: bool, done: int, is_all: bool) -> bool:
        """Whether a new order would be worth it: the head lacked some that are there now, or there are twice
        as many predictions as it was made of, or all. Says so once."""
        lacking, ranked = (whole(each) for each in self._get_many("lacking", "ranked"))
        due = (head_is_done and lacking > 0) or (done > ranked and (is_all or done >= 2 * ranked))
        if due:
            self.ordered(done)
        return due

    def orders_once(self, labels: int) -> bool:
        """Whether no order was asked for by this since there were so many labels. Says so once."""
        if self._text("ordered_at") == str(labels):
            return False
        self._set("ordered_at", str(labels))
        return True

    def asked_at(self, labels: int) -> int:
        """About how many tasks its present version was asked since there were so many labels, where each
        costs."""
        at, asked = self._get_many("asked_at", "asked")
        return whole(asked) if text(at) == self._counted_at(labels) else 0

    def note_asked(self, labels: int, tasks: int) -> None:
        """It was asked about so many more."""
        self._note(asked=self.asked_at(labels) + tasks, asked_at=self._counted_at(labels))

    def _counted_at(self, labels: int) -> str:
        return f"{labels} {self.version or ''}"

    def _note(self, **fields: str | float) -> None:
        held: Any = fields
        mended(self._redis, self._key, lambda: self._redis.hset(self._key, mapping=held))

    def _now(self) -> float:
        seconds, microseconds = self._redis.time()
        return float(seconds + microseconds / 1e6)
