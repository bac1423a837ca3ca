"""A data folder, a bucket and a Redis that commit edd26f8 left, under today's code.

`tests/installed/make.py` says how they were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import pytest
import torch
from flask import Request
from rq.registry import FailedJobRegistry
from torch import Tensor

from backend.encoders.registry import ENCODERS
from backend.jobs.job import AtlasJob
from backend.jobs.state import known_projects
from backend.jobs.status import job_status
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.installed.conftest import Upgraded
from tests.installed.kept import KINDS, PROJECTS
from tests.installed.old import SETTINGS

CLOSE = 1e-5
ONE_PLACE = 1 / 30
"""Of a queue. Between which two of its tasks one stands that it has not is the model's word, how near to
either a lot's, drawn from the text: of HyperText that has fewer spaces now."""


def assert_alike(answers: list[Json], before: list[Json], place: float = CLOSE) -> None:
    """place: how far a prediction's score may be from what it was."""
    assert len(answers) == len(before) > 0
    for answer, then in zip(answers, before, strict=True):
        assert answer["model_version"] == then["model_version"]
        assert answer["score"] == pytest.approx(then["score"], abs=place)
        assert [_without_score(each) for each in answer["result"]] == list(
            map(_without_score, then["result"])
        )
        scores = [each["score"] for each in then["result"]]
        assert [each["score"] for each in answer["result"]] == pytest.approx(scores, abs=CLOSE)


def _without_score(region: Json) -> Json:
    return {name: value for name, value in region.items() if name != "score"}


def predictions(project: FakeProject) -> list[Json]:
    """Of the version that Label Studio orders by."""
    current = project.settings["model_version"]
    return [each for each in project.predictions if each["model_version"] == current]


def waiting_jobs(upgraded: Upgraded) -> dict[str, str]:
    """By the job's id, the function's name that lies in Redis."""
    jobs = {job_id: AtlasJob.read(job_id, upgraded.loop.redis) for job_id in upgraded.loop.jobs()}
    return {job_id: job.func_name for job_id, job in jobs.items() if job is not None}


@pytest.mark.parametrize("name", PROJECTS)
def test_every_published_version_predicts_the_same(upgraded: Upgraded, name: str) -> None:
    answers, before = upgraded.predict(name)
    hypertext = KINDS[PROJECTS[name]] == "HyperText"
    assert_alike(answers, before, ONE_PLACE if hypertext else CLOSE)


def test_a_pinned_version_stays_and_predicts_the_same_while_others_are_trained(upgraded: Upgraded) -> None:
    project = upgraded.project("pinned")
    versions, shown = upgraded.loop.versions(project), predictions(project)
    kept = versions.names()
    assert (versions.published(), versions.pinned()) == ("atlas-000002", True)
    upgraded.label("pinned", 5)
    upgraded.work()
    assert versions.names() == [*kept, "atlas-000005"]
    assert versions.stats(versions.names()[-1])["trained_on"] == 25
    assert (versions.published(), versions.pinned()) == ("atlas-000002", True)
    assert project.settings["model_version"] == "atlas-000002"
    assert_alike(*upgraded.predict("pinned"))
    assert shown == predictions(project)[: len(shown)]  # topped up, nothing replaced


def test_the_published_version_serves_until_the_next_is_published(upgraded: Upgraded) -> None:
    project, before = upgraded.project("waiting"), upgraded.installation.read("answers.json")["waiting"]
    queue, meanwhile = upgraded.loop.queue(project), []

    def watch(request: Request) -> None:
        if (request.method, request.path) == ("POST", f"/api/projects/{project.id}/import/predictions"):
            meanwhile.append((upgraded.predict("waiting")[0], upgraded.loop.queue(project)))

    upgraded.loop.fake.before = watch
    upgraded.work()
    imported = [(answers, order) for answers, order in meanwhile if answers]
    assert imported
    for answers, order in imported:
        assert_alike(answers, before["results"])
        assert order[: len(queue)] == queue
    assert project.settings["model_version"] == "atlas-000003" == upgraded.loop.versions(project).published()
    assert upgraded.loop.queue(project)
    assert {each["model_version"] for each in upgraded.predict("waiting")[0]} == {"atlas-000003"}


def test_jobs_that_wait_run_under_the_names_they_had(upgraded: Upgraded) -> None:
    names = waiting_jobs(upgraded)
    retrains = {"waiting", "strategy", "tried again"}
    assert (
        names.items()
        >= {
            **{f"retrain-{PROJECTS[name]}": "backend.jobs.retrain.retrain" for name in retrains},
            "refill-1": "backend.jobs.refill.refill",
            "flush-6": "backend.jobs.housekeeping.flush",
            "clear-1": "backend.jobs.housekeeping.clear_old_versions",
            "reconcile": "backend.jobs.reconcile.reconcile",
        }.items()
    )
    before = {name: upgraded.project(name).settings["model_version"] for name in PROJECTS}

    upgraded.work()  # what is not due waits on
    assert {"retrain-3", "retrain-5"} <= upgraded.loop.jobs()
    upgraded.make_due(*names)
    upgraded.work()

    after = {name: upgraded.project(name).settings["model_version"] for name in PROJECTS}
    newer = {name for name in PROJECTS if after[name] > before[name]}
    assert newer == {*retrains, "few"}
    failed = FailedJobRegistry(queue=upgraded.dispatcher.queue).get_job_ids()
    assert failed == [f"retrain-{PROJECTS['set aside']}"]
    assert FailedJobRegistry(queue=upgraded.dispatcher.upkeep).get_job_ids() == []


