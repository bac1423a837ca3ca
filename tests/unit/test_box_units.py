"""From annotators' boxes to what a detector learns, and from what it finds to answers."""

from __future__ import annotations

import torch

from backend.controls.box_units import answers_in, marked_in
from backend.learning.detector import Candidates
from backend.learning.detector_training import NOT_KNOWN
from tests.unit.test_boxes import control


def test_a_detector_learns_what_was_answered_and_nothing_where_it_is_not_known() -> None:
    answers = [
        '[[1, 2, 3, 4, "Dog"], [5, 6, 7, 8, null]]',
        "[]",
        '[[9, 9, 9, 9, "gone"], [0, 0, 9, 9, "Car"]]',
    ]
    marked = marked_in(control(), answers)
    assert (marked.item.tolist(), marked.items) == ([0, 0, 2, 2], 3)
    assert marked.classes.tolist() == [1, NOT_KNOWN, NOT_KNOWN, 0]
    assert marked.boxes[0].tolist() == [1, 2, 3, 4]
    assert marked_in(control(), []).boxes.shape == (0, 4)


def found(*each: tuple[int, tuple[float, float, float, float], tuple[float, float]]) -> Candidates:
    item, place, logits = zip(*each, strict=True)
    said = torch.cat([torch.tensor(logits), torch.zeros(len(item), 1)], 1)
    none = torch.zeros(len(item), dtype=torch.int64)
    return Candidates(torch.tensor(item), torch.tensor(place), said, none, torch.zeros(len(item), 1))


def test_what_is_found_is_an_answer_that_is_read_as_it_is_written() -> None:
    seen = found(
        (0, (50.12345, 10.0, 20.0, 20.0), (-3.0, 2.0)),
        (0, (10.0, 10.0, 20.0, 20.0), (0.0, -3.0)),
        (0, (70.0, 70.0, 20.0, 20.0), (-3.0, -3.0)),
        (2, (0.0, 0.0, 1e-5, 20.0), (3.0, -3.0)),
    )
    answers, sure = answers_in(control(), seen, 3)
    assert answers == ['[[10.0, 10.0, 20.0, 20.0, "Car"], [50.123, 10.0, 20.0, 20.0, "Dog"]]', "[]", "[]"]
    assert sure == [[0.5, 0.8808], [], []]
    assert control().read(control().regions_of(answers[0], sure[0], "")) == answers[0]
