"""Why a task was labelled is kept when its label comes in: by the version that its annotator had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from backend.store.label_record import PART_ROWS, LabelledFor, LabelRecord
from backend.store.locations import project_files
from backend.store.reason import Reason
from backend.store.served import KEPT, ServedHeads
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject

FIRST, SECOND = "atlas-000001", "atlas-000002"


@pytest.fixture(autouse=True)
def small(loop: Loop, tmp_path: Path) -> None:
    loop.set(data_dir=tmp_path / "data", queue_head=10, encoder="lsa", strategy="margin")


def record(loop: Loop, project: FakeProject) -> dict[int, LabelledFor]:
    return LabelRecord(project_files(loop.settings, project.id)).read()


def reasons(loop: Loop, project: FakeProject, version: str) -> dict[int, Reason]:
    found = ServedHeads(project_files(loop.settings, project.id)).read(version)
    assert found is not None
    return found


def answered(loop: Loop, project: FakeProject, task: int, **how: Any) -> int:
    """Its annotation's number."""
    text = project.tasks[task]["data"]["text"]
    told = loop.fake.annotate(project.id, task, [choice(label_of(text))], **how)
    return int(told["annotation"]["id"])


def apart(loop: Loop, project: FakeProject, seconds: float = 100) -> None:
    """As if all publications so far had been that much earlier than they were."""
    versions = loop.versions(project)
    history = [(at - seconds, name) for at, name in versions.history()]
    path = loop.settings.data_dir / "projects" / str(project.id) / "published.json"
    pointer = json.loads(path.read_text())
    path.write_text(json.dumps({**pointer, "history": history}))


def two_versions(loop: Loop) -> tuple[FakeProject, int, list[int]]:
    """A project, a task that both its versions have in their heads, and those that only the second has. That
    was published 100 seconds ago, the first 200."""
    project = loop.create(60, labeled=8)
    loop.retrain(project)
    apart(loop, project)
    first = loop.queue(project)
    loop.set(strategy="random")
    loop.retrain(project)
    apart(loop, project)
    second = set(loop.queue(project))
    return project, first[0], sorted(second - set(first))


def test_the_version_that_was_open_counts_not_the_one_at_the_end(loop: Loop) -> None:
    project, task, _ = two_versions(loop)
    answered(loop, project, task, lead_time=150.0)
    loop.retrain(project)
    row = record(loop, project)[task]
    assert row.reason == reasons(loop, project, FIRST)[task]
    assert (row.reason.version, row.reason.strategy) == (FIRST, "margin")


def test_a_task_opened_after_the_switch_is_the_new_versions(loop: Loop) -> None:
    project, _, second = two_versions(loop)
    answered(loop, project, second[0], lead_time=20.0)
    loop.retrain(project)
    row = record(loop, project)[second[0]]
    assert (row.reason.version, row.reason.strategy) == (SECOND, "random")
    assert 0 < (row.reason.chance or 0) < 1


def test_the_prediction_that_an_annotation_began_with_outdoes_the_clock(loop: Loop) -> None:
    project, task, _ = two_versions(loop)
    (began,) = (
        each for each in project.predictions if each["task"] == task and each["model_version"] == FIRST
    )
    answered(loop, project, task, parent_prediction=began["id"])
    loop.retrain(project)
    assert record(loop, project)[task].reason.version == FIRST


def test_of_several_annotators_the_first_ones_reason_stays(loop: Loop) -> None:
    project = loop.create(40, maximum_annotations=2)
    loop.retrain(project)
    task = loop.queue(project)[0]
    number = answered(loop, project, task, user=1)
    loop.retrain(project)
    kept = record(loop, project)[task]
    answered(loop, project, task, user=2)
    loop.retrain(project)
    assert record(loop, project)[task] == kept
    assert (kept.annotation, kept.reason.version) == (number, FIRST)


def test_a_skip_is_no_label_and_the_answer_after_it_is(loop: Loop) -> None:
    project = loop.create(40)
    loop.retrain(project)
    task = loop.queue(project)[0]
    loop.fake.skip(project.id, task, user=1)
    loop.retrain(project)
    assert task not in record(loop, project)
    number = answered(loop, project, task, user=2)
    loop.retrain(project)
    assert record(loop, project)[task].annotation == number


def test_an_answer_that_was_deleted_and_given_again_has_its_new_reason(loop: Loop) -> None:
    project = loop.create(40)
    loop.retrain(project)
    task = loop.queue(project)[0]
    number = answered(loop, project, task)
    loop.retrain(project)
    apart(loop, project)
    loop.fake.delete_annotation(project.id, number)
    loop.retrain(project)
    assert record(loop, project)[task].reason.version == FIRST  # kept until there is another
    apart(loop, project)
    again = answered(loop, project, task)
    loop.retrain(project)
    row = record(loop, project)[task]
    assert (row.annotation, row.reason.version) == (again, "atlas-000003")


def test_what_nobody_was_served_is_said_so(loop: Loop) -> None:
    project = loop.create(60)
    early = list(project.tasks)[5]
    answered(loop, project, early)
    loop.retrain(project)
    outside = next(task for task in project.tasks if task not in loop.queue(project) and task != early)
    answered(loop, project, outside)
    loop.retrain(project)
    found = record(loop, project)
    assert {found[task].reason for task in (early, outside)} == {Reason("unserved")}


def test_labels_of_before_the_upgrade_are_not_called_hand_picked(loop: Loop) -> None:
    project = loop.create(40)
    loop.retrain(project)
    task = loop.queue(project)[0]
    folder = loop.settings.data_dir / "projects" / str(project.id)
    shutil.rmtree(folder / "served")  # as the release before left it
    (folder / "published.json").write_text('{"version": "atlas-000001", "pinned": false}')
    answered(loop, project, task)
    loop.retrain(project)
    assert record(loop, project)[task].reason == Reason("unknown")


