"""What the workers of all machines have done and have to do, out of Redis, for Prometheus."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector
from redis import Redis, RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from backend.jobs.job import AtlasJob
from backend.jobs.kinds import ENCODING_QUEUE, QUEUE_NAME, UPKEEP_QUEUE
from backend.jobs.measures import Measures
from backend.jobs.state import change_counts, known_projects

logger = logging.getLogger(__name__)

Numbers = dict[str, float]

GAUGES: dict[str, tuple[str, Callable[[Numbers], float | None]]] = {
    "atlas_labels": (
        "Labelled tasks the last version was trained on.",
        lambda each: each.get("labels"),
    ),
    "atlas_tasks": ("Tasks of the project at the last retrain.", lambda each: each.get("tasks")),
    "atlas_waiting_tasks": (
        "Tasks that waited for a label at the last retrain.",
        lambda each: each.get("waiting"),
    ),
    "atlas_accuracy": (
        "Out-of-fold accuracy on the labelled tasks, most of them hard ones: not that on what waits.",
        lambda each: each.get("accuracy"),
    ),
    "atlas_measured": (
        "Out-of-fold score of parts that are marked, such as the F1 of spans, on the labelled tasks.",
        lambda each: each.get("measured"),
    ),
    "atlas_estimated_accuracy": (
        "Accuracy on the tasks that wait, as the error head estimates it.",
        lambda each: each.get("estimated_accuracy"),
    ),
    "atlas_pool_accuracy": (
        "Accuracy on the tasks that wait, as tasks drawn at random show.",
        lambda each: each.get("pool_accuracy"),
    ),
    "atlas_pool_accuracy_low": (
        "The lower end of its 90 % interval.",
        lambda each: each.get("pool_accuracy_low"),
    ),
    "atlas_pool_accuracy_high": (
        "The upper end of its 90 % interval.",
        lambda each: each.get("pool_accuracy_high"),
    ),
    "atlas_pool_agreement": (
        "Agreement with annotators on the tasks that wait, as tasks drawn at random show.",
        lambda each: each.get("pool_agreement"),
    ),
    "atlas_pool_agreement_low": (
        "The lower end of its 90 % interval.",
        lambda each: each.get("pool_agreement_low"),
    ),
    "atlas_pool_agreement_high": (
        "The upper end of its 90 % interval.",
        lambda each: each.get("pool_agreement_high"),
    ),
    "atlas_pool_f1_macro": (
        "Macro-F1 on the tasks that wait, as tasks drawn at random show.",
        lambda each: each.get("pool_f1_macro"),
    ),
    "atlas_pool_f1_macro_low": (
        "The lower end of its 90 % interval.",
        lambda each: each.get("pool_f1_macro_low"),
    ),
    "atlas_pool_f1_macro_high": (
        "The upper end of its 90 % interval.",
        lambda each: each.get("pool_f1_macro_high"),
    ),
    "atlas_audited": ("Labels of tasks drawn at random.", lambda each: each.get("audited")),
    "atlas_domain_auc": (
        "How well a domain head tells tasks that wait from labelled ones, held out: 0.5 is not at all.",
        lambda each: each.get("domain_auc"),
    ),
    "atlas_unlike_share": (
        "Share of the tasks that wait that is unlike anything labelled.",
        lambda each: each.get("unlike"),
    ),
    "atlas_new_kind": (
        "1 while tasks of a kind that was not there before have hardly any labels, else 0.",
        lambda each: each.get("new_kind"),
    ),
    "atlas_head_tasks": (
        "Published tasks that nobody has touched, less one for each annotation told of since.",
        lambda each: (
            max(0, each["head"] - (each["changes"] - each["head_at"]))
            if {"head", "head_at"} <= each.keys()
            else None
        ),
    ),
    "atlas_unseen_annotations": (
        "Changed annotations that no retrain has seen yet.",
        lambda each: each["unseen"],
    ),
    "atlas_order_age_seconds": (
        "Time since the published order was made.",
        lambda each: each.get("age"),
    ),
    "atlas_order_staleness_seconds": (
        "The same while there are annotations that it has not seen, else 0.",
        lambda each: (each["age"] if each["unseen"] > 0 else 0) if "age" in each else None,
    ),
}
"""By name: what it is, and how it comes of a project's numbers (None: there is none)."""


