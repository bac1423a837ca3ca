"""How long a project of TASKS texts that wraps an ML backend waits for its first order, from nothing.

Label Studio is a process of its own: the fake of the tests or, asked for with `real`, a fresh one on SQLite.
The retrain is a process as a worker's is, of TORCH_THREADS threads, by ENCODER and the other settings of the
environment. Prints the seconds of each stage, of all, and how many of them the processor worked: of the first
order and, where that is of a part of the tasks, of the order of all that follows.
Usage: python -m benchmarks.wrapped_first [TASKS] [fake|real]
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path

from redis import Redis

from backend.demo.environment import install_label_studio
from backend.demo.label_studio import free_port, start_label_studio
from backend.demo.project import DemoProject
from backend.jobs.state import ProjectState
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from benchmarks.capacity import _texts
from tests.fakes.server import served

THEIRS = "http://127.0.0.1:9"
"""Nobody is there: the first order needs no answer."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main(tasks: int = 100_000, kind: str = "fake") -> None:
    texts = [f"{text} {number}" for number, text in enumerate(_texts(tasks)[0])]
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor:
        redis_url = start_redis(supervisor, Path(folder) / "redis", dict(os.environ))
        with _real(supervisor, Path(folder), texts) if kind == "real" else _fake(texts) as (url, key, number):
            with Redis.from_url(redis_url) as redis:
                ProjectState(redis, number).wraps = THEIRS
            env = {
                **os.environ,
                **ONE_THREAD,
                "DATA_DIR": f"{folder}/data",
                "REDIS_URL": redis_url,
                "LABEL_STUDIO_URL": url,
                "LABEL_STUDIO_API_KEY": key,
                "WRAPPED_BACKENDS": THEIRS.removeprefix("http://"),
            }
            command = [sys.executable, "-m", "benchmarks.wrapped_first", "--retrain", str(number)]
            subprocess.run(command, env=env, check=True)


def orders(project_id: int) -> None:
    """What a worker's process does, with its imports already made."""
    print("first order: ", end="")
    if any("one of all follows" in note for note in _order(project_id)):
        print("of all: ", end="")
        _order(project_id)


def _order(project_id: int) -> list[str]:
    """Returns what is noted of it."""
    from backend.jobs.retrain import retrain

    began, busy = time.perf_counter(), time.process_time()
    done = retrain(project_id)
    took, busy = time.perf_counter() - began, time.process_time() - busy
    if not done["published"]:
        raise SystemExit(json.dumps(done))
    print(", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in done["seconds"].items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{took:.1f} s in all, {busy:.1f} of a processor; {peak:,.0f} MB at most; {done['notes']}")
    return list(done["notes"])


@contextmanager
def _fake(texts: list[str]) -> Iterator[tuple[str, str, int]]:
    """Its address, the key, and the project's number."""
    ours, its = Pipe()
    server = Process(target=_serve, args=(texts, its))
    server.start()
    try:
        yield *ours.recv(), 1
    finally:
        ours.send("end")
        server.join()


def _serve(texts: list[str], told: Connection) -> None:
    with served() as server:
        server._state.create(texts, 1, connected=False)
        told.send((server.url, "none"))
        told.recv()


@contextmanager
def _real(supervisor: Supervisor, folder: Path, texts: list[str]) -> Iterator[tuple[str, str, int]]:
    """As `_fake`."""
    installed = install_label_studio(Settings().cache_dir)
    server = start_label_studio(supervisor, installed, folder / "ls", free_port(0))
    project = DemoProject(server.admin.http, "first", ["yes", "no"], texts)
    yield server.url, server.access_token(), project.id


if __name__ == "__main__":
    if sys.argv[1:2] == ["--retrain"]:
        orders(int(sys.argv[2]))
    else:
        main(int((sys.argv[1:2] or ["100000"])[0]), *sys.argv[2:])