def test_tasks_of_a_refill_have_reasons_too_and_new_ones_say_that_they_came_late(loop: Loop) -> None:
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    (new,) = loop.fake.add_tasks(project.id, ["storm tea number 99"])
    for task in loop.queue(project)[:4]:
        answered(loop, project, task)
    before = set(reasons(loop, project, FIRST))
    loop.set(queue_head=60)
    assert loop.refill(project)["added"] > 4
    added = {task: why for task, why in reasons(loop, project, FIRST).items() if task not in before}
    assert new in added
    assert (added[new].how, added[new].strategy) == ("late", "margin")
    behind = [why for task, why in added.items() if task != new]
    assert {why.how for why in behind} == {"behind"}
    assert all(why.place is not None and why.place > 10 for why in behind)
    assert all(why.doubt is not None and why.cluster is not None for why in added.values())


def test_the_record_outlives_redis_and_the_versions(loop: Loop) -> None:
    loop.set(keep_versions=2)
    project = loop.create(60)
    loop.retrain(project)
    task = loop.queue(project)[0]
    for _ in range(4):
        answered(loop, project, loop.queue(project)[0])
        loop.retrain(project)
    assert FIRST not in loop.versions(project).names()
    loop.redis.flushall()
    loop.retrain(project)
    assert record(loop, project)[task].reason.version == FIRST


def test_machines_that_share_a_bucket_share_the_record(loop: Loop, tmp_path: Path) -> None:
    loop.set(model_store=f"file://{tmp_path}/bucket")
    project = loop.create(40)
    loop.retrain(project)
    first, second = loop.queue(project)[:2]
    answered(loop, project, first)
    loop.set(data_dir=tmp_path / "another machine")
    loop.retrain(project)
    answered(loop, project, second)
    loop.set(data_dir=tmp_path / "data")
    loop.retrain(project)
    found = record(loop, project)
    assert {found[task].reason.version for task in (first, second)} <= {FIRST, SECOND}
    assert {found[task].reason.strategy for task in (first, second)} == {"cold_start"}


def test_a_damaged_file_costs_its_own_rows_alone(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    project = loop.create(40)
    loop.retrain(project)
    one, other = loop.queue(project)[:2]
    answered(loop, project, one)
    loop.retrain(project)
    folder = loop.settings.data_dir / "projects" / str(project.id)
    for path in (folder / "served").glob("*.json"):
        path.write_text("[")
    answered(loop, project, other)
    loop.retrain(project)
    found = record(loop, project)
    assert found[one].reason.version == FIRST
    assert found[other].reason == Reason("unknown")
    assert "cannot be read" in caplog.text
    (part,) = (folder / "labelled").glob("*.json")
    part.write_text("{}")
    loop.retrain(project)
    assert set(record(loop, project)) == {one, other}  # written down again, as far as it is known


@pytest.mark.parametrize(
    "content",
    [
        '{"columns": ["task", "annotation"], "rows": [[1, 2]]}',
        '{"columns": ["task", "annotation", "how"], "rows": [["one", 2, "picked"]]}',
        '{"columns": ["task", "annotation", "how"], "rows": [[1, null, "picked"]]}',
        '{"columns": ["task", "annotation", "how"], "rows": [[1, 2]]}',
        "[" * 100_000,
    ],
)
def test_a_part_that_holds_something_else_stops_no_retrain(loop: Loop, content: str) -> None:
    project = loop.create(40)
    loop.retrain(project)
    one, other = loop.queue(project)[:2]
    answered(loop, project, one)
    loop.retrain(project)
    folder = loop.settings.data_dir / "projects" / str(project.id)
    for path in [*(folder / "labelled").glob("*.json"), *(folder / "served").glob("*.json")]:
        path.write_text(content)
    answered(loop, project, other)
    loop.retrain(project)
    assert set(record(loop, project)) == {one, other}


def row(number: int, place: int = 1) -> LabelledFor:
    return LabelledFor(number, number, Reason("picked", "margin", FIRST, "label", place, 9))


def test_a_long_record_is_written_in_parts_that_stay_as_they_are(loop: Loop) -> None:
    files = project_files(loop.settings, 1)
    kept = LabelRecord(files)
    kept.add([row(number) for number in range(PART_ROWS + 10)])
    full, last = files.paths("labelled")
    content = files.read(full)
    kept.add([row(number, place=2) for number in (5, PART_ROWS + 20)])
    assert files.paths("labelled")[0] == full
    assert files.read(full) == content
    assert last not in files.paths("labelled")  # no name is written twice
    found = kept.read()
    assert len(found) == PART_ROWS + 11
    assert found[5].reason.place == 2  # the later row counts


def test_a_part_that_grew_while_its_writer_died_counts_once(loop: Loop) -> None:
    files = project_files(loop.settings, 1)
    kept = LabelRecord(files)
    kept.add([row(1)])
    (short,) = files.paths("labelled")
    content = files.read(short)
    kept.add([row(2)])
    files.write(short, content)
    assert set(kept.read()) == {1, 2}
    kept.add([row(3)])
    assert set(kept.read()) == {1, 2, 3}


def test_the_heads_of_many_versions_do_not_pile_up(loop: Loop) -> None:
    heads = ServedHeads(project_files(loop.settings, 1))
    for number in range(1, KEPT + 4):
        heads.write(f"atlas-{number:06d}", {1: Reason("picked", "margin")})
    assert heads.read("atlas-000003") is None
    assert heads.read("atlas-000004") == {1: Reason("picked", "margin")}
