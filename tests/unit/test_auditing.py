"""The loop serves a share of tasks drawn at random, without a guess, and tells by them how right it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from backend.commands.versions import NO_BASE, versions
from backend.controls.config import parse_label_config
from backend.learning.heads import ErrorHead
from backend.predicting import Predictor
from backend.store.history import History
from backend.store.label_record import LabelRecord
from backend.store.locations import project_files
from backend.store.reason import AUDIT, Reason
from backend.store.served import ServedHeads
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject


@pytest.fixture(autouse=True)
def small(loop: Loop, tmp_path: Path) -> None:
    loop.set(data_dir=tmp_path / "data", queue_head=20, encoder="lsa", strategy="margin", audit_share=0.25)
    loop.set(show_guess_from=0)


def served(loop: Loop, project: FakeProject, version: str) -> dict[int, Reason]:
    found = ServedHeads(project_files(loop.settings, project.id)).read(version)
    assert found is not None
    return found


def audits_in(loop: Loop, project: FakeProject, version: str) -> list[int]:
    return [task for task, reason in served(loop, project, version).items() if reason.how == AUDIT]


def shown(project: FakeProject, version: str) -> dict[int, list[Any]]:
    made = (each for each in project.predictions if each["model_version"] == version)
    return {each["task"]: each["result"] for each in made}


def label_the_head(loop: Loop, project: FakeProject, count: int) -> None:
    for task in loop.queue(project)[:count]:
        loop.label(project, task)


def test_audits_carry_no_guess_and_neither_do_as_many_others(loop: Loop) -> None:
    project = loop.create(80, labeled=12)
    name = loop.retrain(project)["model_version"]
    audits = audits_in(loop, project, name)
    empty = {task for task, result in shown(project, name).items() if not result}
    assert audits
    assert set(audits) < empty
    assert len(empty) in (2 * len(audits) - 1, 2 * len(audits))
    scheme = parse_label_config(project.settings["label_config"])
    answers = Predictor(loop.settings).predict(project.id, scheme, [project.tasks[i] for i in empty])
    assert [each["result"] for each in answers] == [[]] * len(empty)
    whys = {each["why"]["how"] for each in answers}
    assert whys == {AUDIT, "picked"}


def test_the_chance_of_a_draw_is_kept_with_its_label(loop: Loop) -> None:
    project = loop.create(80, labeled=12)
    name = loop.retrain(project)["model_version"]
    audit = audits_in(loop, project, name)[0]
    label_the_head(loop, project, 20)
    loop.retrain(project)
    row = LabelRecord(project_files(loop.settings, project.id)).read()[audit]
    assert (row.reason.how, row.reason.chance) == (AUDIT, pytest.approx(1 / 68, rel=1e-4))


def test_an_audit_stays_the_same_until_it_is_labelled(loop: Loop) -> None:
    project = loop.create(80, labeled=12)
    first = audits_in(loop, project, loop.retrain(project)["model_version"])
    other = next(task for task in loop.queue(project) if task not in first)
    loop.label(project, other)
    second = audits_in(loop, project, loop.retrain(project)["model_version"])
    assert second[:1] == first[:1]


def test_a_skipped_audit_is_missing_and_another_is_drawn(loop: Loop) -> None:
    project = loop.create(80, labeled=12)
    first = audits_in(loop, project, loop.retrain(project)["model_version"])
    loop.fake.skip(project.id, first[0], user=1)
    loop.label(project, next(task for task in loop.queue(project) if task not in first))
    done = loop.retrain(project)
    assert first[0] not in audits_in(loop, project, done["model_version"])
    assert done["estimate"]["audited"] == 0


def test_a_label_that_nobody_was_served_is_no_audit(loop: Loop) -> None:
    project = loop.create(80, labeled=12)
    loop.retrain(project)
    label_the_head(loop, project, 20)
    before = loop.retrain(project)["estimate"]["audited"]
    outside = [task for task in project.tasks if task not in loop.queue(project)]
    for task in [task for task in outside if not project.tasks[task].get("annotations")][:5]:
        loop.label(project, task)
    assert loop.retrain(project)["estimate"]["audited"] == before


def test_the_estimate_is_told_where_audits_are_enough(loop: Loop) -> None:
    project = loop.create(160, labeled=12)
    told = loop.retrain(project)["estimate"]
    assert told == {"audited": 0, "share": 0.25}
    for _ in range(2):
        label_the_head(loop, project, 20)
        done = loop.retrain(project)
    told = done["estimate"]
    assert told["audited"] >= 3
    for found in (told["accuracy"], told["f1_macro"], *told["per_class"].values()):
        assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1
    assert done["forecast"]["advice"]
    assert set(told["per_class"]) == {"disaster", "other"}
    record = LabelRecord(project_files(loop.settings, project.id)).read().values()
    drawn = [row.task for row in record if row.reason.how == AUDIT]
    labels = [label_of(project.tasks[task]["data"]["text"]) for task in drawn]
    assert told["audited_of"] == {each: labels.count(each) for each in ("disaster", "other")}
    assert told["accuracy"]["high"] > 0.8  # the texts are easy
    assert History(project_files(loop.settings, project.id)).read()[-1]["estimate"] == told
    head = loop.versions(project).load(done["model_version"]).error_head
    assert isinstance(head, ErrorHead)
    assert head.is_calibrated
    printed = CliRunner().invoke(versions, ["--project", str(project.id)]).output
    assert "drawn at random" in printed
    assert f"{told['accuracy']['value']:.0%}" in printed


def test_without_a_share_the_order_is_the_strategys_and_no_estimate_has_a_base(loop: Loop) -> None:
    loop.set(audit_share=0)
    project = loop.create(60, labeled=12)
    done = loop.retrain(project)
    assert audits_in(loop, project, done["model_version"]) == []
    assert done["estimate"] == {"audited": 0, "share": 0.0}
    assert all(shown(project, done["model_version"]).values())
    version = loop.versions(project).load(done["model_version"])
    assert not len(version.origin.silent)
    assert version.error_head is None or not version.error_head.is_calibrated
    assert NO_BASE in CliRunner().invoke(versions, ["--project", str(project.id)]).output


def test_the_order_is_the_strategys_but_for_the_audits(loop: Loop) -> None:
    project = loop.create(80, labeled=12)
    name = loop.retrain(project)["model_version"]
    with_share = loop.versions(project).load(name).queue_ids
    audits = torch.tensor(audits_in(loop, project, name))
    loop.set(audit_share=0, queue_head=21)  # of the latter a new version is made
    without = loop.versions(project).load(loop.retrain(project)["model_version"]).queue_ids
    assert torch.equal(with_share[~torch.isin(with_share, audits)], without[~torch.isin(without, audits)])


def test_an_audit_that_was_picked_before_its_turn_is_none(loop: Loop) -> None:
    project = loop.create(80, labeled=12)
    name = loop.retrain(project)["model_version"]
    last = audits_in(loop, project, name)[-1]
    assert (served(loop, project, name)[last].place or 0) > 10
    loop.label(project, last)
    assert loop.retrain(project)["estimate"]["audited"] == 0
    assert LabelRecord(project_files(loop.settings, project.id)).read()[last].reason == Reason("unserved")
