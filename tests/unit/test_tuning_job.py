"""Adapting layers, as a job: after the retrain, behind everything else, whole or not at all."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.controls.config import parse_label_config
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.layers import layers
from backend.jobs import tuning
from backend.jobs.fine_tuning import fine_tune
from backend.jobs.kinds import QUEUE_NAME, TUNING_QUEUE, UPKEEP_QUEUE
from backend.jobs.status import job_status
from backend.jobs.tuning_material import sample
from backend.jobs.worker import AtlasWorker
from backend.predicting import Predictor
from backend.store.adapted_models import AdaptedModels
from backend.store.locations import adapted_models
from tests.fakes.adaptable_encoder import install
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject

LABELED = 60


@pytest.fixture
def project(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    install(monkeypatch)
    loop.set(encoder="adaptable", fine_tune="last", queue_head=40)
    return loop.create(120, labeled=LABELED)


def models(loop: Loop, project: FakeProject) -> AdaptedModels:
    return adapted_models(loop.settings, project.id)


def stats(loop: Loop, project: FakeProject) -> dict[str, Any]:
    return loop.versions(project).stats(loop.versions(project).published() or "")


def right(loop: Loop, project: FakeProject) -> float:
    """Of the guesses at the head of the queue, by a fresh web process and in Label Studio: the worse."""
    tasks = {task: project.tasks[task]["data"]["text"] for task in loop.queue(project)}
    current = project.settings["model_version"]
    shown = {
        each["task"]: each["result"][0]["value"]["choices"][0]
        for each in project.predictions
        if each["model_version"] == current and each["result"]
    }
    asked = [{"id": task, "data": {"text": text}} for task, text in tasks.items()]
    scheme = parse_label_config(project.settings["label_config"])
    answers = Predictor(loop.settings).predict(project.id, scheme, asked)
    said = {task: each["result"][0]["value"]["choices"][0] for task, each in zip(tasks, answers, strict=True)}
    likely = {
        task: next(iter(each["probabilities"]["label"])) for task, each in zip(tasks, answers, strict=True)
    }
    assert said == likely
    return min(
        sum(found[task] == label_of(text) for task, text in tasks.items()) / len(tasks)
        for found in (shown, said)
    )


def test_nothing_is_asked_for_unless_it_is_set_and_worth_it(loop: Loop, project: FakeProject) -> None:
    loop.set(fine_tune="auto")
    loop.retrain(project)
    assert f"finetune-{project.id}" not in loop.jobs()
    assert fine_tune(project.id)["said"] == "FINE_TUNE=auto, encoder adaptable: no layers to adapt"
    few = loop.create(60, labeled=20)
    loop.set(fine_tune="last")
    loop.retrain(few)
    assert f"finetune-{few.id}" not in loop.jobs()
    loop.retrain(project)
    assert f"finetune-{project.id}" in loop.jobs()


def test_what_held_out_items_call_better_guesses_from_the_next_version_on(
    loop: Loop, project: FakeProject
) -> None:
    loop.retrain(project)
    order, first = loop.queue(project), loop.versions(project).published()
    assert right(loop, project) < 0.8
    told = fine_tune(project.id)
    assert told["adapted"] > told["frozen"] + told["error"]
    assert told["labels"] == LABELED
    assert "guesses come from them" in told["said"]
    assert right(loop, project) < 0.8  # a version says the same as ever
    assert f"retrain-{project.id}" in loop.jobs()
    loop.retrain(project)
    assert loop.versions(project).published() != first
    assert loop.queue(project) == order  # which is the frozen vectors'
    assert right(loop, project) > 0.9
    assert stats(loop, project)["adapted"]["digest"] == told["digest"]


def test_doctor_says_what_was_adapted_and_how_much_better_it_is(loop: Loop, project: FakeProject) -> None:
    def found() -> str:
        with Bench() as bench:
            return layers(ProjectBench(bench, project.id)).found

    loop.retrain(project)
    assert found() == "being adapted"
    loop.dispatcher.tuning.empty()
    assert found() == "not yet: from 30 labels on"
    said = fine_tune(project.id)["said"]
    assert re.fullmatch(
        r"the encoder's last layers adapted: right on held-out items \d+\.\d%, before \d+\.\d% "
        r"\(\+\d+\.\d ± \d+\.\d points\); 60 labels, \d+\.\d minutes; guesses come from them",
        said,
    )
    assert found() == f"{said}, once a version is published that has them"
    loop.retrain(project)
    assert found() == said
    loop.set(fine_tune="auto")
    assert found() == "those on top of the encoder, which stays as it is (FINE_TUNE=auto)"


def test_more_labels_keep_what_was_adapted_until_they_are_half_as_many_again(
    loop: Loop, project: FakeProject
) -> None:
    loop.retrain(project)
    digest = fine_tune(project.id)["digest"]
    loop.dispatcher.tuning.empty()
    waiting = [task for task in project.tasks if not project.tasks[task]["is_labeled"]]
    for task in waiting[: LABELED // 2 - 1]:
        loop.label(project, task)
    loop.retrain(project)
    assert stats(loop, project)["adapted"]["digest"] == digest
    assert f"finetune-{project.id}" not in loop.jobs()
    loop.label(project, waiting[LABELED // 2])
    loop.retrain(project)
    assert f"finetune-{project.id}" in loop.jobs()
    loop.set(fine_tune="heads")
    loop.retrain(project)
    assert "adapted" not in stats(loop, project)


def test_where_nothing_is_gained_it_says_so_and_is_not_tried_at_once_again(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.learning.adapted_or_not.MARGIN", 1e9)
    loop.retrain(project)
    loop.dispatcher.tuning.empty()
    told = fine_tune(project.id)
    assert told["digest"] is None
    assert "to no avail" in told["said"]
    assert f"retrain-{project.id}" not in loop.jobs()
    loop.retrain(project)
    assert f"finetune-{project.id}" not in loop.jobs()
    assert "adapted" not in stats(loop, project)


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_without_its_adapted_weights_a_version_guesses_by_its_own(
    loop: Loop, project: FakeProject, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    loop.retrain(project)
    digest = fine_tune(project.id)["digest"]
    loop.retrain(project)
    assert right(loop, project) > 0.9
    (file,) = (loop.settings.data_dir / "projects" / str(project.id) / "adapted").glob("*.safetensors")
    file.unlink() if harm == "gone" else file.write_bytes(file.read_bytes()[:-1] + b"\0")
    assert right(loop, project) < 0.8
    assert f"adapted model {digest[:8]} cannot be read" in caplog.text
    loop.retrain(project)
    assert "adapted" not in stats(loop, project)
    assert f"finetune-{project.id}" in loop.jobs()  # it is made again


def test_what_no_kept_version_answers_by_is_deleted(loop: Loop, project: FakeProject) -> None:
    loop.set(keep_versions=2)
    loop.retrain(project)
    fine_tune(project.id)
    loop.retrain(project)
    models(loop, project).forget_attempt()
    folder = loop.settings.data_dir / "projects" / str(project.id) / "adapted"
    loop.retrain(project)
    assert list(folder.glob("*.safetensors"))
    loop.retrain(project)
    loop.retrain(project)
    assert not list(folder.glob("*.safetensors"))


def test_a_pinned_version_predicts_the_same(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    pinned = loop.versions(project).published()
    assert pinned is not None
    loop.versions(project).set_published(pinned, pinned=True)
    before = right(loop, project)
    fine_tune(project.id)
    loop.retrain(project)
    assert loop.versions(project).published() == pinned
    assert right(loop, project) == before


class Forking(AtlasWorker):
    """A real worker, with a process for each job, in this process; ends when nothing waits."""

    def __init__(self, redis: Redis, queues: list[str]):
        super().__init__(queues, 60, redis)

    def run(self) -> None:
        self.work(burst=True, logging_level="WARNING")

    def _install_signal_handlers(self) -> None:
        """Those of the tests stay."""


MOMENTS = ("training", "saving", "before it is named")


def killed_fine_tuning(
    loop: Loop, project: FakeProject, within: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The waiting job is done, and killed at one of MOMENTS."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as deadly:
        if within == "training":
            deadly.setattr("backend.jobs.tuning.fine_tune", die)
        elif within == "saving":
            deadly.setattr("os.replace", die)
        else:
            deadly.setattr(AdaptedModels, "note", die)
        Forking(loop.redis, [TUNING_QUEUE]).run()
    assert "killed by signal 9" in (job_status(loop.redis, f"finetune-{project.id}") or {})["error"]


@pytest.mark.parametrize("within", MOMENTS)
def test_a_killed_fine_tuning_leaves_nothing_half_and_the_published_version_serves(
    loop: Loop, project: FakeProject, within: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.retrain(project)
    served, before = loop.versions(project).published(), right(loop, project)
    killed_fine_tuning(loop, project, within, monkeypatch)
    assert models(loop, project).attempt() is None
    loop.retrain(project)
    assert "adapted" not in stats(loop, project)
    assert loop.versions(project).published() != served
    assert right(loop, project) == before
    folder = loop.settings.data_dir / "projects" / str(project.id) / "adapted"
    assert not list(folder.glob("*.safetensors"))  # a retrain has swept what nothing names
    Forking(loop.redis, [TUNING_QUEUE]).run()
    told = job_status(loop.redis, f"finetune-{project.id}") or {}
    assert "guesses come from them" in told["result"]["said"]
    loop.retrain(project)
    assert right(loop, project) > 0.9


def test_a_retrain_that_waits_ends_it_and_it_is_begun_anew_behind(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker for everything. The annotation comes in the midst of the training."""
    monkeypatch.setattr("backend.jobs.stepping_aside.LOOK_EVERY", 0)
    loop.retrain(project)
    flag = loop.settings.data_dir / "annotated"
    compare = tuning.compare

    def annotated(*arguments: Any, **more: Any) -> Any:
        if not flag.exists():
            flag.touch()
            loop.dispatcher.demand_retrain(project.id)
        return compare(*arguments, **more)

    monkeypatch.setattr(tuning, "compare", annotated)
    loop.set(retrain_pause=0)
    first = loop.versions(project).published()
    Forking(loop.redis, [UPKEEP_QUEUE, QUEUE_NAME, TUNING_QUEUE]).run()
    job = Job.fetch(f"finetune-{project.id}", loop.redis, serializer=JSONSerializer)
    assert loop.versions(project).published() != first
    assert "guesses come from them" in job.return_value()["said"]  # the second one, behind the retrain
    assert right(loop, project) > 0.9


def test_of_more_than_memory_holds_a_sample_is_learned_from() -> None:
    assert sample([5, 5, 5], 100, 0).tolist() == [0, 1, 2]
    some = sample([5] * 100, 50, 0)
    assert len(some) == 10
    assert some.tolist() == sorted(some.tolist())
    assert some.tolist() == sample([5] * 100, 50, 0).tolist()
