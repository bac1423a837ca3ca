"""The RQ worker."""

from __future__ import annotations

import logging
from typing import Any

import torch._dynamo  # noqa: F401
from redis import Redis, RedisError
from redis.client import Pipeline
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.job_lifecycle import call_exception_handlers
from rq.serializers import JSONSerializer
from rq.worker_registration import register

# Imported once here, not in every forked job: torch, and what its optimizers import when first used (2 s).
import backend.jobs.admitting
import backend.jobs.encoding
import backend.jobs.fine_tuning
import backend.jobs.forwarding
import backend.jobs.heeding
import backend.jobs.look
import backend.jobs.projecting
import backend.jobs.reconcile
import backend.jobs.refill
import backend.jobs.retrain
import backend.jobs.wrapped_pull
from backend import logs, sampling
from backend.encoders import images
from backend.encoders import registry as encoders
from backend.errors import AtlasError
from backend.jobs.dispatch import Dispatcher
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.failing import failed, killed
from backend.jobs.giving_way import LAST, NICENESS, leave_memory, leave_processors
from backend.jobs.heartbeat import BEAT_SECONDS, note_beat
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import (
    ADMIT,
    CLEAR,
    ENCODING_QUEUE,
    FINE_TUNE,
    FLUSH,
    FORWARD,
    LOOK,
    PROJECT,
    QUEUE_NAME,
    REFILL,
    RETRAIN,
    SERVE,
    TUNING_QUEUE,
    UPKEEP_QUEUE,
    WRAPPED_PULL,
)
from backend.jobs.lost import forget_dead_executions
from backend.jobs.measures import Measures
from backend.jobs.newcomers import Newcomers
from backend.jobs.schedule import RedisClockScheduler
from backend.jobs.time_limit import TimeLimit
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings

logger = logging.getLogger(__name__)

MAINTENANCE_SECONDS = 30
"""How long one worker may keep the others from RQ's maintenance, a matter of milliseconds."""


class AtlasQueue(Queue):
    """A worker that is killed in the midst of RQ's maintenance must not stop it for RQ's 15 minutes."""

    def acquire_maintenance_lock(self) -> bool:
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=MAINTENANCE_SECONDS))


