"""Detectors: boxes learned from maps, what they say of others' pictures, and whether that is right."""

from __future__ import annotations

import functools
import json

import pytest
import torch
from torch import Tensor

from backend.learning.detection import DetectorTrained, train_detection, verdicts
from backend.learning.detector import Candidates, Detector, Maps
from backend.learning.detector_training import (
    NOT_KNOWN,
    NOTHING,
    Marked,
    targets_of,
    train_detector,
)
from backend.learning.overlap import giou, iou, suppressed

GRID, CHANNELS = 10, 6


def boxes(*each: tuple[float, float, float, float]) -> Tensor:
    return torch.tensor(each).float()


def test_overlap_by_hand() -> None:
    one, other = boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), (5, 0, 10, 10), (20, 0, 10, 10))
    assert iou(one, other)[0].tolist() == pytest.approx([1, 1 / 3, 0])
    assert giou(one.expand(3, 4), other).tolist() == pytest.approx([1, 1 / 3, -1 / 3])


def test_suppression_is_greedy_a_box_that_went_suppresses_none() -> None:
    chain = boxes((0, 0, 10, 10), (3, 0, 10, 10), (6, 0, 10, 10))[None]
    assert suppressed(chain, 0.5).tolist() == [[False, True, False]]


def marked(*each: tuple[int, tuple[float, float, float, float], int], items: int) -> Marked:
    item, place, classes = zip(*each, strict=True)
    return Marked(torch.tensor(item), boxes(*place), torch.tensor(classes), items)


def test_cells_in_the_middle_of_a_box_should_find_it_and_the_smaller_box_first() -> None:
    found = targets_of(marked((0, (0, 0, 80, 80), 0), (0, (35, 35, 10, 10), 1), items=2), GRID)
    grid = found.classes.view(2, GRID, GRID)
    assert int((grid[0] == 0).sum()) == 16 - 1
    assert int((grid[0] == 1).sum()) == 1
    assert (grid[1] == NOTHING).all()
    assert found.boxes.view(2, GRID, GRID, 4)[0][grid[0] == 1].tolist() == [[35, 35, 10, 10]]


def test_a_box_smaller_than_a_cell_is_to_be_found_by_one() -> None:
    found = targets_of(marked((0, (51, 51, 1, 1), 0), items=1), GRID)
    assert (found.classes == 0).nonzero().tolist() == [[0, 55]]


def test_nothing_is_to_be_learned_where_annotators_disagree() -> None:
    found = targets_of(marked((0, (0, 0, 40, 40), NOT_KNOWN), (0, (0, 0, 20, 20), 1), items=1), GRID)
    grid = found.classes.view(GRID, GRID)
    assert set(grid[:4, :4].flatten().tolist()) == {NOT_KNOWN, 1}
    assert (grid[4:] == NOTHING).all()


def planted(count: int, seed: int = 0) -> tuple[Maps, Marked]:
    """Maps of noise; a box shows by its class's channel and, in two more, by how near its edges are."""
    rng = torch.Generator().manual_seed(seed)
    maps = torch.randn(count, CHANNELS, GRID, GRID, generator=rng) * 0.1
    found = []
    for item in range(count):
        for number in range(int(torch.randint(0, 3, (), generator=rng))):
            width, height = (int(each) for each in torch.randint(2, 5, (2,), generator=rng))
            x, y = (
                int(torch.randint(0, 4, (), generator=rng)) + 5 * number,
                int(torch.randint(0, 5, (), generator=rng)),
            )
            width = min(width, 5 - x % 5)
            kind = int(torch.randint(0, 2, (), generator=rng))
            maps[item, kind, y : y + height, x : x + width] += 2
            maps[item, 2, y : y + height, x : x + width] += torch.linspace(-1, 1, width)
            maps[item, 3, y : y + height, x : x + width] += torch.linspace(-1, 1, height)[:, None]
            found.append((item, (10.0 * x, 10.0 * y, 10.0 * width, 10.0 * height), kind))
    return Maps(maps, lambda rows: rows), marked(*found, items=count)


@functools.cache
def trained() -> DetectorTrained:
    return train_detection(*planted(40), 2, steps=90)


def test_it_learns_boxes_that_it_has_not_seen() -> None:
    maps, truth = planted(40, seed=1)
    found = trained().detector.candidates(maps)
    right, _ = verdicts(found, truth)
    sure = found.sure > 0.5
    assert len(truth.boxes) * 0.8 < int(sure.sum()) < len(truth.boxes) * 1.2
    assert right[sure].float().mean() > 0.8


def test_its_weights_and_what_it_is_give_it_back() -> None:
    maps, _ = planted(4, seed=2)
    detector = trained().detector
    again = Detector.restored(json.loads(json.dumps(detector.described())), detector.state_dict())
    for one, other in zip(detector.candidates(maps), again.candidates(maps), strict=True):
        assert torch.equal(one, other)


def test_every_picture_has_a_few_candidates_whatever_is_in_it() -> None:
    found = trained().detector.candidates(Maps(torch.zeros(3, CHANNELS, GRID, GRID), lambda rows: rows))
    assert (torch.bincount(found.item, minlength=3) >= 1).all()
    assert trained().detector.candidates(
        Maps(torch.zeros(0, CHANNELS, GRID, GRID), lambda rows: rows)
    ).item.shape == (0,)


