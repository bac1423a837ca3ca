"""RANK_ON=adapted: the order is of adapted vectors where these are kept; else, and behind, of frozen ones."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.cli import main
from backend.controls.config import parse_label_config
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.layers import layers
from backend.jobs import tuning_views
from backend.jobs.fine_tuning import fine_tune
from backend.jobs.kinds import TUNING_QUEUE
from backend.jobs.ranking_on_adapted import _before_others, folds_by_group
from backend.jobs.tuning_due import are_views_wanted
from backend.sampling import Ranking
from backend.store.adapted_models import AdaptedModels
from backend.store.adapted_views import AdaptedViews, KeptViews
from tests.fakes.adaptable_encoder import install
from tests.fakes.loop import Loop, label_of, texts
from tests.fakes.project import FakeProject
from tests.unit.test_tuning_job import Forking, models, stats

LABELED, UNSURE = 60, 12
SPANS = (
    '<View><Text name="t" value="$text"/><Labels name="label" toName="t">'
    '<Label value="PER"/><Label value="ORG"/></Labels></View>'
)


@pytest.fixture
def project(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    """Of texts that an adapted encoder tells apart, and the last few of both kinds at once."""
    install(monkeypatch)
    loop.set(encoder="adaptable", fine_tune="last", queue_head=20, strategy="margin", audit_share=0)
    loop.set(rank_on="adapted")
    both = [f"storm tea number {i}" for i in range(200, 200 + UNSURE)]
    made = loop.fake.create([{"text": text} for text in (*texts(140), *both)])
    for task in list(made.tasks)[:LABELED]:
        loop.label(made, task)
    loop.fake.spread(made.id)
    return made


def order(loop: Loop, project: FakeProject) -> list[int]:
    """All of the published version's."""
    found: list[int] = (
        loop.versions(project).load(loop.versions(project).published() or "").queue_ids.tolist()
    )
    return found


def unsure(project: FakeProject, tasks: list[int]) -> int:
    return sum("storm tea" in project.tasks[task]["data"]["text"] for task in tasks)


def folder(loop: Loop, project: FakeProject) -> Path:
    return loop.settings.data_dir / "projects" / str(project.id) / "adapted"


def test_what_adapted_layers_doubt_comes_first_once_they_are_adapted(
    loop: Loop, project: FakeProject
) -> None:
    loop.retrain(project)
    before = order(loop, project)
    assert unsure(project, before[:UNSURE]) < UNSURE / 2
    told = fine_tune(project.id)
    assert told["viewed"] == 140 + UNSURE
    loop.retrain(project)
    after = order(loop, project)
    assert sorted(after) == sorted(before)
    assert unsure(project, after[:UNSURE]) > 0.75 * UNSURE
    assert loop.queue(project)[:20] == after[:20]
    assert stats(loop, project)["ranked_on"] == {"vectors": "adapted", "tasks": len(after), "labels": LABELED}


def test_frozen_is_the_default(loop: Loop, project: FakeProject) -> None:
    loop.environment.delenv("RANK_ON")
    loop.retrain(project)
    before = order(loop, project)
    assert "viewed" not in fine_tune(project.id)
    loop.retrain(project)
    assert order(loop, project) == before
    assert "ranked_on" not in stats(loop, project)
    assert not list(folder(loop, project).glob("*.views.*"))


def test_others_than_the_candidates_stay_behind_as_they_stood(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_views, "SAMPLE", 5)
    loop.retrain(project)
    before = order(loop, project)
    assert fine_tune(project.id)["viewed"] == LABELED + 20 + 5
    loop.retrain(project)
    after = order(loop, project)
    assert set(before[:20]) < set(after[:25])
    assert after[:20] != before[:20]
    assert after[25:] == [task for task in before if task not in after[:25]]
    assert loop.versions(project).load(loop.versions(project).published() or "").queue_worth.diff().max() <= 0


def test_where_time_is_up_the_labelled_and_the_first_candidates_are_seen(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_views, "SECONDS", 0.0)
    loop.retrain(project)
    assert fine_tune(project.id)["viewed"] == LABELED
    before = order(loop, project)
    loop.retrain(project)
    assert order(loop, project) == before
    assert "ranked_on" not in stats(loop, project)