class WorkCollector(Collector):
    """Everything but the web server's own requests. Without Redis only that it does not answer."""

    def __init__(self, redis: Redis):
        self._redis = redis

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("atlas_redis_up", "Whether Redis answers.")
        try:
            found = [*self._jobs(), *self._retrains(), *self._projects()]
        except RedisError as error:
            logger.warning("metrics without Redis: %s", error)
            found = []
        up.add_metric([], float(bool(found)))
        yield up
        yield from found

    def _jobs(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("atlas_jobs", "Jobs by queue and state.", labels=["queue", "state"])
        workers = GaugeMetricFamily("atlas_workers", "Workers that listen to a queue.", labels=["queue"])
        for name in (QUEUE_NAME, UPKEEP_QUEUE, ENCODING_QUEUE):
            queue = Queue(name, connection=self._redis, serializer=JSONSerializer, job_class=AtlasJob)
            jobs.add_metric([name, "queued"], queue.count)
            registries = (queue.scheduled_job_registry, queue.started_job_registry, queue.failed_job_registry)
            for state, registry in zip(("scheduled", "started", "failed"), registries, strict=True):
                # Not cleaned up here: what is to become of abandoned jobs is the workers' to decide.
                jobs.add_metric([name, state], registry.get_job_count(cleanup=False))
            workers.add_metric([name], Worker.count(queue=queue))
        yield jobs
        yield workers

    def _retrains(self) -> Iterator[Metric]:
        counters = Measures(self._redis).counters()
        retrains = CounterMetricFamily(
            "atlas_retrains", "Retrains by outcome.", labels=["project", "outcome"]
        )
        for (project, outcome), number in sorted(counters.get("retrains", {}).items()):
            retrains.add_metric([str(project), outcome], number)
        stages = SummaryMetricFamily(
            "atlas_retrain_stage_seconds", "Time of a retrain's stages.", labels=["project", "stage"]
        )
        for (project, stage), times in sorted(counters.get("times", {}).items()):
            seconds = counters.get("seconds", {}).get((project, stage), 0)
            stages.add_metric([str(project), stage], int(times), seconds)
        yield retrains
        yield stages
        yield from self._wrapped(counters)

    def _wrapped(self, counters: Mapping[str, Mapping[tuple[int, str], float]]) -> Iterator[Metric]:
        """Of the ML backends that projects wrap, asked by workers and by web servers."""
        outcomes = CounterMetricFamily(
            "atlas_wrapped_requests", "Requests to wrapped ML backends.", labels=["project", "outcome"]
        )
        latency = SummaryMetricFamily(
            "atlas_wrapped_seconds", "Time of a wrapped ML backend's answers.", labels=["project"]
        )
        times: Counter[int] = Counter()
        for (project, outcome), number in sorted(counters.get("wrapped", {}).items()):
            outcomes.add_metric([str(project), outcome], number)
            times[project] += int(number)
        for project, number in sorted(times.items()):
            seconds = counters.get("wrapped_seconds", {}).get((project, "all"), 0)
            latency.add_metric([str(project)], number, seconds)
        yield outcomes
        yield latency

    def _projects(self) -> Iterator[Metric]:
        families = {
            name: GaugeMetricFamily(name, text, labels=["project"]) for name, (text, _) in GAUGES.items()
        }
        heard = CounterMetricFamily(
            "atlas_annotations_heard", "Changes Label Studio told of.", labels=["project"]
        )
        for project_id, numbers in self._numbers():
            heard.add_metric([str(project_id)], numbers["changes"])
            for name, (_, of) in GAUGES.items():
                value = of(numbers)
                if value is not None:
                    families[name].add_metric([str(project_id)], value)
        yield heard
        yield from families.values()

    def _numbers(self) -> Iterator[tuple[int, Numbers]]:
        """Of each known project, in few round trips however many there are."""
        projects, now = known_projects(self._redis), self._redis.time()[0]
        counts, measured = change_counts(self._redis, projects), Measures(self._redis).of_each(projects)
        for project_id, (changes, unseen), numbers in zip(projects, counts, measured, strict=True):
            numbers |= {"changes": changes, "unseen": unseen}
            if "published_at" in numbers:
                numbers["age"] = max(0, now - numbers["published_at"])
            yield project_id, numbers
