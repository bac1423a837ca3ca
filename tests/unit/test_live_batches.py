"""What a project labels of one published head is a batch of its strategy."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from backend import sampling
from backend.sampling import rank_scene, select
from backend.sampling.scene import Scene
from backend.store.locations import project_files
from backend.store.served import ServedHeads
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject


@pytest.fixture(autouse=True)
def small(loop: Loop, tmp_path: Path) -> None:
    loop.set(data_dir=tmp_path / "data", encoder="lsa", torch_threads=1)


def hard(loop: Loop) -> FakeProject:
    """160 tasks, 60 of them labelled, three in ten of those wrongly: there are errors to learn from."""
    project = loop.create(160)
    chance = random.Random(1)
    for task in list(project.tasks)[:60]:
        right = label_of(project.tasks[task]["data"]["text"])
        wrong = "other" if right == "disaster" else "disaster"
        loop.label(project, task, wrong if chance.random() < 0.3 else right)
    loop.fake.spread(project.id)
    return project


def test_five_labels_within_one_version_of_atlas_come_from_several_rounds(loop: Loop) -> None:
    project = hard(loop)
    loop.set(strategy="atlas")
    done = loop.retrain(project)
    kept = ServedHeads(project_files(loop.settings, project.id)).read(done["model_version"])
    assert kept is not None
    served = loop.queue(project)[:5]
    assert {kept[task].strategy for task in served} == {"atlas"}
    assert len({kept[task].round for task in served}) >= 2

    loop.set(strategy="transfer_uncertainty")
    loop.dispatcher.changed(project.id, 1)
    loop.retrain(project)
    assert loop.queue(project)[0] == served[0]
    assert loop.queue(project)[4] != served[4]


@pytest.mark.parametrize(("retrain_every", "batch"), [(5, 5), (1, 5), (12, 12), (400, 50)])
def test_the_head_begins_with_the_strategys_batch_of_what_is_labelled_between_two_versions(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, retrain_every: int, batch: int
) -> None:
    seen: list[tuple[Scene, list[int]]] = []

    def watched(strategy: str, scene: Scene, head: int) -> object:
        ranking = rank_scene(strategy, scene, head)
        seen.append((scene, ranking.order.tolist()))
        return ranking

    monkeypatch.setattr(sampling, "rank_scene", watched)
    loop.set(strategy="clusters", retrain_every=retrain_every)
    loop.retrain(hard(loop))
    ((scene, order),) = seen
    assert scene.batch == batch
    alone = (scene.pool, scene.labeled, scene.targets, batch)
    picks = select("clusters", *alone, seed=scene.seed, trained=scene.trained)
    assert order[:batch] == picks.tolist()
    assert len(torch.tensor(order).unique()) == scene.size
