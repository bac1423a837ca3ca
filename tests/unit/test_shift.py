"""A new kind of data is told at the next retrain, and what a strategy chose to label is not taken for one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import backend.doctor.examine  # noqa: F401  all checks, in their order
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.finding import Finding, State
from backend.doctor.shift import data
from backend.jobs.measures import Measures
from backend.jobs.shifting import in_words, is_new_kind
from backend.sampling import make_scene
from backend.sampling.shift import Shift, shift_of, shift_of_new
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.scenes import cluster, new_domain

FOREIGN = ["goal", "league", "coach", "referee", "striker", "penalty", "keeper", "stadium"]


def foreign(count: int, first: int) -> list[str]:
    kinds = (f"{FOREIGN[i % 8]} {FOREIGN[i // 8 % 8]} {FOREIGN[(3 * i + 1) % 8]}" for i in range(count))
    return [f"{words} number {first + i}" for i, words in enumerate(kinds)]


def seen_by_doctor(project: FakeProject) -> Finding:
    with Bench() as bench:
        return data(ProjectBench(bench, project.id))


def measured(loop: Loop, project: FakeProject, done: dict[str, Any]) -> dict[str, float]:
    """As a worker notes it."""
    measures = Measures(loop.redis)
    measures.retrained(project.id, done)
    return measures.of(project.id)


def test_a_planted_kind_is_told_at_the_next_retrain_and_until_it_is_labelled(loop: Loop) -> None:
    project = loop.create(120, labeled=40)
    first = loop.retrain(project)
    assert first["new_kind"] is None
    assert seen_by_doctor(project).state is State.OK
    before = set(project.tasks)
    loop.fake.add_tasks(project.id, foreign(40, 120))
    new = [task for task in project.tasks if task not in before]

    done = loop.retrain(project)

    assert done["new_kind"]["tasks"] == 40
    assert in_words(done["new_kind"]) in done["notes"]
    assert done["domain_auc"] > first["domain_auc"] + 0.1
    assert done["domain_unlike"] > 0.2
    found = seen_by_doctor(project)
    assert (found.state, found.found) == (State.NOTE, in_words(done["new_kind"]))
    assert measured(loop, project, done)["new_kind"] == 1
    assert measured(loop, project, done)["unlike"] == done["domain_unlike"]
    for task in new[:19]:
        loop.label(project, task, "other")
    assert loop.retrain(project)["new_kind"] is not None
    loop.label(project, new[19], "other")
    done = loop.retrain(project)
    assert done["new_kind"] is None
    assert measured(loop, project, done)["new_kind"] == 0


def test_more_of_the_same_is_no_new_kind(loop: Loop) -> None:
    project = loop.create(120, labeled=40)
    loop.retrain(project)
    more = [task["data"]["text"] + " again" for task in list(project.tasks.values())[60:100]]
    loop.fake.add_tasks(project.id, more)
    assert loop.retrain(project)["new_kind"] is None


def test_what_comes_in_drops_is_compared_once_there_is_enough_of_it(loop: Loop) -> None:
    project = loop.create(120, labeled=40)
    loop.retrain(project)
    for some in range(3):
        loop.fake.add_tasks(project.id, foreign(10, 120 + 10 * some))
        done = loop.retrain(project)
        assert (done["new_kind"] is not None) == (some >= 1)


def test_the_share_unlike_anything_labelled_is_about_what_was_planted() -> None:
    scene, new = new_domain()
    found = shift_of(scene)
    assert found is not None
    assert found.unlike == pytest.approx(float(new.float().mean()), abs=0.1)


def test_one_domain_shows_no_shift() -> None:
    pool = torch.cat([cluster(200, 1.0, seed=3), cluster(200, -1.0, seed=4)])
    labeled = torch.cat([cluster(40, 1.0, seed=1), cluster(40, -1.0, seed=2)])
    scene = make_scene(pool, labeled, (torch.arange(80) < 40).long())
    found = shift_of(scene)
    assert found is not None
    assert abs(found.auc - 0.5) < 3 * found.error
    assert found.unlike < 0.1


def test_labels_of_the_hard_region_alone_are_no_new_kind() -> None:
    """What a strategy chose differs from what waits; what came lately does not differ from what was there."""
    pool = torch.cat([cluster(200, 1.0, seed=3), cluster(200, -1.0, seed=4)])
    labeled = cluster(60, 0.1, 1.0, spread=0.3, seed=1)
    scene = make_scene(pool, labeled, (labeled[:, 0] > 0).long())
    chosen, came = shift_of(scene), shift_of_new(scene, torch.arange(400) % 2 == 0)
    assert chosen is not None
    assert came is not None
    assert chosen.auc > 0.8
    assert not is_new_kind(came)


def test_too_few_tell_nothing() -> None:
    scene, _ = new_domain()
    few = make_scene(scene.pool, scene.labeled[20:39], scene.targets[20:39])
    assert shift_of(few) is None
    assert shift_of_new(scene, torch.arange(scene.size) < 19) is None
    assert shift_of(make_scene(scene.pool, scene.labeled[:0], scene.targets[:0])) is None


def test_a_small_difference_that_is_sure_is_no_new_kind() -> None:
    assert is_new_kind(Shift(0.9, 0.03, 0.6))
    assert not is_new_kind(Shift(0.65, 0.01, 0.6))
    assert not is_new_kind(Shift(0.9, 0.15, 0.6))
    assert not is_new_kind(Shift(0.9, 0.03, 0.1))