def test_labels_that_came_since_count_in_the_next_order(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    fine_tune(project.id)
    loop.retrain(project)
    served = loop.queue(project)[:4]
    for task in served:
        loop.label(project, task, label_of(project.tasks[task]["data"]["text"]))
    loop.retrain(project)
    assert stats(loop, project)["ranked_on"]["labels"] == LABELED + 4
    assert not set(served) & set(order(loop, project))


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_without_what_was_seen_the_order_is_of_frozen_vectors(
    loop: Loop, project: FakeProject, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    loop.retrain(project)
    before = order(loop, project)
    fine_tune(project.id)
    (file,) = folder(loop, project).glob("*.views.safetensors")
    file.unlink() if harm == "gone" else file.write_bytes(file.read_bytes()[:-1] + b"\x7f")
    loop.dispatcher.tuning.empty()
    loop.retrain(project)
    assert order(loop, project) == before
    assert "the order is of frozen vectors until it is made again" in caplog.text
    assert "adapted" in stats(loop, project)  # it guesses by them all the same
    assert f"finetune-{project.id}" in loop.jobs()  # and makes again what was lost
    fine_tune(project.id)
    loop.retrain(project)
    assert stats(loop, project)["ranked_on"]["vectors"] == "adapted"


def test_what_cannot_be_read_for_the_moment_is_not_made_again(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> KeptViews:
        raise PermissionError("the disk is busy")

    loop.retrain(project)
    before = order(loop, project)
    fine_tune(project.id)
    with monkeypatch.context() as busy:
        busy.setattr(AdaptedViews, "read", fail)
        loop.dispatcher.tuning.empty()
        loop.retrain(project)
    assert order(loop, project) == before
    assert f"finetune-{project.id}" not in loop.jobs()
    loop.dispatcher.demand_retrain(project.id)
    loop.retrain(project)
    assert stats(loop, project)["ranked_on"]["vectors"] == "adapted"


@pytest.mark.parametrize("moment", ["model", "views"])
def test_a_retrain_that_clears_up_meanwhile_takes_nothing_away(
    loop: Loop, project: FakeProject, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the saving of what was adapted and the moment when it is named."""
    kind: type[AdaptedModels] | type[AdaptedViews] = AdaptedModels if moment == "model" else AdaptedViews
    cleared: list[str] = []
    save: Any = kind.save

    def save_then_clear(self: Any, *what: Any) -> Any:
        found = save(self, *what)
        if not cleared:
            models(loop, project).forget_all_but([])
            cleared.append(moment)
        return found

    loop.retrain(project)
    monkeypatch.setattr(kind, "save", save_then_clear)
    fine_tune(project.id)
    assert cleared == [moment]
    loop.retrain(project)
    assert stats(loop, project)["ranked_on"]["vectors"] == "adapted"
    assert "adapted" in stats(loop, project)


def test_another_setting_asks_for_another_order_at_once(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    assert "rank_on" in stats(loop, project)["settings"]
    before = loop.versions(project).published()
    loop.set(rank_on="frozen")
    loop.retrain(project)
    assert loop.versions(project).published() != before
    assert "rank_on" not in stats(loop, project)["settings"]


@pytest.mark.parametrize("within", ["seeing", "saving"])
def test_killed_it_leaves_nothing_half(
    loop: Loop, project: FakeProject, within: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    loop.retrain(project)
    before = order(loop, project)
    with monkeypatch.context() as deadly:
        if within == "seeing":
            deadly.setattr(tuning_views.ViewsMaker, "__call__", die)
        else:
            deadly.setattr(AdaptedViews, "save", die)
        Forking(loop.redis, [TUNING_QUEUE]).run()
    assert models(loop, project).attempt() is None
    loop.retrain(project)
    assert order(loop, project) == before
    assert not list(folder(loop, project).glob("*.safetensors"))
    assert f"finetune-{project.id}" in loop.jobs()


def test_set_later_it_is_not_left_for_more_labels(loop: Loop, project: FakeProject) -> None:
    loop.set(rank_on="frozen")
    loop.retrain(project)
    loop.dispatcher.tuning.empty()
    fine_tune(project.id)
    loop.retrain(project)
    assert f"finetune-{project.id}" not in loop.jobs()
    loop.set(rank_on="adapted")
    loop.dispatcher.demand_retrain(project.id)
    loop.retrain(project)
    assert f"finetune-{project.id}" in loop.jobs()


def test_doctor_and_versions_say_which_vectors_ranked(loop: Loop, project: FakeProject) -> None:
    def found() -> str:
        with Bench() as bench:
            return layers(ProjectBench(bench, project.id)).found

    loop.retrain(project)
    loop.dispatcher.tuning.empty()
    fine_tune(project.id)
    loop.retrain(project)
    seen = f"the first {80 + UNSURE} tasks are in an order of adapted vectors, the others of frozen ones"
    assert found().endswith(f"guesses come from them; {seen}")
    listed = CliRunner().invoke(main, ["versions", "--project", str(project.id)])
    assert f"atlas-000002: {seen}." in listed.output
    loop.set(rank_on="frozen")
    loop.dispatcher.demand_retrain(project.id)
    loop.retrain(project)
    assert found().endswith("guesses come from them")
    loop.set(rank_on="adapted")
    assert found().endswith("; the order is of frozen vectors")


def test_answers_about_parts_stay_on_frozen_vectors(loop: Loop) -> None:
    loop.set(rank_on="adapted")
    assert not are_views_wanted(loop.settings, parse_label_config(SPANS).main)


def test_what_was_labelled_since_is_of_the_fold_of_its_copies() -> None:
    known, together = torch.tensor([1, -1, 2, -1, -1]), torch.tensor([7, 7, 8, 9, 9])
    found = folds_by_group(known, together, 3).tolist()
    assert found[:3] == [1, 1, 2]
    assert found[3] == found[4]
    assert 0 <= found[3] < 3


@pytest.mark.parametrize(("seen", "head"), [([7, 1, 4], 5), ([7, 1, 4, 2, 9, 0], 5), ([3], 0)])
def test_of_each_that_is_picked_it_is_told_what_chose_it(seen: list[int], head: int) -> None:
    """Also where fewer are seen than the head has places; whoever shares the head counts on as many."""
    names = tuple(f"frozen {i}" for i in range(head))
    chance = torch.full((10,), 0.25).double()
    frozen = Ranking(torch.arange(10), None, None, [], names, torch.arange(head), chance[:head])
    some, every = min(len(seen), head), torch.arange(len(seen))
    on_seen = Ranking(every, None, None, [], ("adapted",) * some, every[:some], chance[:some])
    found = _before_others(on_seen, torch.tensor(seen), frozen)
    assert found.order.tolist() == [*seen, *(i for i in range(10) if i not in seen)]
    assert len(found.by) == len(found.rounds) == len(found.chance) == head
    for place, by in enumerate(found.by):
        assert by == ("adapted" if place < len(seen) else f"frozen {int(found.order[place])}")
