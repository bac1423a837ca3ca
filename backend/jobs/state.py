"""What is known of a project between jobs. In Redis, and nothing that cannot be lost.

Losing it costs at most a needless retrain: what is trained on always comes from Label Studio.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis import Redis
from rq.job import Job, JobStatus

from backend.jobs.contact import REMEMBERED
from backend.jobs.keys import COUNTERS_KEY, KEYS_OF_PROJECT, PROJECTS_KEY, contact_key, counters_of, state_key
from backend.jobs.project_hash import NEVER
from backend.jobs.scripts import NOTE_CHANGES, STAMP
from backend.jobs.tries import Tries
from backend.jobs.values import mended, number, text, whole

GONE_AFTER = 60
"""Seconds after which a project that Label Studio went on not to know is gone."""
ENDED = {JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED}
_UNDER_WAY = {status.value for status in JobStatus} - {status.value for status in ENDED}


@dataclass(frozen=True)
class Noted:
    """unseen: changes that no retrain has seen yet; head_is_low: the published head wants a refill;
    disconnected: as the state's; under_way: those of the jobs asked about that wait or run;
    retries_left: of those that wait for their time; wants_a_try: the project was set aside, and has changed
    since."""

    unseen: int
    head_is_low: bool
    disconnected: bool
    under_way: frozenset[str]
    retries_left: Mapping[str, int]
    wants_a_try: bool


class ProjectState(Tries):
    """One Redis hash per project."""

    def note_changes(self, count: int, jobs: Sequence[str] = (), *, by_webhook: bool = False) -> Noted:
        """Count changes that Label Studio told of, then look at RQ's jobs by their ids.

        by_webhook: it is a contact too, and of a project that is known; else it is known from now on.
        """
        keys = [PROJECTS_KEY, self._key, contact_key(self._id), *(Job.key_for(job) for job in jobs)]
        noted = self._redis.eval(NOTE_CHANGES, len(keys), *keys, self._id, count, int(by_webhook), REMEMBERED)
        changes, seen, refill_at, disconnected, try_at, *of_jobs = noted
        statuses = dict(zip(jobs, of_jobs[::2], strict=True))
        retries = dict(zip(jobs, of_jobs[1::2], strict=True))
        return Noted(
            unseen=_unseen(changes, whole(seen)),
            head_is_low=changes >= whole(refill_at, NEVER),
            disconnected=disconnected is not None,
            under_way=frozenset(job for job, status in statuses.items() if waits_or_runs(status)),
            retries_left={
                job: whole(retries[job], NEVER)
                for job, status in statuses.items()
                if status == JobStatus.SCHEDULED.value.encode()
            },
            wants_a_try=changes >= whole(try_at, NEVER),
        )

    @property
    def changes(self) -> int:
        return whole(self._get("changes"))

    @property
    def unseen(self) -> int:
        """Changes that no retrain has seen yet."""
        changes, seen = self._get_many("changes", "seen")
        return _unseen(whole(changes), whole(seen))

    def retrained(self, changes: int) -> None:
        """A retrain that saw the first `changes` changes ended well."""
        self._set("seen", str(changes))
        self._redis.eval(STAMP, 1, self._key, "ended")
        self.forgive()

    def want_version(self) -> None:
        """The next retrain makes one, whatever it finds: for more than annotations that somebody told of."""
        self._set("version_wanted", str(self.changes))

    @property
    def annotations_alone(self) -> bool:
        """Whether the retrain that is due was asked for by nothing else than annotations."""
        changes, seen, wanted = map(whole, self._get_many("changes", "seen", "version_wanted"))
        return _unseen(changes, seen) > 0 and wanted <= min(seen, changes)

    def seconds_since_change(self) -> float:
        return self._seconds_since("last_change")

    def seconds_since_retrain(self) -> float:
        return self._seconds_since("ended")

    def _seconds_since(self, stamp: str) -> float:
        (seconds, microseconds), then = self._redis.time(), self._get(stamp)
        return float(seconds + microseconds / 1e6 - number(then))

    def owe(self, job: str) -> None:
        """A unique job is wanted. It settles that before it looks, so a wish that arrives while it runs,
        when its id is taken, is still there once it has ended."""
        self._set(f"owed:{job}", "1")

    def settle(self, job: str) -> None:
        self._set(f"owed:{job}", None)

    def owes(self, job: str) -> bool:
        return self._flag(f"owed:{job}")

    def refill_at(self, changes: int | None) -> None:
        """At so many changes in all the published head is low; None: there is nothing more to publish."""
        self._set("refill_at", None if changes is None else str(changes))

    @property
    def head_is_low(self) -> bool:
        changes, low = self._get_many("changes", "refill_at")
        return whole(changes) >= whole(low, NEVER)

    @property
    def fingerprint(self) -> str | None:
        """What Label Studio's project looked like when reconcile last found nothing to do."""
        return self._text("fingerprint")

    @fingerprint.setter
    def fingerprint(self, value: str) -> None:
        self._set("fingerprint", value)

    @property
    def disconnected(self) -> bool:
        """Whether Label Studio had no connection to this backend when last looked at: its webhooks may be
        left over, and nobody wants them answered."""
        return self._flag("disconnected")

    @disconnected.setter
    def disconnected(self, value: bool) -> None:
        self._set("disconnected", "1" if value else None)

    @property
    def held_by_label_studio(self) -> bool:
        """Whether the connection's `auto_update` was off when last looked at: no new version is published."""
        return self._flag("held")

    @held_by_label_studio.setter
    def held_by_label_studio(self, value: bool) -> None:
        self._set("held", "1" if value else None)

    @property
    def strategy_is_disputed(self) -> bool:
        """Whether the project's connections asked for different things when last looked at: then /setup,
        which does not say for which connection it is, is not to be believed."""
        return self._flag("disputed")

    @strategy_is_disputed.setter
    def strategy_is_disputed(self, value: bool) -> None:
        self._set("disputed", "1" if value else None)

    @property
    def strategy(self) -> str | None:
        """The query strategy that the project's connection names; None where it names none."""
        return self._text("strategy")

    @strategy.setter
    def strategy(self, value: str | None) -> None:
        self._set("strategy", value)

    @property
    def weights(self) -> str | None:
        """The controls' weights that the project's connection names; None where it names none."""
        return self._text("weights")

    @weights.setter
    def weights(self, value: str | None) -> None:
        self._set("weights", value)

    @property
    def wraps(self) -> str | None:
        """The address of the ML backend that the project's connection says to wrap, not checked; None where
        it names none."""
        return self._text("wraps")

    @wraps.setter
    def wraps(self, value: str | None) -> None:
        self._set("wraps", value)

    @property
    def proven_connections(self) -> str | None:
        """`Wishes.addresses` when one of them was last seen to lead here; None before."""
        return self._text("proven")

    @proven_connections.setter
    def proven_connections(self, value: str | None) -> None:
        self._set("proven", value)

    @property
    def webhook_digest(self) -> str | None:
        """`digest` of the Authorization header that `connect` gave this project's webhook, which is refused
        without it; None where it gave none of its own."""
        return self._text("webhook_digest")

    @webhook_digest.setter
    def webhook_digest(self, value: str | None) -> None:
        self._set("webhook_digest", value)

    @property
    def wished_version(self) -> str | None:
        """That somebody wants to serve, by its name; None where nobody has asked."""
        return self._text("wished_version")

    @wished_version.setter
    def wished_version(self, value: str | None) -> None:
        self._set("wished_version", value)

    def note_absence(self) -> bool:
        """Label Studio says that it has no such project. Returns whether it has said so for long enough to be
        believed: one that is just being restored, or put behind another address, says so for a while."""
        now = self._redis.time()[0]
        since = whole(self._get("absent"), now)
        self._set("absent", str(since))
        return bool(now - since >= GONE_AFTER)

    def note_presence(self) -> None:
        self._set("absent", None)

    def forget(self) -> None:
        """The project is gone, or hidden from us, or never was: no event needs to find it any more."""
        self._redis.srem(PROJECTS_KEY, self._id)
        self._redis.delete(*(key(self._id) for key in KEYS_OF_PROJECT))
        mended(self._redis, COUNTERS_KEY, lambda: self._redis.hdel(COUNTERS_KEY, *counters_of(self._id)))

    @property
    def label_config(self) -> str | None:
        """The label config last trained with, to tell whether a project update means anything to us."""
        return self._text("label_config")

    @label_config.setter
    def label_config(self, value: str) -> None:
        self._set("label_config", value)


