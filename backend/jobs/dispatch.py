"""When is what enqueued: at most one waiting retrain per project, and none lost.

A retrain's job id is `retrain-<project>` and unique, so however many events ask for one, one waits.
While it runs, its id is taken: events only count up, and the worker looks at the count once the job
has ended (see `worker.py`), so what landed meanwhile causes exactly one more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from redis import Redis
from rq.job import JobStatus
from rq.registry import ScheduledJobRegistry

from backend.jobs.kinds import (
    ADMIT,
    CHOOSE,
    CLEAR,
    ENCODE,
    EXAMINE,
    FINE_TUNE,
    FLUSH,
    HEED,
    LOOK,
    OF_A_PROJECT,
    PROJECT,
    RECONCILE,
    REFILL,
    RETRAIN,
    SERVE,
    STUDY,
)
from backend.jobs.lost import forget_if_lost
from backend.jobs.queues import REMEMBERED, RETRIES
from backend.jobs.selections import Selection, Selections
from backend.jobs.state import ENDED, ProjectState
from backend.jobs.values import mended
from backend.jobs.wrapped_queues import WrappedQueues
from backend.settings import Settings
from backend.store.waiting import Shard

logger = logging.getLogger(__name__)

SHARD_TIMEOUT = 120
"""Seconds of a shard, which should take 10, on a machine that has much else to do."""
MAP_TIMEOUT = 3600
"""Seconds of a map, of a hundred thousand items some minutes, on a machine that has much else to do."""
REDIS_SECONDS = 2
"""How long a web server waits for Redis's answer."""
SETTINGS, TASKS, CONNECTION = "settings", "tasks", "connection"
SUBJECTS = (SETTINGS, TASKS, CONNECTION)
"""What a look may be at: what a project's settings are, what its tasks are, and what its connections wish."""


