"""Why a task is where it is in the queue: the same in /predict as what is kept of a published head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.controls.config import parse_label_config
from backend.predicting import Predictor
from backend.sampling import alike
from backend.store.locations import project_files
from backend.store.queue_origin import QueueOrigin
from backend.store.reason import NAMES, Reason
from backend.store.served import ServedHeads, as_rows, rows_from
from backend.store.versions import VersionStore
from backend.why import reasons_of
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.scenes import cluster
from tests.unit.test_store import version


@pytest.fixture(autouse=True)
def small(loop: Loop, tmp_path: Path) -> None:
    loop.set(data_dir=tmp_path / "data", queue_head=10, encoder="lsa", strategy="margin")


def told(loop: Loop, project: FakeProject, tasks: list[dict[str, Any]]) -> list[Reason]:
    scheme = parse_label_config(project.settings["label_config"])
    answers = Predictor(loop.settings).predict(project.id, scheme, tasks)
    return [Reason.from_json(each["why"]) for each in answers]


def test_predict_tells_of_the_head_what_is_kept_of_it(loop: Loop) -> None:
    project = loop.create(60, labeled=12)
    done = loop.retrain(project)
    kept = ServedHeads(project_files(loop.settings, project.id)).read(done["model_version"])
    assert kept is not None
    assert list(kept) == loop.queue(project)
    assert [why.place for why in kept.values()] == list(range(1, 11))
    assert {why.of for why in kept.values()} == {48}
    for now, then in zip(told(loop, project, [project.tasks[i] for i in kept]), kept.values(), strict=True):
        assert now.doubt == pytest.approx(then.doubt, abs=0.01)  # vectors are kept with half the digits
        assert now.p_wrong == pytest.approx(then.p_wrong, abs=0.01)
        assert replace(now, doubt=then.doubt, p_wrong=then.p_wrong) == then
    doubts = [why.doubt for why in kept.values() if why.doubt is not None]
    assert doubts == sorted(doubts, reverse=True)  # that is what margin goes by
    assert len(doubts) == 10


def test_what_came_later_and_copies_are_told_apart(loop: Loop) -> None:
    project = loop.create(60, labeled=12)
    loop.retrain(project)
    known = project.tasks[loop.queue(project)[0]]["data"]
    new = {"id": 9001, "data": {"text": "storm tea quite new"}}
    late, copy = told(loop, project, [new, {"id": 9002, "data": known}])
    assert (late.how, late.strategy, late.round) == ("late", "margin", None)
    assert (copy.how, copy.strategy) == ("copy", "none")
    assert (copy.place or 0) > 48  # behind all else


@pytest.mark.parametrize("strategy", ["margin", "atlas", "transfer_representative"])
def test_a_domain_head_tells_of_what_nobody_has_labelled_whatever_the_strategy(
    loop: Loop, strategy: str
) -> None:
    loop.set(strategy=strategy, queue_head=60)
    likes = [f"storm flood {i} {i + 1}" for i in range(40)] + [f"banana bread {i} {i + 1}" for i in range(20)]
    project = loop.fake.create(likes)
    tasks = list(project.tasks)
    for i, task in enumerate(tasks[:24]):
        loop.fake.annotate(project.id, task, [choice("disaster" if i % 2 else "other")])
    loop.retrain(project)
    by = {
        i: why.p_application
        for i, why in zip(tasks, told(loop, project, list(project.tasks.values())), strict=True)
    }
    known, unlike = ([by[task] or 0.0 for task in some] for some in (tasks[24:40], tasks[40:]))
    assert min(unlike) > max(known)


def test_a_domain_head_tells_how_likely_a_task_is_of_what_is_unlabelled(loop: Loop) -> None:
    loop.set(strategy="transfer_representative")
    project = loop.create(60, labeled=12)
    loop.retrain(project)
    whys = told(loop, project, [project.tasks[task] for task in loop.queue(project)])
    likely = [why.p_application for why in whys if why.p_application is not None]
    assert len(likely) == 10
    assert likely == sorted(likely, reverse=True)


def test_without_a_model_the_place_and_the_cluster_are_told(loop: Loop) -> None:
    project = loop.create(60)
    loop.retrain(project)
    (first,) = told(loop, project, [project.tasks[loop.queue(project)[0]]])
    assert (first.how, first.strategy, first.place, first.chance) == ("picked", "cold_start", 1, 1)
    assert (first.p_wrong, first.doubt) == (None, None)
    assert first.cluster is not None


def test_tasks_that_are_not_encoded_yet_have_a_place_alone(loop: Loop) -> None:
    origin = QueueOrigin(ranked=3, copies=1, by=("margin",))
    many = replace(version(1), queue_ids=torch.arange(6), origin=origin)
    hows = [why.how for why in reasons_of(many, [(place + 0.5) / 6 for place in range(6)])]
    assert hows == ["behind"] * 3 + ["copy", "unread", "unread"]


def test_the_origin_of_a_queue_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    origin = QueueOrigin(
        *(2, 0, ("auto", "random")),
        *(torch.tensor([0, 1]), torch.tensor([1, 2]), torch.tensor([1.0, torch.nan], dtype=torch.float64)),
        controls=("mood", "topic"),
        in_turn_of=torch.tensor([1, 0]),
        centers=torch.randn(3, 4),
    )
    store = VersionStore(tmp_path)
    store.save(replace(version(1), origin=origin))
    loaded = store.load(version(1).name)
    assert loaded.origin.described() == origin.described()
    for name, tensor in origin.tensors().items():
        assert torch.equal(loaded.origin.tensors()[name].nan_to_num(9), tensor.nan_to_num(9)), name
    first, second = reasons_of(loaded, [0.25, 0.75])
    assert (first.strategy, first.round, first.chance) == ("auto", 1, 1)
    assert (second.strategy, second.round, second.chance) == ("random", 2, None)
    assert (first.control, second.control) == ("topic", "mood")


def test_of_a_version_of_before_nothing_is_made_up() -> None:
    (why,) = reasons_of(version(1), [0.25])
    assert (why.how, why.strategy, why.place, why.of) == ("unknown", "margin", 1, 2)


def test_clusters_are_numbered_from_the_largest() -> None:
    groups = [cluster(n, *axes, seed=n) for n, axes in ((60, (1.0,)), (30, (0, 1.0)), (10, (0, 0, 1.0)))]
    centers = alike.centers(torch.cat(groups), 3, seed=0)
    assert [alike.nearest(group, centers).mode().values.item() for group in groups] == [0, 1, 2]
    assert alike.centers(groups[0][:0], 3, seed=0).shape[0] == 0


def test_rows_of_a_later_release_are_read_as_far_as_they_are_known() -> None:
    rows = as_rows({7: Reason("picked", "margin", place=3)})
    rows["columns"] += ["of another kind"]
    rows["rows"][0] += ["?"]
    assert rows_from(rows) == {7: Reason("picked", "margin", place=3)}
    assert len(set(NAMES)) == len(NAMES)
