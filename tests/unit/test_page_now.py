"""The part of a project's page that says what the loop does, what is wrong, and since when."""

from __future__ import annotations

import re

import pytest
from rq.job import JobStatus
from rq.registry import ScheduledJobRegistry

from backend.doctor.for_pages import examine_for_page
from backend.jobs import pinning
from backend.jobs.clock import due_in
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.failing import REASON
from backend.jobs.job import AtlasJob
from backend.jobs.kinds import SERVE
from backend.jobs.measures import Measures
from backend.jobs.serving import NEWEST, serve_as_wished
from backend.jobs.worker import AtlasWorker
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.page_visits import page_of, two_versions, visit


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return two_versions(loop)


def test_findings_and_failures_are_shown_with_the_one_thing_to_do(loop: Loop, project: FakeProject) -> None:
    client = visit(loop)
    page_of(client, project)
    assert f"examine-{project.id}" in loop.jobs()  # since nobody has looked
    examine_for_page(project.id)
    FailedJobs(loop.redis, project.id).note("retrain", "no space left for DATA_DIR")
    text = page_of(client, project)
    assert "none for retrains is running" in text
    assert 'class="dot good"></span>Idle' not in text
    version = loop.versions(project).names()[-1]
    said = f"Idle and up to date: all 30 labelled tasks are in {version}</p>"
    assert f'<p class="headline"><span class="dot "></span>{said}' in text
    problems = [each.split("</p>")[0] for each in text.split('<p class="problem">')[1:]]
    assert problems[0].startswith("<strong>No worker runs: <code>label-studio-atlas up</code>")
    assert problems[1].startswith("<strong>Retrains fail</strong>, for ")
    assert not any("No worker does what it should" in each for each in problems)  # is told already
    assert all(", since 20" in each for each in problems[1:])
    assert "No worker does what it should</strong>" in text
    assert "A retrain failed:</strong>" in text
    assert "Still so: none has ended well since." in text
    assert re.search(r"<time>0 seconds ago \(\d{4}-\d\d-\d\d", text)
    assert "<code>label-studio-atlas up</code>" in text
    assert "No space left for DATA_DIR." in text
    FailedJobs(loop.redis, project.id).worked("retrain")
    text = page_of(client, project)
    assert "Works again since 20" in text
    assert "Retrains fail" not in text
    assert "Still so" not in text


def _headline(loop: Loop, project: FakeProject) -> str:
    return page_of(visit(loop), project).split('<p class="headline">')[1].split("</p>")[0].split("</span>")[1]


def test_what_the_page_says_first_follows_what_the_loop_does(loop: Loop, project: FakeProject) -> None:
    old, new = loop.versions(project).names()[-2:]
    assert _headline(loop, project) == f"Idle and up to date: all 30 labelled tasks are in {new}"
    loop.label(project, list(project.tasks)[40])
    waiting = _headline(loop, project)
    assert waiting.startswith(
        f"Waiting: next retrain after {loop.settings.retrain_every - 1} more labels, or"
    )
    assert waiting.endswith("1 label is not learned from yet")
    loop.dispatcher.request_retrain(project.id)
    assert _headline(loop, project) == "A retrain is due, and no worker runs that could do it"
    job = AtlasJob.read(f"retrain-{project.id}", loop.redis)
    assert job is not None
    job.meta[REASON] = "away"
    job.save_meta()
    loop.dispatcher.queue.remove(job)
    due = due_in(loop.redis, 600)
    ScheduledJobRegistry(queue=loop.dispatcher.queue).schedule(job, due)
    job.set_status(JobStatus.SCHEDULED)
    assert _headline(loop, project) == "The last retrain failed and is tried again in 10 minutes"
    job.set_status(JobStatus.STARTED)
    job.started_at = due_in(loop.redis, -120)
    job.save()
    assert _headline(loop, project).startswith("Training, for 2 minutes; the last retrain took ")
    job.delete()
    loop.state(project).set_aside("broken", 3600)
    assert _headline(loop, project) == "Set aside after failed retrains, for 60 minutes more"
    loop.state(project).forgive()
    EncodingProgress(loop.redis, project.id).begun("use", 60, 40)
    assert _headline(loop, project).startswith("Encoding in the background")
    EncodingProgress(loop.redis, project.id).ended()
    loop.set(strategy="margin")
    loop.label(project, list(project.tasks)[41])
    loop.retrain(project)
    serve_as_wished_to(loop, project, old)
    assert "ordered by “auto”; version held" in page_of(visit(loop), project)
    assert _headline(loop, project).endswith(f"; {old}, which somebody keeps in service, orders the queue")
    loop.state(project).disconnected = True
    assert _headline(loop, project) == "Not connected: nothing is done for this project"


def serve_as_wished_to(loop: Loop, project: FakeProject, version: str) -> None:
    loop.state(project).wished_version = version
    serve_as_wished(project.id)


def test_the_list_of_projects_says_in_a_word_how_each_stands(loop: Loop, project: FakeProject) -> None:
    client = visit(loop)
    assert '<span class="tag">no order yet</span>' in client.get("/projects").text
    Measures(loop.redis).retrained(project.id, {**loop.retrain(project), "seconds": {}})
    assert '<span class="tag good">up to date</span>' in client.get("/projects").text
    loop.label(project, list(project.tasks)[40])
    assert '<span class="tag">1 new label</span>' in client.get("/projects").text
    loop.state(project).set_aside("broken", 60)
    assert '<span class="tag bad">set aside</span>' in client.get("/projects").text
    loop.state(project).disconnected = True
    assert '<span class="tag">not connected</span>' in client.get("/projects").text


def test_a_version_that_is_asked_for_while_another_is_brought_comes_after_it(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = loop.versions(project).names()[-2:]
    worker = AtlasWorker(["atlas-upkeep"], 60, loop.redis)

    def end() -> None:
        """As a worker does, once its job has ended."""
        job = AtlasJob.read(f"serve-{project.id}", loop.redis)
        assert job is not None
        job.delete()
        worker._look_again(SERVE, project.id, {})

    def pin_while_somebody_unpins(*given: object) -> str:
        loop.dispatcher.request_version(project.id, NEWEST)
        return pin(*given)  # type: ignore[arg-type]

    pin = pinning.pin
    loop.dispatcher.request_version(project.id, old)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(pinning, "pin", pin_while_somebody_unpins)
        assert serve_as_wished(project.id) == {"model_version": old, "pinned": True}
    end()
    assert f"serve-{project.id}" in loop.jobs()
    assert serve_as_wished(project.id) == {"model_version": new, "pinned": False}
    end()
    assert f"serve-{project.id}" not in loop.jobs()