def waits_or_runs(status: object) -> bool:
    """Of the status that Redis has of a job; it has none of one that is not there."""
    return text(status) in _UNDER_WAY


def _unseen(changes: int, seen: int) -> int:
    """More seen than there were: Redis was emptied meanwhile, and counts anew."""
    return changes - seen if seen <= changes else changes


def digest(secret: str) -> str:
    """By which a long random secret is known again, without being kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def known_projects(redis: Redis) -> list[int]:
    members = mended(redis, PROJECTS_KEY, lambda: redis.smembers(PROJECTS_KEY))
    found = {member: whole(member) for member in members}
    wrong = [member for member, project in found.items() if member != str(project).encode() or project < 1]
    if wrong:  # they would count towards MAX_PROJECTS
        redis.srem(PROJECTS_KEY, *wrong)
    return sorted(project for member, project in found.items() if member not in wrong)


def is_known(redis: Redis, project_id: int) -> bool:
    """Whether it is one of `known_projects`."""
    member = str(project_id)
    return bool(mended(redis, PROJECTS_KEY, lambda: redis.sismember(PROJECTS_KEY, member)))


def change_counts(redis: Redis, project_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Of each project: all changes, and those that no retrain has seen yet. One round trip."""
    with redis.pipeline(transaction=False) as pipeline:
        for project_id in project_ids:
            pipeline.hmget(state_key(project_id), "changes", "seen")
        answers = pipeline.execute(raise_on_error=False)
    pairs = [tuple(map(whole, each)) if isinstance(each, list) else (0, 0) for each in answers]
    return [(changes, _unseen(changes, seen)) for changes, seen in pairs]


def seconds_since_any_change(redis: Redis) -> float:
    """Of any project this backend knows."""
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.time()
        for project_id in known_projects(redis):
            pipeline.hget(state_key(project_id), "last_change")
        (seconds, microseconds), *stamps = pipeline.execute(raise_on_error=False)
    return float(seconds + microseconds / 1e6 - max(map(number, stamps), default=0.0))
