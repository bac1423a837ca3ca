"""Random faults: kills, restarts, outages, and roads that lose, double, delay and garble what passes."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.e2e.cluster import Cluster
from tests.e2e.proxy import Answer, Call, Meddler, forward

WORKERS = ("retrain1", "worker2")
PARTS = ("web", *WORKERS, "cron")


def refused(call: Call) -> Answer | None:
    return None


def slow(call: Call) -> Answer | None:
    time.sleep(2)
    return call.forward()


def done_but_unheard(call: Call) -> Answer | None:
    call.forward()
    return None


def cut(call: Call) -> Answer | None:
    answer = call.forward()
    return Answer(answer.status, answer.body, answer.headers, cut=True)


def garbled(call: Call) -> Answer | None:
    answer = call.forward()
    return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)


def status(code: int, **headers: str) -> Meddler:
    told = {key.replace("_", "-"): value for key, value in headers.items()}

    def answer(call: Call) -> Answer | None:
        body = json.dumps({"status_code": code, "detail": "chaos"}).encode()  # as Label Studio's own
        return Answer(code, body, {"Content-Type": "application/json", **told})

    answer.__name__ = f"status {code}"
    return answer


ANSWERS: tuple[Meddler, ...] = (
    *(refused, slow, done_but_unheard, cut, garbled),
    *(status(401), status(403), status(429, Retry_After="1"), status(500)),
)
"""What Label Studio, or the road to it, may do."""


class Monkey:
    """Does something every few seconds; `counts` tells what. Everything follows from the seed but time."""

    def __init__(self, cluster: Cluster, seed: int):
        self.counts: Counter[str] = Counter()
        self._cluster = cluster
        self._random = random.Random(seed)
        self._outage: Meddler | None = None
        self._deeds: list[tuple[float, Callable[[], None]]] = [
            (5, self._kill),
            (1, self._kill_job),
            (1, self._kill_web_worker),
            (1, self._stop_worker),
            (1, self._restart_redis),
            (0.5, self._empty_redis),
            (4, self._label_studio_outage),
        ]

    def rage(self, seconds: float) -> None:
        """Then all that was started is running again, and the roads are free."""
        self._cluster.api.meddle = self._meddle_with_api
        self._cluster.road.meddle = self._meddle_with_webhooks
        end = time.monotonic() + seconds
        weights = [weight for weight, _ in self._deeds]
        while time.monotonic() < end:
            ((_, deed),) = self._random.choices(self._deeds, weights)
            deed()
            self._rest(3)
        self._cluster.api.meddle = self._cluster.road.meddle = forward
        self._cluster.start("redis", *PARTS)

    def _rest(self, seconds: float) -> None:
        time.sleep(self._random.uniform(0, seconds))

    def _count(self, what: str) -> None:
        self.counts[what] += 1

    def _kill(self) -> None:
        name = self._random.choice(PARTS)
        self._count(f"kill -9 of {name.rstrip('0123456789')}")
        self._cluster.kill(name)
        self._rest(2)
        self._cluster.start(name, wait=False)

    def _kill_job(self) -> None:
        """The process of a job, if one is running: the worker lives on."""
        for name in WORKERS:
            for child in children(self._cluster.pid(name)):
                if is_job(child):
                    self._count("kill -9 of a job's process")
                    kill(child)

    def _kill_web_worker(self) -> None:
        for child in children(self._cluster.pid("web")):
            self._count("kill -9 of a gunicorn worker")
            kill(child)

    def _stop_worker(self) -> None:
        """TERM, mostly again before it has finished."""
        name = self._random.choice(WORKERS)
        self._count("TERM of a worker")
        self._cluster.signal(name, signal.SIGTERM)
        self._rest(3)
        self._cluster.stop(name)
        self._cluster.start(name, wait=False)

    def _restart_redis(self) -> None:
        self._count("kill -9 of Redis, restart with its data")
        self._cluster.kill("redis")
        self._rest(3)
        self._cluster.start("redis")
        self.revive()

    def _empty_redis(self) -> None:
        self._count("kill -9 of Redis, restart empty")
        self._cluster.kill("redis")
        self._cluster.empty_redis()
        self._rest(3)
        self._cluster.start("redis")
        self.revive()

    def revive(self) -> None:
        """As `up`, systemd or Docker do with what ends by itself, maybe a while after Redis went."""
        for name in PARTS:
            if not self._cluster.is_alive(name):
                self._count(f"{name.rstrip('0123456789')} ended without Redis, started again")
                self._cluster.start(name, wait=False)

    def _label_studio_outage(self) -> None:
        self._outage = self._random.choice(ANSWERS)
        self._count(f"outage of Label Studio: {self._outage.__name__}")
        self._rest(5)
        self._outage = None

    def _meddle_with_api(self, call: Call) -> Answer | None:
        meddle = self._outage or (self._random.choice(ANSWERS) if self._random.random() < 0.03 else forward)
        if meddle is not forward:
            self._count(f"answer to the backend: {meddle.__name__}")
        return meddle(call)

    def _meddle_with_webhooks(self, call: Call) -> Answer | None:
        if not call.path.endswith("/webhook"):
            return call.forward()
        chance = self._random.random()
        if chance < 0.5:
            self._count("webhook dropped")
            return Answer(201)
        if chance < 0.65:
            self._count("webhook doubled")
            call.forward()
        elif chance < 0.8:
            self._count("webhook late, after others")
            threading.Timer(self._random.uniform(0.5, 4), call.forward).start()
            return Answer(201)
        else:
            self._count("webhook passed")
        return call.forward()


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_job(pid: int) -> bool:
    """A job's process leads a group of its own; the scheduler beside it does not."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[2]) == pid
    except FileNotFoundError:
        return False


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def processes_of(data_dir: Path) -> list[int]:
    """All that were given this DATA_DIR, whoever their parent is now."""
    mark = f"DATA_DIR={data_dir}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
