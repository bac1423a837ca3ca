"""Planted noise in marked parts is found: wrong labels, and parts that nobody marked."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from backend.controls.config import parse_label_config
from backend.controls.regions import RegionControl
from backend.errors import AtlasError
from backend.jobs.studying import study
from backend.learning.detector import Candidates
from backend.learning.detector_training import Marked
from backend.learning.suspected_parts import NOTHING, SuspectedPart, suspected_boxes
from backend.learning.suspects import FEWEST
from backend.results.suspected_parts import labels_judged, told
from backend.results.suspects import find_suspects
from backend.store.accepted_parts import Unmarked
from backend.store.figures import write_figures
from backend.store.locations import project_files
from backend.store.study import read_study, write_study
from backend.store.tasks import StoredTask
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.page_visits import page_of, send, visit
from tests.unit.span_scenes import CONFIG, PEOPLE, right, text_of

WRONG, OVERLOOKED = range(3), range(4, 7)
"""Texts whose person is marked as a place, and texts whose person is not marked."""


def marked(i: int) -> list[dict[str, Any]]:
    regions = right(text_of(i))
    if i in WRONG:
        return [{**each, "value": {**each["value"], "labels": ["LOC"]}} for each in regions]
    return [each for each in regions if i not in OVERLOOKED or each["value"]["text"] not in PEOPLE]


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    loop.set(encoder="lsa", queue_head=100)
    project = loop.fake.create([{"text": text_of(i)} for i in range(48)], label_config=CONFIG)
    for i, task in enumerate(list(project.tasks)[:40]):
        loop.fake.annotate(project.id, task, marked(i))
    loop.retrain(project)
    return project


def test_planted_spans_come_first_until_they_are_mended(loop: Loop, project: FakeProject) -> None:
    found = find_suspects(loop.settings, loop.client, project.id, 10)
    numbers = {task: i for i, task in enumerate(project.tasks)}
    planted = [i for i in (*WRONG, *OVERLOOKED) if right(text_of(i))]
    first = {numbers[each.task] for each in found.rows[: len(planted)]}
    assert len(first & set(planted)) >= len(planted) - 1
    assert all(each.p_instead > each.p_label for each in found.rows)
    overlooked = [each for each in found.rows if numbers[each.task] in OVERLOOKED]
    assert overlooked
    for each in overlooked:
        assert (each.label, each.instead) == ([], ["PER"])
        assert any(f"[{person}]" in each.text for person in PEOPLE)
    assert found.judged == sum(len(marked(i)) for i in range(40))
    assert found.contradicted == sum(bool(each.label) for each in found.rows)
    task = next(each.task for each in found.rows if numbers[each.task] in WRONG)
    loop.fake.annotate(project.id, task, right(text_of(numbers[task])), user=2)
    mended = find_suspects(loop.settings, loop.client, project.id, 10)
    assert task not in {each.task for each in mended.rows}
    assert mended.contradicted == sum(bool(each.label) for each in mended.rows)
    (version,) = loop.versions(project).names()  # as one that was made before any were sought
    write_figures(project_files(loop.settings, project.id), version, {"controls": []})
    with pytest.raises(AtlasError, match="looked for with the next retrain"):
        find_suspects(loop.settings, loop.client, project.id, 10)


def test_one_of_a_tasks_parts_is_called_right_and_a_mended_task_is_listed_no_more(
    loop: Loop, project: FakeProject
) -> None:
    study(project.id)
    files = project_files(loop.settings, project.id)
    found = read_study(files)["suspects"]
    other = {**found[0], "place": [0, 2], "label": found[0]["label"], "text": "another part"}
    write_study(files, {**read_study(files), "suspects": [*found, other]})
    client, task = visit(loop), str(found[0]["task"])

    def listed() -> list[str]:
        section = page_of(client, project).split('id="suspects"')[1].split("</section>")[0]
        rows = [row for row in section.split("<li>") if f"Task {task}<" in row and 'name="part"' in row]
        return [row.split('name="part" value="')[1].split('"')[0] for row in rows]

    one, another = listed()
    assert send(client, project, "suspects/accept", task=task, part=another) == 303
    assert listed() == [one]
    assert send(client, project, "suspects/accept", task=task, part="7 9 PER") == 400
    loop.fake.annotate(project.id, int(task), right(text_of(list(project.tasks).index(int(task)))), user=2)
    study(project.id)
    assert int(task) not in {each["task"] for each in read_study(files)["suspects"]}


def test_a_part_that_is_called_rightly_unmarked_stays_so_over_retrains_until_the_answer_changes(
    loop: Loop, project: FakeProject
) -> None:
    study(project.id)
    files, client = project_files(loop.settings, project.id), visit(loop)
    found = [each for each in read_study(files)["suspects"] if not each["label"]]
    row = found[0]
    task, (start, end) = row["task"], row["place"]

    def listed() -> list[str]:
        section = page_of(client, project).split('id="suspects"')[1].split("</section>")[0]
        return re.findall(
            rf'name="task" value="{task}"\s*>\s*<input[^>]*name="part" value="([^"]*)"', section
        )

    assert "Nothing is missing here</button>" in page_of(client, project)
    part = listed()[0]
    assert send(client, project, "suspects/accept", task=str(task), part=part) == 303
    assert part not in listed()
    for i in range(40, 44):  # another version
        loop.fake.annotate(project.id, list(project.tasks)[i], right(text_of(i)))
    loop.retrain(project)
    study(project.id)
    assert listed() == []
    moved, elsewhere = [start, end + 1], [end + 1, end + 6]
    for place, answer, is_listed in (
        (moved, row["answer"], False),
        (elsewhere, row["answer"], True),
        (moved, "another answer", True),
    ):
        write_study(files, {**read_study(files), "suspects": [{**row, "place": place, "answer": answer}]})
        assert bool(listed()) is is_listed


def test_a_box_is_the_same_where_it_overlaps_by_half() -> None:
    one = Unmarked(1, "a", (10.0, 10.0, 20.0, 20.0))
    assert one.is_same(Unmarked(1, "a", (12.0, 11.0, 20.0, 18.0)))
    assert not one.is_same(Unmarked(1, "a", (30.0, 10.0, 20.0, 20.0)))
    assert not one.is_same(one._replace(task=2))
    assert not one.is_same(one._replace(answer="b"))
    assert not one.is_same(one._replace(place=(10.0, 30.0)))


def test_all_that_is_contradicted_is_counted_and_no_part_that_nobody_marked() -> None:
    control = parse_label_config(CONFIG).main
    assert isinstance(control, RegionControl)
    task = StoredTask(1, text_of(0), True, target=control.read(right(text_of(0)), text_of(0)))
    parts = [SuspectedPart(0, (0, 1), 0 if i % 2 else NOTHING, 0.1, 1, 0.9) for i in range(30)]
    figures = told(parts, control, [task], 10)
    assert (len(figures["rows"]), figures["contradicted"]) == (10, 15)
    assert labels_judged(control, [task] * (FEWEST - 1)) == 0
    assert labels_judged(control, [task] * FEWEST) == 2 * FEWEST


def test_boxes_are_judged_by_what_overlaps_them() -> None:
    """Three pictures with a box each that the model agrees with; in a fourth one's label is another, in a
    fifth it sees a box that nobody drew, in a sixth it sees nothing where one was drawn."""
    box, far = [10.0, 10.0, 20.0, 20.0], [60.0, 60.0, 20.0, 20.0]
    seen = [(i, box, i % 2, 3.0) for i in range(4)] + [(4, box, 1, 3.0), (4, far, 0, 3.0), (5, far, 0, -3.0)]
    logits = torch.full((len(seen), 3), -6.0)
    logits[:, 2] = 0
    for row, (_, _, label, sure) in enumerate(seen):
        logits[row, label] = sure
    candidates = Candidates(
        torch.tensor([each[0] for each in seen]),
        torch.tensor([each[1] for each in seen]),
        logits,
        torch.zeros(len(seen), dtype=torch.int64),
        torch.zeros(len(seen), 2),
    )
    drawn = [0, 1, 0, 0, 1, 1]
    given = Marked(torch.arange(6), torch.tensor([box] * 6), torch.tensor(drawn), 6)
    found = {(each.item, each.label, each.instead) for each in suspected_boxes(candidates, given)}
    assert found == {(3, 0, 1), (4, NOTHING, 0), (5, 1, NOTHING)}