class Dispatcher(WrappedQueues):
    """Puts work on the queue. Cheap to make, safe to share between threads."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Dispatcher:
        """For those that somebody waits for: a Redis that hangs is as good as one that is away."""
        patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        return cls(Redis.from_url(settings.redis_url, **patience), settings)

    def state(self, project_id: int) -> ProjectState:
        return ProjectState(self.redis, project_id)

    def changed(self, project_id: int, count: int = 1) -> None:
        """Webhooks told of annotations: retrain at RETRAIN_EVERY of them, or RETRAIN_WITHIN seconds from now.

        One that failed is tried again at once: what has changed may have mended it. Nothing is made of it
        for a project that is disconnected.
        """
        retrain, flush = f"retrain-{project_id}", f"flush-{project_id}"
        noted = self.state(project_id).note_changes(count, jobs=(retrain, flush), by_webhook=True)
        if noted.disconnected:
            return
        if noted.wants_a_try:
            self._try_again(project_id)
        elif noted.retries_left.get(retrain, RETRIES) < RETRIES:
            self._hasten(project_id)
        elif noted.unseen >= self._settings.retrain_every:
            if retrain not in noted.under_way:
                self.request_retrain(project_id)
        elif flush not in noted.under_way:
            self.request_flush(project_id)
        if noted.head_is_low:
            self.request_refill(project_id)
        if self.state(project_id).wraps is not None:
            self.request_forwarding(project_id)

    def changed_in_bulk(self, project_id: int) -> None:
        """As `changed`, by somebody who did not annotate them one by one, and did not tell how many."""
        self.changed(project_id, self._settings.retrain_every)

    def request_flush(self, project_id: int) -> None:
        """A retrain RETRAIN_WITHIN seconds from now, for what has changed by then."""
        seconds = self._settings.retrain_within
        self._enqueue_unique(self.upkeep, FLUSH, f"flush-{project_id}", seconds, project_id)

    def demand_retrain(self, project_id: int) -> str:
        """As `request_retrain`, and one more if a retrain is running: it may have read the old state.

        It makes a version, also where nothing that is learned has changed.
        """
        state = self.state(project_id)
        state.note_changes(1)
        state.want_version()
        return self.request_retrain(project_id)

    def insist_on_retrain(self, project_id: int) -> str:
        """As `demand_retrain`, by a person or for another label config: even of a project set aside, and now
        where one that failed waits to be tried again."""
        self.state(project_id).forgive()
        self._remove(f"retrain-{project_id}", {*ENDED, JobStatus.SCHEDULED})
        return self.demand_retrain(project_id)

    def request_retrain(self, project_id: int) -> str:
        """Enqueue one retrain of the project, for when the pause after the last one is over.

        Returns its job's id. While the project is set aside, nothing is enqueued: the id is that of the job
        that failed, which is left to be looked at.
        """
        job_id = f"retrain-{project_id}"
        state = self.state(project_id)
        if self._is_under_way(job_id) or state.aside is not None:
            return job_id
        rest = self._settings.retrain_pause - state.seconds_since_retrain()
        self._enqueue_unique(
            self.queue,
            RETRAIN,
            job_id,
            rest,
            project_id,
            job_timeout=self._settings.job_timeout,
            **self._retried(),
        )
        return job_id

    def after_failure(self, project_id: int) -> None:
        """A retrain has failed. What changed while it ran is what `changed` would have heeded."""
        state = self.state(project_id)
        if state.wants_a_try:
            self._try_again(project_id)
        elif state.has_changed_since_try:
            self._hasten(project_id)

    def _try_again(self, project_id: int) -> None:
        """Of a project set aside."""
        self.state(project_id).end_aside()
        self.request_retrain(project_id)

    def _hasten(self, project_id: int) -> None:
        """Let a retrain that waits to be tried again be tried now: the scheduler looks every second."""
        key, now = ScheduledJobRegistry(queue=self.queue).key, self.redis.time()[0]
        if not self.state(project_id).is_left_in_peace:
            only_sooner = {"xx": True, "lt": True}
            waiting = {f"retrain-{project_id}": now}
            mended(self.redis, key, lambda: self.redis.zadd(key, waiting, **only_sooner))

    def is_retraining(self, project_id: int) -> bool:
        """Whether a retrain of the project waits or runs."""
        return self._is_under_way(f"retrain-{project_id}")

    def withdraw(self, project_id: int) -> bool:
        """Take back the project's jobs that wait. Returns whether one runs that publishes, or that asks or
        tells whom the project wraps."""
        for kind in OF_A_PROJECT:
            self._remove(f"{kind}-{project_id}", {*ENDED, JobStatus.QUEUED, JobStatus.SCHEDULED})
        publishes = any(self._is_under_way(f"{kind}-{project_id}") for kind in ("retrain", "refill"))
        return self.withdraw_wrapped(project_id) or publishes

    def forget_lost_jobs(self, project_id: int) -> None:
        """Make room where RQ has lost a job of the project, so that it can be asked for again."""
        for kind in OF_A_PROJECT:
            forget_if_lost(self.redis, f"{kind}-{project_id}")

    def request_refill(self, project_id: int) -> None:
        """Bring the published queue up to date with the published model: no retrain, a few seconds."""
        self.state(project_id).owe(REFILL)
        self._enqueue_unique(
            self.upkeep,
            REFILL,
            f"refill-{project_id}",
            0,
            project_id,
            job_timeout=self._settings.job_timeout,
            **self._retried(),
        )

    def request_clearing(self, project_id: int) -> None:
        """Old predictions go once nobody has annotated for CLEAR_AFTER seconds."""
        self.state(project_id).owe(CLEAR)
        seconds = self._settings.clear_after
        timeout = self._settings.job_timeout
        self._enqueue_unique(
            self.upkeep, CLEAR, f"clear-{project_id}", seconds, project_id, job_timeout=timeout
        )

    def request_look(self, project_id: int, subject: str) -> None:
        """Read in Label Studio what a request does not tell, or is not to be believed in."""
        self.state(project_id).owe(_look_at(subject))
        timeout = self._settings.job_timeout
        self._enqueue_unique(
            self.upkeep, LOOK, f"look-{project_id}", 0, project_id, job_timeout=timeout, **self._retried()
        )

    def wanted_looks(self, project_id: int) -> set[str]:
        """The subjects that looks were requested at. From now on none is: to be called before any is read."""
        state = self.state(project_id)
        wanted = {subject for subject in SUBJECTS if state.owes(_look_at(subject))}
        for subject in wanted:
            state.settle(_look_at(subject))
        return wanted

    def look_again(self, project_id: int) -> None:
        """Where a look was requested while one was under way."""
        state = self.state(project_id)
        for subject in SUBJECTS:
            if state.owes(_look_at(subject)):
                self.request_look(project_id, subject)

    def request_shards(self, project_id: int, shards: Iterable[Shard]) -> None:
        """Have texts that wait encoded, by whichever worker has nothing else to do."""
        for shard in shards:
            job_id = f"encode-{project_id}-{shard.key}"
            options = {"job_timeout": SHARD_TIMEOUT, **self._retried(), "result_ttl": 0}
            self._enqueue_unique(self.encoding, ENCODE, job_id, 0, project_id, shard.key, **options)

    def request_heed(self, project_id: int, selection: Selection, key: str | None = None) -> str:
        """Have done what somebody asked for on a page. key: of 16 hexadecimal digits, by which to see what
        became of it; a new one without. Returns it."""
        key = Selections(self.redis, project_id).keep(selection, key)
        options = {"job_timeout": self._settings.job_timeout, **self._retried()}
        self._enqueue_unique(self.upkeep, HEED, f"heed-{project_id}-{key}", 0, project_id, key, **options)
        return key

    def request_fine_tune(self, project_id: int) -> None:
        """Adapt the encoder's layers. One that fails is asked for again by a later retrain."""
        forget_if_lost(self.redis, job_id := f"finetune-{project_id}")
        options = {"job_timeout": 300 + self._settings.fine_tune_within, **REMEMBERED}
        self._enqueue_unique(self.tuning, FINE_TUNE, job_id, 0, project_id, **options)

    def request_map(self, project_id: int) -> None:
        """Make the map of the project's items, or bring it up to date, behind everything else."""
        forget_if_lost(self.redis, job_id := f"map-{project_id}")
        options = {"job_timeout": MAP_TIMEOUT, **REMEMBERED}
        self._enqueue_unique(self.tuning, PROJECT, job_id, 0, project_id, **options)

    def request_choice(self, project_id: int) -> None:
        """Have the project's encoder chosen, by a worker that has nothing else to do."""
        forget_if_lost(self.redis, job_id := f"choose-{project_id}")
        self._enqueue_unique(self.encoding, CHOOSE, job_id, 0, project_id, **REMEMBERED)

    def request_study(self, project_id: int) -> None:
        """Find out what the project's page shows of its people and of labels that look wrong."""
        forget_if_lost(self.redis, job_id := f"study-{project_id}")
        timeout = self._settings.job_timeout
        self._enqueue_unique(self.encoding, STUDY, job_id, 0, project_id, job_timeout=timeout, **REMEMBERED)

    def request_version(self, project_id: int, version: str) -> None:
        """Have the project work with a version; the last one asked for counts, also where it is asked for
        while a job is bringing the one before."""
        state = self.state(project_id)
        state.wished_version = version
        state.owe(SERVE)
        forget_if_lost(self.redis, job_id := f"serve-{project_id}")
        timeout = self._settings.job_timeout
        self._enqueue_unique(self.upkeep, SERVE, job_id, 0, project_id, job_timeout=timeout, **REMEMBERED)

    def serve_again(self, project_id: int) -> None:
        """Where another version was asked for while a job was bringing one."""
        state = self.state(project_id)
        if state.owes(SERVE) and (wished := state.wished_version) is not None:
            self.request_version(project_id, wished)

    def request_examination(self, project_id: int) -> None:
        """Have the doctor look at the project, for its page."""
        forget_if_lost(self.redis, job_id := f"examine-{project_id}")
        self._enqueue_unique(self.upkeep, EXAMINE, job_id, 0, project_id, job_timeout=120, **REMEMBERED)

    def request_admission(self) -> None:
        """Ask Label Studio for the projects that requests have named."""
        forget_if_lost(self.redis, "admit")
        self._enqueue_unique(
            self.upkeep, ADMIT, "admit", 0, job_timeout=self._settings.job_timeout, **self._retried()
        )

    def request_reconcile(self) -> str:
        """Look at every project for what no event told of."""
        forget_if_lost(self.redis, "reconcile")
        timeout = self._settings.job_timeout
        self._enqueue_unique(self.upkeep, RECONCILE, "reconcile", 0, job_timeout=timeout, **REMEMBERED)
        return "reconcile"


def _look_at(subject: str) -> str:
    return f"{LOOK} {subject}"