def test_a_sibling_does_not_see_its_fold() -> None:
    """With other boxes in one picture all siblings come out different but the one that is to judge it."""
    maps, truth = planted(12)
    moved = Marked(truth.item, truth.boxes.clone(), truth.classes, truth.items)
    moved.boxes[truth.item == truth.item[0]] = torch.tensor([50.0, 50.0, 20.0, 20.0])
    one, other = (train_detection(maps, each, 2, steps=3) for each in (truth, moved))
    same = [
        all(torch.equal(a, b) for a, b in zip(x.parameters(), y.parameters(), strict=True))
        for x, y in zip(one.siblings, other.siblings, strict=True)
    ]
    assert sorted(same) == [False, False, True]


def candidates(*each: tuple[int, tuple[float, float, float, float], tuple[float, float]]) -> Candidates:
    item, place, logits = zip(*each, strict=True)
    said = torch.cat([torch.tensor(logits).float(), torch.zeros(len(item), 1)], 1)
    none = torch.zeros(len(item), dtype=torch.int64)
    return Candidates(torch.tensor(item), boxes(*place), said, none, torch.zeros(len(item), 1).half())


CAR, DOG, UNSURE = (3.0, -3.0), (-3.0, 3.0), (-1.0, -3.0)


def test_a_box_is_right_if_it_meets_one_of_its_class_and_each_is_met_once() -> None:
    truth = marked((0, (0, 0, 10, 10), 0), (1, (0, 0, 10, 10), 0), items=2)
    found = candidates(
        (0, (0, 0, 10, 9), CAR),
        (0, (0, 0, 10, 10), CAR),
        (0, (50, 50, 10, 10), UNSURE),
        (1, (0, 0, 10, 10), DOG),
    )
    correct, known = verdicts(found, truth)
    assert correct.tolist() == [True, False, True, False]
    assert known.all()


def test_of_a_box_that_is_missed_those_are_wrong_that_say_nothing() -> None:
    """There where one lies upon it, else everywhere in its picture."""
    truth = marked((0, (0, 0, 10, 10), 0), (1, (80, 80, 10, 10), 0), (1, (0, 0, 10, 10), 0), items=2)
    found = candidates(
        (0, (0, 0, 10, 10), UNSURE),
        (0, (50, 50, 10, 10), UNSURE),
        (1, (0, 0, 10, 10), CAR),
        (1, (50, 50, 10, 10), UNSURE),
    )
    assert verdicts(found, truth)[0].tolist() == [False, True, True, False]


def test_of_what_annotators_disagree_on_there_is_no_verdict() -> None:
    truth = marked((0, (0, 0, 10, 10), NOT_KNOWN), items=1)
    correct, known = verdicts(candidates((0, (0, 0, 10, 10), CAR), (0, (50, 50, 10, 10), UNSURE)), truth)
    assert known.tolist() == [False, True]
    assert correct[1]


def test_probabilities_are_how_often_it_is_right() -> None:
    maps, truth = planted(60, seed=3)
    found = trained().detector.candidates(maps)
    means = verdicts(found._replace(logits=found.logits + 0.0), truth)[0]
    right = torch.where(found.sure > 0.5, means, ~means)
    assert float(found.sure.mean()) == pytest.approx(float(right.float().mean()), abs=0.15)


def test_what_ranking_asks_fits_together() -> None:
    maps, _ = planted(9, seed=4)
    learned = trained().learned(maps)
    units = learned.pool
    assert units.items == 9
    assert (units.item.diff() >= 0).all()
    assert learned.members().shape == (3, len(units.item), 3)
    assert units.layers.hidden[0].shape[1] == CHANNELS + 6
    some = torch.tensor([7, 2])
    seen = learned.by_siblings(some, torch.tensor([0, 2]))
    assert seen.items == 2
    alone = trained().siblings[0].candidates(maps.of(some[:1]))
    assert torch.equal(seen.layers.logits[seen.item == 0], alone.logits)
    assert len(learned.correct) == len(learned.held_out.item)


def test_pictures_that_are_not_looked_at_have_no_units() -> None:
    maps, _ = planted(9, seed=4)
    whole, part = trained().learned(maps), trained().learned(maps, torch.tensor([2, 7]))
    assert part.pool.items == 9
    assert part.pool.item.unique().tolist() == [2, 7]
    assert torch.equal(part.pool.layers.logits, whole.pool.of_items(torch.tensor([2, 7])).layers.logits)
    assert part.members().shape[1] == len(part.pool.item)


def test_two_pictures_with_a_box_are_needed() -> None:
    maps, _ = planted(3)
    with pytest.raises(ValueError, match="two pictures"):
        train_detection(maps, marked((0, (0, 0, 20, 20), 0), items=3), 1)
    with pytest.raises(ValueError, match="needs boxes"):
        train_detector(maps, marked((0, (0, 0, 20, 20), NOT_KNOWN), items=3), 1)