class AtlasWorker(Worker):
    """A worker that looks, after each job, whether it has to be done once more.

    One that falls silent for `lost_after` seconds is taken for dead by the others: its job is done again.
    """

    queue_class = AtlasQueue
    death_penalty_class = TimeLimit
    max_connection_wait_time = 5.0
    """Seconds between looks for a Redis that is away."""

    def __init__(self, queues: list[str], lost_after: int, redis: Redis):
        self._lost_after = lost_after
        super().__init__(
            queues,
            connection=redis,
            serializer=JSONSerializer,
            job_class=AtlasJob,
            exception_handlers=[failed],
            work_horse_killed_handler=killed,
            job_monitoring_interval=max(1, min(BEAT_SECONDS, lost_after // 3)),
            maintenance_interval=max(1, lost_after // 2),
            # RQ waits for a job for 15 s less, then gives a sign of life and looks around.
            worker_ttl=15 + max(1, min(BEAT_SECONDS, lost_after // 2)),
        )

    def _start_scheduler(self, burst: bool = False, logging_level: str | None = None, *_: str) -> None:
        """As RQ does, which has no setting for the scheduler's class."""
        self.scheduler = RedisClockScheduler(
            self.queues,
            connection=self.connection,
            logging_level=logging_level or self.log.level,
            serializer=self.serializer,
        )
        self.scheduler.acquire_locks(auto_start=not burst)
        if burst and self.scheduler.acquired_locks:
            try:
                self.scheduler.register_birth()
                self.scheduler.enqueue_scheduled_jobs()
            finally:
                self.scheduler.register_death()
                self.scheduler.release_locks()

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        return self._lost_after

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """That of any worker is kept beyond the worker itself."""
        super().heartbeat(timeout, pipeline)
        note_beat(self.connection if pipeline is None else pipeline)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """A Redis that is away for a moment is no reason to give up the job that runs."""
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            logger.warning("Redis does not answer while %s runs: %s", job.id, error)

    def run_maintenance_tasks(self) -> None:
        if not self.connection.hexists(self.key, "birth"):
            self._register_again()
        super().run_maintenance_tasks()

    def _register_again(self) -> None:
        """Redis was emptied: nobody would see this worker any more."""
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping=self.serialize())
            register(self, pipeline)
            pipeline.execute()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Forks the job's process, whose log lines all tell of it, as ours do meanwhile."""
        with logs.job(job.id, job.args[0] if job.args else None):
            forget_dead_executions(job)
            try:
                super().execute_job(job, queue)
            except SystemExit:  # by the second TERM
                self._hand_back(job, queue)
                raise

    def _hand_back(self, job: Job, queue: Queue) -> None:
        """The job was stopped in its midst: the next worker does it."""
        queue.enqueue_job(job, at_front=True)  # first: until then it counts as running
        with self.connection.pipeline() as pipeline:
            for execution in list(self.executions.values()):
                self.cleanup_execution(job, pipeline=pipeline, execution=execution)
            pipeline.execute()
        logger.warning("handed back unfinished")

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Runs in the forked process of the job.

        The look comes after RQ has marked the job as ended and not as the job's last step: an event
        between such a step and the mark would find the id taken, and nobody would look again.
        """
        done = super().perform_job(job, queue, execution)
        if done and job.args:
            FailedJobs(self.connection, job.args[0]).worked(job.id.partition("-")[0])
            self._measure(job.func_name, job.args[0], job.return_value())
            self._look_again(job.func_name, job.args[0], job.return_value())
        elif done and job.func_name == ADMIT and len(Newcomers(self.connection)):
            Dispatcher(self.connection, Settings()).request_admission()  # behind what waits by now
        return done

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """As RQ does; but what an error of ours says is logged as it is: where it was raised helps nobody."""
        error = exc_info[1]
        if not isinstance(error, AtlasError):
            super().handle_exception(job, *exc_info)
            return
        logger.error("failed: %s", error)
        call_exception_handlers(self._exc_handlers, job, *exc_info)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs in the forked process of the job, and ends it."""
        leave_memory()
        if queue.name != UPKEEP_QUEUE:
            leave_processors(LAST if job.func_name == FINE_TUNE else NICENESS)
        super().main_work_horse(job, queue)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **more: Any) -> None:
        """Also of a job whose process was killed; then it is the parent that comes here."""
        super().handle_job_failure(job, queue, *args, **more)
        if job.func_name == RETRAIN:
            Measures(self.connection).failed(job.args[0])
            Dispatcher(self.connection, Settings()).after_failure(job.args[0])

    def _measure(self, job: str | None, project_id: int, result: Any) -> None:
        if not isinstance(result, dict):  # somebody else has written to Redis meanwhile
            return
        if job == RETRAIN:
            Measures(self.connection).retrained(project_id, result)
        elif job == REFILL and "left" in result and not result["needs_retrain"]:
            Measures(self.connection).head_filled(project_id, result["left"])

    def _look_again(self, job: str | None, project_id: int, result: Any) -> None:
        dispatcher = Dispatcher(self.connection, Settings())
        state = dispatcher.state(project_id)
        if job in (RETRAIN, FLUSH) and state.unseen > 0:
            dispatcher.request_retrain(project_id)
        elif job == REFILL and state.owes(REFILL):
            dispatcher.request_refill(project_id)
        elif job == LOOK:
            dispatcher.look_again(project_id)
        elif job == SERVE:
            dispatcher.serve_again(project_id)
        elif job == CLEAR and state.owes(CLEAR):
            dispatcher.request_clearing(project_id)
        elif job == FORWARD:
            backend.jobs.forwarding.forward_again(dispatcher, project_id, result)
        elif job == WRAPPED_PULL:
            backend.jobs.wrapped_pull.ask_again(dispatcher, project_id, result)
        elif job == FINE_TUNE and isinstance(result, dict) and result.get("overtaken"):
            dispatcher.request_fine_tune(project_id)
        elif job == PROJECT and isinstance(result, dict) and result.get("overtaken"):
            dispatcher.request_map(project_id)


def _read_once(settings: Settings) -> None:
    """What every forked job would read anew otherwise: certificates, parts of the HTTP client that are
    imported when first used, what other packages bring, and weights."""
    LabelStudioClient(settings.label_studio_url, "no key, and nothing is asked")
    sampling.names()
    encoders.names()
    encoders.preload(settings.encoder)
    images.preload(settings.image_encoder)


def create_worker(settings: Settings, only: str | None = None) -> AtlasWorker:
    """A worker; `work(with_scheduler=True)` runs it.

    only: "retrain" or "upkeep", to do just that kind of work; None does both, upkeep first. Each encodes when
    it has nothing else to do; "encode": it does only that; "tune": it only adapts layers, which the first two
    do when there is nothing else at all.
    """
    _read_once(settings)
    redis = Redis.from_url(settings.redis_url)
    first = {
        None: [UPKEEP_QUEUE, QUEUE_NAME],
        "retrain": [QUEUE_NAME],
        "upkeep": [UPKEEP_QUEUE],
        "encode": [],
        "tune": [],
    }
    last = {"upkeep": [ENCODING_QUEUE], "encode": [ENCODING_QUEUE], "tune": [TUNING_QUEUE]}
    queues = [*first[only], *last.get(only or "", [ENCODING_QUEUE, TUNING_QUEUE])]
    return AtlasWorker(queues, settings.worker_lost_after, redis)