def test_a_named_strategy_goes_on(upgraded: Upgraded) -> None:
    project = upgraded.project("strategy")
    versions = upgraded.loop.versions(project)
    assert upgraded.loop.state(project).strategy == "margin"
    upgraded.make_due("retrain-3")
    upgraded.work()
    assert versions.load(versions.names()[-1]).strategy == "margin"
    assert versions.stats(versions.names()[-1])["trained_on"] == 15


def test_what_is_set_aside_stays_so_until_somebody_insists(upgraded: Upgraded) -> None:
    project, redis = upgraded.project("set aside"), upgraded.loop.redis
    state, job_id = upgraded.loop.state(project), f"retrain-{project.id}"
    reason, version = state.aside, project.settings["model_version"]
    assert reason
    assert 500 < redis.ttl(f"atlas:project:{project.id}:aside") <= 600
    upgraded.work()  # among it, a look at all projects
    assert state.aside == reason
    told = job_status(redis, job_id)
    assert told is not None
    assert told["status"] == "failed"
    assert project.settings["model_version"] == version

    assert upgraded.web.post("/train", json={"project": project.id}).status_code == 201
    upgraded.work()
    assert state.aside is None
    assert project.settings["model_version"] > version


def test_a_project_in_order_keeps_its_order(upgraded: Upgraded) -> None:
    """By a look at all projects too: no retrain is made for the upgrade's sake."""
    project = upgraded.project("in order")
    before, queue = predictions(project), upgraded.loop.queue(project)
    upgraded.work()
    assert predictions(project) == before
    assert upgraded.loop.queue(project) == queue
    assert f"retrain-{project.id}" not in upgraded.loop.jobs()


class Words:
    """An encoder that is another one than lsa, and learns nothing."""

    dims = 64

    @classmethod
    def fit(cls, texts: Sequence[str], *, seed: int) -> Words:
        return cls()

    restore = classmethod(lambda cls, arrays: cls())

    def arrays(self) -> dict[str, Any]:
        return {}

    def encode(self, texts: Sequence[str]) -> Tensor:
        counts = torch.zeros(len(texts), self.dims)
        for row, text in zip(counts, texts, strict=True):
            for word in text.split():
                row[crc32(word.encode()) % self.dims] += 1
        return torch.nn.functional.normalize(counts, dim=1)


def test_a_project_on_lsa_keeps_its_order_until_its_new_vectors_are_complete(
    upgraded: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENCODERS, "words", Words)
    upgraded.loop.set(encoder="words", encode_within=0)
    project = upgraded.project("in order")
    versions, before, orders = upgraded.loop.versions(project), upgraded.loop.queue(project), []

    def watch(request: Request) -> None:
        if (request.method, request.path) == ("POST", f"/api/projects/{project.id}/import/predictions"):
            orders.append((project.settings["model_version"], upgraded.loop.queue(project)))

    upgraded.loop.fake.before = watch
    upgraded.dispatcher.insist_on_retrain(project.id)
    upgraded.work()
    made = versions.names()[-2:]
    kinds = {name: str(versions.encoder(name)).split("-")[0] for name in made}
    assert kinds == dict(zip(made, ["lsa", "words"], strict=True))
    assert set(versions.load(made[0]).queue_ids.tolist()) == set(versions.load(made[1]).queue_ids.tolist())
    assert [version for version, _ in orders] == ["atlas-000002", made[0]]
    head = int(SETTINGS["QUEUE_HEAD"])  # behind it stand those that were handed out
    by_lsa = versions.load(made[0]).queue_ids.tolist()  # by `auto` as it is now
    assert [order[:head] for _, order in orders] == [before[:head], by_lsa[:head]]
    assert project.settings["model_version"] == made[1]


def test_every_project_is_known_and_goes_on_learning(upgraded: Upgraded) -> None:
    assert known_projects(upgraded.loop.redis) == sorted(PROJECTS.values())
    before = {name: upgraded.project(name).settings["model_version"] for name in PROJECTS}
    for name in PROJECTS:
        if name != "set aside":
            upgraded.label(name, 10)
    upgraded.make_due("retrain-3", "retrain-5")
    upgraded.work()
    for name in set(PROJECTS) - {"set aside", "pinned"}:
        assert upgraded.project(name).settings["model_version"] > before[name], name
        assert upgraded.loop.queue(upgraded.project(name))
