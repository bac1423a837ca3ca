"""How boxes overlap, as a detector learns it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.controls.matching import overlap
from backend.learning.overlap import giou, iou, suppressed


def boxes(count: int, seed: int) -> Tensor:
    places = torch.rand(count, 4, generator=torch.Generator().manual_seed(seed)) * 40
    return places + torch.tensor([0.0, 0.0, 1.0, 1.0])


def test_it_is_the_overlap_that_annotators_boxes_have() -> None:
    one, other = boxes(7, 1), boxes(5, 2)
    expected = overlap(one.double().numpy(), other.double().numpy())
    assert iou(one, other).numpy() == pytest.approx(expected, abs=1e-5)
    assert torch.allclose(iou(one, other), iou(other, one).T)


def test_several_pictures_are_reckoned_at_once() -> None:
    one, other = torch.stack([boxes(4, 1), boxes(4, 2)]), torch.stack([boxes(3, 3), boxes(3, 4)])
    both = iou(one, other)
    assert both.shape == (2, 4, 3)
    for i in range(2):
        assert torch.allclose(both[i], iou(one[i], other[i]))


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (10, 0, 10, 10), 0.0),  # side by side: the hull has nothing else
        ((0, 0, 10, 10), (20, 0, 10, 10), -1 / 3),
        ((0, 0, 1, 1), (99, 99, 1, 1), -0.9998),
        ((0, 0, 10, 10), (5, 0, 10, 10), 1 / 3),
    ],
)
def test_generalised_it_tells_how_far_apart_boxes_are(
    one: tuple[int, ...], other: tuple[int, ...], value: float
) -> None:
    a, b = (torch.tensor([each], dtype=torch.float32) for each in (one, other))
    assert float(giou(a, b)[0]) == pytest.approx(value, abs=1e-4)
    assert torch.allclose(giou(a, b), giou(b, a))


def test_generalised_it_is_never_above_the_plain_one() -> None:
    one, other = boxes(50, 5), boxes(50, 6)
    plain = iou(one[:, None], other[:, None])[:, 0, 0]
    assert (giou(one, other) <= plain + 1e-6).all()
    assert (giou(one, other) >= -1).all()


def greedy(places: Tensor, at: float) -> list[bool]:
    """By the definition."""
    gone: list[bool] = []
    for i in range(len(places)):
        earlier = [j for j in range(i) if not gone[j]]
        gone.append(any(float(iou(places[i : i + 1], places[j : j + 1])) > at for j in earlier))
    return gone


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at", [0.1, 0.3, 0.6])
def test_boxes_give_way_to_surer_ones_that_stay(seed: int, at: float) -> None:
    places = torch.stack([boxes(12, seed), boxes(12, seed + 10)])
    assert suppressed(places, at).tolist() == [greedy(each, at) for each in places]


def test_a_box_without_an_extent_gives_way_to_none() -> None:
    flat = torch.tensor([[[0.0, 0.0, 10.0, 10.0], [3.0, 3.0, 0.0, 4.0]]])
    assert suppressed(flat, 0.0).tolist() == [[False, False]]
    assert suppressed(torch.zeros(2, 0, 4), 0.5).shape == (2, 0)
