"""How much faster two workers encode than one: python -m benchmarks.encoding [ENCODER] [SHARDS] [PAIRS]

Texts of 30 words wait in shards, as large as a retrain makes them, in a data folder of their own; workers of
one thread each (`label-studio-atlas worker --only=encode`) take them from a real Redis. Counted is the time
from when they are asked for until none waits, with the workers started before. Pairs of one worker and two,
in turn; told are the texts a second of each and the median of the pairs' ratios, and the same by the CPU
seconds of a text: what two idle cores would give, where the machine is busy with other work.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from redis import Redis
from rq import Worker

from backend.demo.data import load
from backend.encoders.registry import find_encoder
from backend.encoders.within import encoded_within
from backend.jobs.dispatch import Dispatcher
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store.features import named_parts
from backend.store.locations import feature_cache
from backend.store.waiting import SHARD_SECONDS

WORDS = 30


def main(encoder: str = "use", shards: str = "8", pairs: str = "3") -> None:
    torch.set_num_threads(1)
    made = find_encoder(encoder).fit([""], seed=0)
    size = int(encoded_within(made, _texts(4000), 3)[1] * SHARD_SECONDS)
    texts, ratios, by_cpu = _texts(size * int(shards)), [], []
    ((name, _),) = named_parts(encoder, made)
    for number in range(int(pairs)):
        (one, cpu), (two, cpu_of_two) = (_rates(name, texts, size, workers) for workers in (1, 2))
        ratios.append(two / one)
        by_cpu.append(2 * cpu_of_two / cpu)
        print(
            f"pair {number + 1}: {one:.0f} and {two:.0f} texts a second, {two / one:.2f} times; "
            f"{cpu:.0f} and {cpu_of_two:.0f} a CPU second, {by_cpu[-1]:.2f} times on two idle cores",
            flush=True,
        )
    print(
        f"median: two workers are {median(ratios):.2f} times as fast as one, by CPU seconds "
        f"{median(by_cpu):.2f} times; {size} texts a shard"
    )


def _rates(name: str, texts: list[str], size: int, workers: int) -> tuple[float, float]:
    """Texts a second, and a CPU second of the workers. name: that the encoder's vectors are kept by."""
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor:
        data, env = Path(folder) / "data", {**inherited_environment(), "OMP_NUM_THREADS": "1"}
        data.mkdir()
        url = start_redis(supervisor, data, dict(os.environ))
        settings = Settings(data_dir=data, redis_url=url)
        env |= {"DATA_DIR": str(data), "REDIS_URL": url, "LOG_LEVEL": "WARNING"}
        env |= {"LABEL_STUDIO_API_KEY": "none-is-asked"}
        for number in range(workers):
            arguments = [sys.executable, "-m", "backend", "worker", "--only=encode"]
            supervisor.start(f"worker {number}", arguments, env)
        with Redis.from_url(url) as redis:
            while Worker.count(connection=redis) < workers:
                time.sleep(0.1)
            cache = feature_cache(settings, 1)
            shards = cache.waiting.add(name, texts, size)
            began, cpu = time.monotonic(), _cpu(supervisor)
            Dispatcher(redis, settings).request_shards(1, shards)
            while cache.waiting.shards():
                time.sleep(0.05)
            seconds = time.monotonic() - began
            while any(each.get_current_job_id() for each in Worker.all(connection=redis)):
                time.sleep(0.05)  # a job's time counts once it has ended
            return len(texts) / seconds, len(texts) / (_cpu(supervisor) - cpu)


def _cpu(supervisor: Supervisor) -> float:
    """Seconds of the workers so far, and of the jobs that they have had."""
    workers = [child for child in supervisor.children if child.name.startswith("worker")]
    ticks = 0
    for child in workers:
        fields = Path(f"/proc/{child.process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _texts(count: int) -> list[str]:
    """Of words of the demo's texts, no two alike."""
    chance = random.Random(0)
    words = [word for text, _ in load(None, 0).pool for word in text.split()]
    return [" ".join(chance.choices(words, k=WORDS)) for _ in range(count)]


if __name__ == "__main__":
    main(*sys.argv[1:])
