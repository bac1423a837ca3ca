"""Vectors of several images become one, by what is asked about them."""

from __future__ import annotations

import pytest
import torch

from backend.combining import each_of, left_less_right, mean_and_spread
from backend.pairs import BETWEEN


def test_of_two_that_are_compared_it_is_what_the_left_one_has_more_of() -> None:
    pairs = torch.tensor([[[3.0, 1.0], [1.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert left_less_right(pairs).tolist() == [[2.0, -3.0], [0.0, 0.0]]
    assert left_less_right(pairs.flip(1)).tolist() == [[-2.0, 3.0], [0.0, 0.0]]
    assert left_less_right(torch.zeros(0, 2, 5)).shape == (0, 5)


def test_of_several_it_is_what_they_have_in_common_whatever_their_order() -> None:
    images = torch.tensor([[[1.0, 2.0], [3.0, 2.0]]])
    assert mean_and_spread(images).tolist() == [[2.0, 2.0, 1.0, 0.0]]
    assert torch.equal(mean_and_spread(images), mean_and_spread(images.flip(1)))
    alone = mean_and_spread(torch.tensor([[[1.0, 2.0]]]))
    assert alone.tolist() == [[1.0, 2.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("content", "count", "images"),
    [
        ("a", 1, ["a"]),
        (BETWEEN.join("ab"), 2, ["a", "b"]),
        (BETWEEN.join("abc"), 2, ["a", "b"]),
        ("a", 3, ["a", "", ""]),
        ("", 2, ["", ""]),
        (BETWEEN, 2, ["", ""]),
        ("a", 0, []),
    ],
)
def test_a_content_has_as_many_images_as_are_asked_for(content: str, count: int, images: list[str]) -> None:
    assert each_of(content, count) == images
