"""Texts that take long to encode: in shards that any worker takes, while retrains and annotators go on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from rq.job import Job
from rq.serializers import JSONSerializer

from backend.doctor import examine  # noqa: F401  registers the checks
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import State
from backend.jobs.encoding import encode_shard
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import ENCODE, is_our_call, is_our_id
from backend.jobs.status import job_status
from backend.store.locations import feature_cache
from backend.store.waiting import Shard
from backend.store.words import waiting_words
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.slow_encoder import SlowEncoder, install
from tests.fakes.worker import WorkerHere


@pytest.fixture
def slow(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> SlowEncoder:
    """A second for each text, of which a retrain encodes for 20."""
    loop.set(encoder="slow", encode_within=20, queue_head=100)
    return install(monkeypatch)


@pytest.fixture
def project(loop: Loop, slow: SlowEncoder) -> FakeProject:
    return loop.create(80, labeled=4)


def shards(loop: Loop, project: FakeProject) -> list[Shard]:
    return feature_cache(loop.settings, project.id).waiting.shards()


def stats(loop: Loop, project: FakeProject) -> dict[str, Any]:
    return loop.versions(project).stats(project.settings["model_version"])


def encode(loop: Loop, project: FakeProject, count: int) -> None:
    for shard in shards(loop, project)[:count]:
        encode_shard(project.id, shard.key)


def test_the_first_order_does_not_wait_for_all_texts(loop: Loop, project: FakeProject) -> None:
    done = loop.retrain(project)
    assert done["published"]
    assert done["waiting"] == len(loop.queue(project)) == 76  # all of them have their place
    assert "20 of 80 texts are encoded, the others stand behind" in done["notes"]
    assert done["trained_on"] == 4  # what is labelled is encoded before all else
    waiting = shards(loop, project)
    assert sum(shard.count for shard in waiting) == 60
    assert {f"encode-{project.id}-{shard.key}" for shard in waiting} <= loop.jobs()


def test_what_has_no_vector_stands_behind_without_a_guess(loop: Loop, project: FakeProject) -> None:
    loop.set(show_guess_from=0)
    loop.retrain(project)
    scored = {each["task"]: each for each in project.predictions}
    guessed = [bool(scored[task]["result"]) for task in loop.queue(project)]
    assert guessed == [True] * 16 + [False] * 60


def test_no_text_is_encoded_twice_but_those_that_measure(
    loop: Loop, project: FakeProject, slow: SlowEncoder
) -> None:
    loop.retrain(project)
    measured = 4 + 2  # the first text warms up, twice
    assert len(slow.encoded) == 20 + measured
    loop.retrain(project)
    encode(loop, project, 100)
    kept = len(slow.encoded)
    loop.retrain(project)
    assert len(slow.encoded) == kept
    assert not shards(loop, project)


def test_the_order_grows_each_time_that_twice_as_many_are_encoded(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    ordered = []
    while shards(loop, project):
        encode(loop, project, 1)
        if f"retrain-{project.id}" in loop.jobs():
            loop.dispatcher.queue.empty()
            loop.retrain(project)
            ordered.append(80 - sum(shard.count for shard in shards(loop, project)))
    assert ordered == [44, 80]
    assert not [note for note in stats(loop, project)["notes"] if "encoded" in note]


def test_any_worker_does_it_after_all_else_and_orders_anew(loop: Loop, project: FakeProject) -> None:
    loop.dispatcher.demand_retrain(project.id)
    WorkerHere(loop.redis).run()
    assert not shards(loop, project)
    assert not {job for job in loop.jobs() if job.startswith(("encode", "retrain"))}
    assert EncodingProgress(loop.redis, project.id).read() is None
    assert len(loop.versions(project).names()) == 3  # by 20, by 40 and by all
    assert stats(loop, project)["notes"] == []
    assert len(loop.queue(project)) == 76


def test_a_project_keeps_its_order_until_the_new_vectors_are_complete(loop: Loop, slow: SlowEncoder) -> None:
    loop.set(encoder="lsa")
    project = loop.create(80, labeled=4)
    loop.retrain(project)
    loop.set(encoder="slow")
    done = loop.retrain(project)
    assert "0 of 80 texts are encoded by slow; until all are, lsa orders" in done["notes"]
    version = loop.versions(project).load(done["model_version"])
    assert version.encoder.startswith("lsa-")
    assert done["waiting"] == 76
    while shards(loop, project):
        assert f"retrain-{project.id}" not in loop.jobs()
        encode(loop, project, 1)
    assert f"retrain-{project.id}" in loop.jobs()
    done = loop.retrain(project)
    assert loop.versions(project).load(done["model_version"]).encoder.startswith("slow-")


def test_an_annotation_meanwhile_is_learned_without_encoding_the_rest(
    loop: Loop, project: FakeProject, slow: SlowEncoder
) -> None:
    loop.retrain(project)
    before = len(slow.encoded)
    for task in loop.queue(project)[-3:]:  # of those that wait to be encoded
        loop.label(project, task)
    done = loop.retrain(project)
    assert done["trained_on"] == 7
    assert len(slow.encoded) - before <= 4 + 2 + 3


def test_tasks_that_come_meanwhile_are_encoded_too(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    loop.fake.add_tasks(project.id, [f"tea number {n} of those that came later" for n in range(40)])
    loop.retrain(project)
    encode(loop, project, 100)
    assert loop.retrain(project)["notes"] == []
    assert len(loop.queue(project)) >= 100  # and those that may be before annotators


def test_a_shard_that_takes_too_long_is_parted(loop: Loop, project: FakeProject, slow: SlowEncoder) -> None:
    loop.retrain(project)
    slow.seconds = 2.0  # this worker's machine is slower
    (first, *_) = shards(loop, project)
    assert encode_shard(project.id, first.key) == {"texts": 5, "left": 55}
    assert not [shard for shard in shards(loop, project) if shard.key == first.key]
    encode(loop, project, 100)
    encode(loop, project, 100)
    assert not shards(loop, project)


def test_two_that_encode_the_same_shard_do_no_harm(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    cache, (shard, *_) = feature_cache(loop.settings, project.id), shards(loop, project)
    texts = cache.waiting.texts(shard)
    encode_shard(project.id, shard.key)
    cache.waiting.add(shard.vectors, texts, shard.count)  # as it was for the other one
    encode_shard(project.id, shard.key)
    assert encode_shard(project.id, shard.key)["texts"] == 0
    encode(loop, project, 100)
    assert len(list(loop.settings.data_dir.rglob(f"{shard.vectors}.*.vectors.safetensors"))) == 1 + 10
    assert loop.retrain(project)["notes"] == []


@pytest.mark.parametrize("by", ["retrain", "reconcile"])
def test_after_redis_was_emptied_the_shards_are_asked_for_again(
    loop: Loop, project: FakeProject, by: str
) -> None:
    loop.retrain(project)
    wanted = {f"encode-{project.id}-{shard.key}" for shard in shards(loop, project)}
    loop.redis.flushall()
    getattr(loop, by)(project)
    assert wanted <= loop.jobs()


def test_a_shards_job_that_redis_has_lost_is_made_again(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.retrain(project)
    monkeypatch.setattr("backend.jobs.lost.SURE", 0)
    loop.dispatcher.encoding.empty()
    for shard in shards(loop, project):  # what a worker leaves that is killed between two commands of RQ
        loop.dispatcher.request_shards(project.id, [shard])
        loop.redis.lrem(loop.dispatcher.encoding.key, 0, f"encode-{project.id}-{shard.key}")
    loop.reconcile(project)
    wanted = {f"encode-{project.id}-{shard.key}" for shard in shards(loop, project)}
    assert wanted <= loop.jobs()


def test_a_shards_texts_that_are_damaged_are_put_off_again(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    (shard, *_) = shards(loop, project)
    (file,) = loop.settings.data_dir.rglob(shard.path)
    file.write_bytes(b"no arrays")
    assert encode_shard(project.id, shard.key)["texts"] == 0
    encode(loop, project, 100)
    assert "80" not in str(loop.retrain(project)["notes"])  # the six are few enough to be encoded at once


def test_words_for_an_encoder_that_is_not_there_any_more_wait_no_longer(
    loop: Loop, project: FakeProject, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = waiting_words(loop.settings, project.id)
    (shard,) = waiting.add("words-of-a-removed-plug-in", ["storm warning", "cup final"], 10)
    assert encode_shard(project.id, shard.key)["texts"] == 0
    assert list(waiting.shards()) == []
    assert "words-of-a-removed-plug-in" in caplog.text


def test_encoders_side_by_side_keep_what_the_dear_one_has_made(loop: Loop, slow: SlowEncoder) -> None:
    loop.set(encoder="slow+lsa", encode_within=1000)
    project = loop.create(20, labeled=4)
    loop.retrain(project)
    loop.fake.add_tasks(project.id, [f"tea and a book, number {n}" for n in range(40)])
    before = len(slow.encoded)
    done = loop.retrain(project)  # with a new lsa: the project has doubled
    assert len(slow.encoded) - before == 40 + 4 + 2
    version = loop.versions(project).load(done["model_version"])
    assert version.encoder.startswith("slow+lsa-000060-")
    assert version.network is not None
    assert version.network.shape.inputs == 8 + 256


def test_how_far_it_is_is_told_to_scripts_and_by_the_doctor(loop: Loop, project: FakeProject) -> None:
    job_id = loop.dispatcher.request_retrain(project.id)
    loop.retrain(project)
    encode(loop, project, 5)
    told = (job_status(loop.redis, job_id) or {})["encoding"]
    assert (told["encoder"], told["texts"], told["done"]) == ("slow", 80, 50)
    assert told["per_second"] > 0
    assert told["seconds_left"] == pytest.approx(30 / told["per_second"])
    with Bench() as bench:
        finding = CHECKS["encoding"].function(ProjectBench(bench, project.id))
        assert finding.state is State.NOTE
        assert "50 of 80 texts encoded by slow" in finding.found
        encode(loop, project, 100)
        assert CHECKS["encoding"].function(ProjectBench(bench, project.id)).state is State.OK
    assert "encoding" not in (job_status(loop.redis, job_id) or {})


def test_the_doctor_says_why_a_shard_fails(
    loop: Loop, project: FakeProject, slow: SlowEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.retrain(project)
    monkeypatch.setattr(slow, "encode", lambda texts: torch.zeros(len(texts), 3))
    for shard in shards(loop, project):
        job = AtlasJob.fetch(f"encode-{project.id}-{shard.key}", loop.redis, JSONSerializer)
        job.retries_left = 0
        job.save()
    WorkerHere(loop.redis).run()
    with Bench() as bench:
        finding = CHECKS["encoding"].function(ProjectBench(bench, project.id))
    assert finding.state is State.WRONG
    assert "must give finite vectors" in finding.found


@pytest.mark.parametrize(
    "arguments", [[], [1], [1, 2], [1, "../../etc"], ["1", "0" * 16], [1, "0" * 16, 1], [0, "0" * 16]]
)
def test_a_job_that_is_no_shards_is_not_run(arguments: list[Any]) -> None:
    assert not is_our_call(ENCODE, arguments)
    assert is_our_call(ENCODE, [1, "0123456789abcdef"])
    assert is_our_id("encode-1-0123456789abcdef")
    assert not is_our_id("encode-1-0123456789abcdeg")


def test_a_job_of_a_shard_is_known_by_its_id(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    (shard, *_) = shards(loop, project)
    job = Job.fetch(f"encode-{project.id}-{shard.key}", connection=loop.redis, serializer=JSONSerializer)
    assert list(job.args) == [project.id, shard.key]
