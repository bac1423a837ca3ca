"""/metrics for Prometheus: what this web server was asked, and what all workers have done.

Requests are counted by prometheus_client, over all of gunicorn's processes by its files in
PROMETHEUS_MULTIPROC_DIR. What workers do is counted in Redis (see `jobs/measures.py`), since they run on
any number of machines and in a new process per job; every web server tells the same of it.
"""

from __future__ import annotations

import os
import time

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from backend.settings import Settings
from backend.web.redis_of import redis_of
from backend.web.work_metrics import WorkCollector

metrics = Blueprint("metrics", __name__)

BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30, 100)
"""Seconds. Label Studio gives a webhook 1, /setup 3, /predict 100."""
REDIS_SECONDS = 5


def measure_requests(app: Flask, settings: Settings) -> None:
    """Count and time every request, and serve /metrics."""
    registry = CollectorRegistry()
    requests = Counter("atlas_http_requests", "Requests answered.", ["endpoint", "status"], registry=registry)
    latency = Histogram(
        "atlas_http_request_seconds", "Time to answer.", ["endpoint"], buckets=BUCKETS, registry=registry
    )

    def start() -> None:
        g.started = time.perf_counter()

    def stop(response: Response) -> Response:
        endpoint = (request.endpoint or "none").split(".")[-1]
        requests.labels(endpoint, str(response.status_code)).inc()
        latency.labels(endpoint).observe(time.perf_counter() - g.started)
        return response

    app.before_request(start)
    app.after_request(stop)
    work = WorkCollector(redis_of(app, settings, REDIS_SECONDS))
    app.extensions["metrics"] = _registries(registry, work)
    app.register_blueprint(metrics)


def _registries(ours: CollectorRegistry, work: WorkCollector) -> list[CollectorRegistry]:
    """What to show: of one process its own counts, of several what all have written."""
    shared = CollectorRegistry()
    shared.register(work)
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return [ours, shared]
    MultiProcessCollector(shared)
    return [shared]


@metrics.route("/metrics", methods=["GET"], endpoint="metrics")
def show() -> Response:
    with current_app.extensions["surveys"].one():
        shown = b"".join(generate_latest(registry) for registry in current_app.extensions["metrics"])
    return Response(shown, content_type=CONTENT_TYPE_LATEST)
