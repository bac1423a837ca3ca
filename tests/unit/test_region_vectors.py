"""A vector of each region: the mean of the words that a span meets."""

from __future__ import annotations

import pytest
import torch

from backend.learning.region_network import RegionNetwork, train_regions
from backend.learning.region_vectors import of_spans
from backend.learning.units import Units

# "ab cde f" and "xyz": words at 0-2, 3-6, 7-8 and 0-3.
WORDS = Units(
    torch.tensor([[1.0, 0], [0, 1], [4, 4], [9, 9]]),
    torch.tensor([0, 0, 0, 2]),
    torch.tensor([[0, 2], [3, 6], [7, 8], [0, 3]]),
    3,
)


@pytest.mark.parametrize(
    ("item", "place", "vector"),
    [
        (0, (0, 2), [1, 0]),
        (0, (0, 6), [0.5, 0.5]),
        (0, (1, 4), [0.5, 0.5]),  # a part of each
        (0, (0, 99), [5 / 3, 5 / 3]),
        (0, (5, 8), [2, 2.5]),
        (0, (2, 3), None),  # the space between
        (0, (6, 7), None),
        (0, (8, 20), None),
        (1, (0, 5), None),  # a text without words
        (2, (0, 1), [9, 9]),  # not the words of the text before
        (2, (3, 9), None),
    ],
)
def test_a_span_is_the_mean_of_the_words_that_it_meets(
    item: int, place: tuple[int, int], vector: list[float] | None
) -> None:
    vectors, known = of_spans(WORDS, torch.tensor([item]), torch.tensor([place]))
    assert known.tolist() == [vector is not None]
    assert vectors[0].tolist() == pytest.approx(vector or [0, 0])


def test_many_spans_are_read_at_once_in_any_order() -> None:
    items, places = torch.tensor([2, 0, 1, 0]), torch.tensor([[0, 1], [0, 6], [0, 1], [0, 2]])
    vectors, known = of_spans(WORDS, items, places)
    for i in range(4):
        alone, is_known = of_spans(WORDS, items[i : i + 1], places[i : i + 1])
        assert torch.equal(vectors[i], alone[0])
        assert known[i] == is_known[0]


def test_of_no_region_there_is_no_vector() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    vectors, known = of_spans(WORDS, none, torch.zeros(0, 2, dtype=torch.int64))
    assert (tuple(vectors.shape), known.tolist()) == ((0, 2), [])


@pytest.mark.parametrize("size", [1.0, 1e4, 1e-4])
def test_classes_of_regions_are_learned_of_vectors_of_any_size_and_place(size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(40) % 2
    vectors = (torch.randn(40, 6, generator=generator) * 0.3 + targets[:, None] * 2 + 50) * size
    network = train_regions(vectors, targets, 2)
    assert isinstance(network, RegionNetwork)
    said = network(vectors).logits[0].argmax(-1)
    assert (said == targets).float().mean() > 0.95
    again = RegionNetwork.restored(network.described(), network.state_dict())
    assert torch.equal(again(vectors).logits, network(vectors).logits)
    assert again.kind == "region classes"
