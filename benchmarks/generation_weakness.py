"""A weakness planted into a model that writes drafts: how many of its errors are among the first labels.

python -m benchmarks.generation_weakness [--strategies auto,random] [--seeds 3]

Over HTTP and through the whole loop, on a Label Studio in memory: of 100 generated texts of 5 kinds 15 are of
a kind of which the model writes nonsense, as sure of itself as anywhere else. In rounds of 5 the head of the
queue is labelled, 40 in all.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import click
import pytest
from redis import Redis

from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.fakes.chat import chat_served
from tests.fakes.drafts import Drafts, contents, name_model, written
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.loop import Loop
from tests.fakes.server import served

POOL, SHARE, BUDGET, BATCH = 100, 0.15, 40, 5


def errors(loop: Loop, seed: int) -> tuple[int, int]:
    """Among the labels, and how many texts were sent."""
    with chat_served(written) as chat:
        name_model(loop, chat, queue_head=BUDGET)
        made = Drafts.made(loop, contents(POOL, SHARE, seed))
        while len(made.labelled) < BUDGET:
            made.go_on()
            made.label(BATCH)
        return made.errors, len(chat.texts)


@click.command()
@click.option("--strategies", default="auto,random")
@click.option("--seeds", default=3)
def main(strategies: str, seeds: int) -> None:
    logging.disable(logging.WARNING)
    for strategy in strategies.split(","):
        found = [_run(strategy, seed) for seed in range(seeds)]
        labelled = [each[0] for each in found]
        print(
            f"{strategy:10} errors among {BUDGET} labels {sum(labelled) / seeds:5.1f}   each {labelled}"
            f"   texts sent {[each[1] for each in found]}",
            flush=True,
        )


def _run(strategy: str, seed: int) -> tuple[int, int]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Supervisor() as supervisor,
        served() as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        url = start_redis(supervisor, Path(folder) / "redis", dict(os.environ))
        with Redis.from_url(url) as redis:
            loop = Loop(server.show(FakeLabelStudio()), redis, environment)
            loop.set(
                label_studio_url=server.url,
                label_studio_api_key="a-legacy-token",
                redis_url=url,
                data_dir=f"{folder}/data",
                encoder="lsa",
                strategy=strategy,
                seed=seed,
            )
            try:
                return errors(loop, seed)
            finally:
                for client in loop.clients:
                    client.close()


if __name__ == "__main__":
    main()
