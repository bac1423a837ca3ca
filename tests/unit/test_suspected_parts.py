"""Planted noise in marked parts is found: wrong labels, and parts that nobody marked."""

from __future__ import annotations

from typing import Any

import torch

from backend.learning.detector import Candidates
from backend.learning.detector_training import Marked
from backend.learning.suspected_parts import NOTHING, suspected_boxes
from backend.results.suspects import find_suspects
from tests.fakes.loop import Loop
from tests.unit.span_scenes import CONFIG, PEOPLE, right, text_of

WRONG, OVERLOOKED = range(3), range(4, 7)
"""Texts whose person is marked as a place, and texts whose person is not marked."""


def marked(i: int) -> list[dict[str, Any]]:
    regions = right(text_of(i))
    if i in WRONG:
        return [{**each, "value": {**each["value"], "labels": ["LOC"]}} for each in regions]
    return [each for each in regions if i not in OVERLOOKED or each["value"]["text"] not in PEOPLE]


def test_planted_spans_come_first(loop: Loop) -> None:
    loop.set(encoder="lsa", queue_head=100)
    project = loop.fake.create([{"text": text_of(i)} for i in range(48)], label_config=CONFIG)
    for i, task in enumerate(list(project.tasks)[:40]):
        loop.fake.annotate(project.id, task, marked(i))
    loop.retrain(project)
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
    task = next(each.task for each in found.rows if numbers[each.task] in WRONG)
    loop.fake.annotate(project.id, task, right(text_of(numbers[task])), user=2)
    mended = find_suspects(loop.settings, loop.client, project.id, 10)
    assert task not in {each.task for each in mended.rows}


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
