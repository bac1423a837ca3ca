"""A large project, labelled faster than it retrains: never once a random task."""

from __future__ import annotations

from backend.demo.data import load
from backend.demo.label_studio import LabelStudioServer
from backend.settings import Settings
from backend.store.locations import version_store
from tests.e2e.steps import Start, annotate, follow_queue, new_project, scores

TASKS, GIVEN = 10_000, 150


def test_the_queue_of_a_large_project_never_falls_back_to_random(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend = run_backend(
        QUEUE_HEAD="60", RETRAIN_PAUSE="5"
    )  # the default pause; a head that has to be renewed
    pool = load(None, seed=0).pool
    rows = [(f"{pool[i % len(pool)][0]} ({i})", pool[i % len(pool)][1]) for i in range(TASKS)]
    project = new_project(label_studio, "large", [text for text, _ in rows])
    label_of = dict(zip(project.task_ids, (label for _, label in rows), strict=True))
    project.connect(backend.url)
    versions = version_store(Settings(data_dir=backend.data_dir), project.id)
    after = project.wait_for_version_after("", backend.supervisor.check)
    done: set[int] = set()
    used: set[str] = set()
    compared = 0
    for i in range(GIVEN):
        before = after
        served = follow_queue(label_studio, project)
        after = project.model_version()
        (prediction,) = served["predictions"]  # a random task has none: only some 80 of 10,000 have one
        assert prediction["model_version"] in (before, after)
        if i % 30 == 0:
            left = {task: place for task, place in scores(project, before).items() if task not in done}
            if project.model_version() == before == after:
                assert prediction["score"] == min(left.values())
                ranked = versions.load(before).queue_ids.tolist()
                assert served["id"] == next(task for task in ranked if task not in done)
                compared += 1
        annotate(label_studio, served["id"], label_of[served["id"]])
        done.add(served["id"])
        used.add(prediction["model_version"])
    assert compared
    assert len(used) > 3
