"""Content that nobody has encoded yet, asked for by Label Studio or come with new tasks: kept vectors first,
some seconds for the rest, and a shard for what takes longer."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controls.config import parse_label_config
from backend.jobs.encoding import encode_shard
from backend.predicting import Predictor
from backend.settings import Settings
from backend.store.locations import feature_cache
from backend.store.waiting import Shard
from backend.web.app import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import CONFIG, FakeProject
from tests.fakes.slow_encoder import SlowEncoder, install
from tests.fakes.worker import WorkerHere

SCHEME = parse_label_config(CONFIG)
NEW = [f"storm and tea, number {n}" for n in range(60)]


@pytest.fixture
def slow(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> SlowEncoder:
    loop.set(encoder="slow", encode_within=1000, queue_head=10)
    return install(monkeypatch)


@pytest.fixture
def project(loop: Loop, slow: SlowEncoder) -> FakeProject:
    """All encoded, learned from and published."""
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    slow.encoded.clear()
    return project


def tasks_of(project: FakeProject) -> list[dict[str, Any]]:
    return list(project.tasks.values())


def unknown(texts: list[str]) -> list[dict[str, Any]]:
    return [{"id": 9000 + i, "data": {"text": text}} for i, text in enumerate(texts)]


def shards(loop: Loop, project: FakeProject) -> list[Shard]:
    return feature_cache(loop.settings, project.id).waiting.shards()


def test_what_is_kept_is_not_encoded_for_an_answer(
    loop: Loop, project: FakeProject, slow: SlowEncoder
) -> None:
    told = Predictor(loop.settings).predict(project.id, SCHEME, tasks_of(project))
    assert len(told) == 40
    assert all(item["result"] for item in told)
    assert not slow.encoded


def test_another_machine_answers_by_what_one_has_kept(
    loop: Loop, slow: SlowEncoder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("machines")
    loop.set(model_store=f"file://{folder}/bucket")
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    slow.encoded.clear()
    there = Settings(data_dir=folder / "another")
    assert all(Predictor(there).predict(project.id, SCHEME, tasks_of(project)))
    assert not slow.encoded


def test_an_answer_is_the_same_by_a_kept_vector_and_by_a_new_one(loop: Loop, project: FakeProject) -> None:
    predictor = Predictor(loop.settings)
    (new,) = predictor.predict(project.id, SCHEME, unknown(NEW[:1]))
    loop.set(show_guess_from=0)
    predictor.predict(project.id, SCHEME, unknown(NEW))  # so many that they are kept
    (kept,) = predictor.predict(project.id, SCHEME, unknown(NEW[:1]))
    assert new == kept


def test_what_takes_too_long_is_answered_later(loop: Loop, project: FakeProject, slow: SlowEncoder) -> None:
    predictor = Predictor(loop.settings, on_late=loop.dispatcher.request_shards)
    asked = [*unknown(NEW), *tasks_of(project)]
    told = predictor.predict(project.id, SCHEME, asked)
    assert [bool(item) for item in told] == [True] * 20 + [False] * 40 + [True] * 40
    assert [item for item in told if not item] == [[]] * 40
    assert sum(shard.count for shard in shards(loop, project)) == 40
    WorkerHere(loop.redis).run()
    slow.encoded.clear()
    assert all(predictor.predict(project.id, SCHEME, asked)[20:])
    assert len(slow.encoded) <= 20 + 1  # those of the first time were too few to be kept


def test_what_is_asked_for_again_waits_once(loop: Loop, project: FakeProject) -> None:
    predictor = Predictor(loop.settings)
    for _ in range(3):
        predictor.predict(project.id, SCHEME, unknown(NEW))
    assert sum(shard.count for shard in shards(loop, project)) <= 60


def test_label_studio_is_told_nothing_of_such_a_task(loop: Loop, project: FakeProject) -> None:
    client = create_app(loop.settings).test_client()
    body = {"tasks": unknown(NEW), "project": f"{project.id}.1", "label_config": CONFIG}
    told = client.post("/predict", json=body).get_json()["results"]
    assert len(told) == 60
    assert told[-1] == []
    assert {f"encode-{project.id}-{shard.key}" for shard in shards(loop, project)} <= loop.jobs()


def test_new_tasks_come_into_the_queue_as_they_are_encoded(
    loop: Loop, project: FakeProject, slow: SlowEncoder
) -> None:
    loop.set(queue_head=200)
    new = loop.fake.add_tasks(project.id, NEW)
    done = loop.refill(project)
    assert done["needs_retrain"] is None
    assert len(loop.queue(project)) == 32 + 20
    assert len(slow.encoded) == 20 + 1
    loop.refill(project)
    assert len(slow.encoded) == 20 + 1  # the others are the workers'
    grown = [len(loop.queue(project))]
    while waiting := shards(loop, project):
        encode_shard(project.id, waiting[0].key)
        assert f"refill-{project.id}" in loop.jobs()
        loop.dispatcher.upkeep.empty()
        loop.refill(project)
        grown.append(len(loop.queue(project)))
    assert grown[:5] == [52, 58, 64, 70, 76]
    assert set(new) <= set(loop.queue(project))
    scores = [each["score"] for each in project.predictions if each["task"] in new]
    assert len(set(scores)) == len(new)
    assert min(scores) < 0.9  # between the others, by what they are worth
    assert f"retrain-{project.id}" not in loop.jobs()


def test_a_head_that_runs_dry_is_filled_before_new_tasks_are_encoded(
    loop: Loop, project: FakeProject, slow: SlowEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in loop.queue(project)[:8]:
        loop.label(project, task)
    loop.fake.add_tasks(project.id, NEW)
    at_encoding: list[int] = []
    encode = slow.encode
    monkeypatch.setattr(
        slow, "encode", lambda texts: at_encoding.append(len(loop.queue(project))) or encode(texts)
    )
    loop.refill(project)
    assert at_encoding[0] == 10  # of which two were left


def test_a_kept_version_pinned_meanwhile_serves_without_its_vectors(
    loop: Loop, project: FakeProject, slow: SlowEncoder
) -> None:
    for path in loop.settings.data_dir.rglob("*.vectors.safetensors"):
        path.unlink()
    done = loop.refill(project)
    assert done["needs_retrain"] is None
    assert len(loop.queue(project)) == 10
