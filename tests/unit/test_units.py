"""Units and how their numbers become their item's."""

from __future__ import annotations

import torch

from backend.learning.network import Layers
from backend.learning.units import UnitLayers, pooled

ITEM = torch.tensor([0, 0, 0, 0, 0, 2])
VALUES = torch.tensor([0.0, 1.0, 4.0, 2.0, 0.5, 7.0])


def test_the_mean_is_over_an_items_own_units() -> None:
    assert torch.allclose(pooled(VALUES, ITEM, 3), torch.tensor([1.5, 0.0, 7.0]))


def test_of_the_largest_few_the_others_have_no_say() -> None:
    assert torch.allclose(pooled(VALUES, ITEM, 3, "top"), torch.tensor([7 / 3, 0.0, 7.0]))


def test_rows_are_pooled_column_by_column() -> None:
    assert torch.allclose(pooled(torch.stack([VALUES, VALUES * 2], 1), ITEM, 3)[0], torch.tensor([1.5, 3.0]))


def test_an_items_mean_layers_say_its_units_mean_probabilities() -> None:
    logits = torch.log(torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]))
    units = UnitLayers(Layers((torch.eye(3),), logits), torch.tensor([0, 0, 1]), 2)
    layers = units.mean_layers()
    assert torch.allclose(layers.probabilities, torch.tensor([[0.7, 0.3], [0.2, 0.8]]))
    assert torch.allclose(layers.last_hidden[0], torch.tensor([0.5, 0.5, 0.0]))


def test_items_are_taken_in_any_order_with_all_their_units() -> None:
    units = UnitLayers(Layers((VALUES[:, None],), torch.zeros(6, 2)), ITEM, 3)
    some = units.of_items(torch.tensor([2, 1, 0]))
    assert some.item.tolist() == [0, 2, 2, 2, 2, 2]
    assert some.layers.last_hidden[:, 0].tolist() == [7.0, 0.0, 1.0, 4.0, 2.0, 0.5]
    assert units.of_items(torch.tensor([1])).counts.tolist() == [0]
