"""Real workers that encode a project's texts, by an encoder that takes its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Request
from rq import Worker
from rq.serializers import JSONSerializer

from backend.jobs.dispatch import Dispatcher
from backend.settings import Settings
from backend.store.locations import feature_cache, version_store
from backend.store.waiting import Shard
from tests.e2e import steps
from tests.e2e.cluster import Cluster
from tests.fakes.label_studio import FakeLabelStudio, choice
from tests.fakes.loop import label_of, texts
from tests.fakes.server import served

SECONDS = 0.02
"""Of a text."""
TEXTS = 1500
PLUGIN = """
import os, time
import numpy as np, torch
WORDS = "storm flood quake fire tea book song game".split()
class Slowly:
    pretrained, dims = True, len(WORDS)
    @classmethod
    def fit(cls, texts, *, seed): return cls()
    @classmethod
    def restore(cls, arrays): return cls()
    def arrays(self): return {"weights": np.zeros(1, np.float32)}
    def encode(self, texts):
        with open(os.environ["ENCODED"], "a") as file:
            for text in texts:
                time.sleep(float(os.environ["SECONDS"]))
                file.write(text + "\\n")
                file.flush()
        return torch.tensor([[float(text.split().count(word)) for word in WORDS] for text in texts])
"""


def wait_until(holds: Callable[[], bool]) -> None:
    """On a machine that has much else to do."""
    steps.wait_until(holds, 300)


class Bench:
    """A cluster with a fake Label Studio, and in it a project of TEXTS."""

    def __init__(self, cluster: Cluster, fake: FakeLabelStudio):
        self.cluster = cluster
        self.fake = fake
        self.settings = Settings(data_dir=cluster.data_dir, redis_url=cluster.env["REDIS_URL"])
        self.dispatch = Dispatcher.from_settings(self.settings)
        self.project = fake.create(texts(TEXTS))
        for task in list(self.project.tasks)[:4]:
            fake.annotate(self.project.id, task, [choice(label_of(self.project.tasks[task]["data"]["text"]))])
        fake.spread(self.project.id)

    def shards(self) -> list[Shard]:
        return feature_cache(self.settings, self.project.id).waiting.shards()

    def encoding(self) -> list[str]:
        """The workers that have a shard in hand."""
        workers = Worker.all(connection=self.dispatch.redis, serializer=JSONSerializer)
        return [each.name for each in workers if (each.get_current_job_id() or "").startswith("encode-")]

    def notes(self) -> list[str]:
        versions = version_store(self.settings, self.project.id)
        published = versions.published()
        return ["none yet"] if published is None else versions.stats(published)["notes"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    plugin = tmp_path / "plugin"
    info = plugin / "slowly-1.0.dist-info"
    info.mkdir(parents=True)
    (plugin / "slowly.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slowly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[label_studio_atlas.encoders]\nslowly = slowly:Slowly\n")
    own = {"ENCODER": "slowly", "ENCODE_WITHIN": "1", "SECONDS": str(SECONDS), "OMP_NUM_THREADS": "1"}
    with served() as server, ExitStack() as stack:
        fake = server.show(FakeLabelStudio())
        cluster = Cluster(tmp_path / "cluster", server.url, "a-legacy-token", stack, **own)
        cluster.env["PYTHONPATH"] = f"{plugin}:{cluster.env['PYTHONPATH']}"
        cluster.env["ENCODED"] = str(tmp_path / "encoded")
        stack.callback(cluster.stop_all)
        cluster.start("redis")
        yield Bench(cluster, fake)


def test_a_worker_that_is_killed_in_the_midst_costs_a_shard(bench: Bench, tmp_path: Path) -> None:
    bench.cluster.start("worker1", "encode2")
    bench.dispatch.demand_retrain(bench.project.id)
    wait_until(lambda: len(bench.encoding()) == 2)
    largest = max(shard.count for shard in bench.shards())
    before = (tmp_path / "encoded").read_text().count("\n")
    wait_until(lambda: (tmp_path / "encoded").read_text().count("\n") > before + 50)
    bench.cluster.kill("encode2")
    bench.cluster.start("encode3")
    wait_until(lambda: not bench.shards())
    wait_until(lambda: bench.notes() == [])  # the order is made of all of them
    times = Counter((tmp_path / "encoded").read_text().splitlines())
    assert len(times) == TEXTS
    measured = 64 + 3 * 2  # by the retrains, and the first text of each shard and try
    assert sum(times.values()) - TEXTS <= largest + measured + 2 * (TEXTS // largest + 2)


def test_a_retrain_asked_for_meanwhile_starts_within_one_shard(bench: Bench) -> None:
    other = bench.fake.create(texts(20))
    bench.fake.spread(other.id)
    waiting: list[int] = []

    def before(request: Request) -> None:
        if f"/projects/{other.id}" in request.path and not waiting:
            waiting.append(len(bench.shards()))

    bench.cluster.start("worker1")
    bench.dispatch.demand_retrain(bench.project.id)
    wait_until(lambda: bool(bench.encoding()))
    bench.fake.before = before  # type: ignore[assignment]
    asked = len(bench.shards())
    bench.dispatch.demand_retrain(other.id)
    wait_until(lambda: bool(waiting))
    assert asked > 2
    assert asked - waiting[0] <= 1
