"""A classifier that shows all its layers, and many of them as one."""

from __future__ import annotations

import json

import pytest
import torch

from backend.learning.network import LayeredNetwork, Layers, Shape, StackedLinear

ROWS = torch.nn.functional.normalize(torch.randn(9, 5, generator=torch.Generator().manual_seed(0)), dim=1)


def network(members: int = 1, hidden: tuple[int, ...] = (4,), seed: int = 0) -> LayeredNetwork:
    """Whose members differ."""
    made = LayeredNetwork(Shape(5, 3, members, hidden), seed)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weights in made.parameters():
            weights.add_(torch.randn(weights.shape, generator=generator) * 0.3)
    return made.requires_grad_(False)


@pytest.mark.parametrize("hidden", [(), (4,), (4, 6)])
@pytest.mark.parametrize("members", [1, 3])
def test_all_layers_are_shown_of_every_member(members: int, hidden: tuple[int, ...]) -> None:
    layers = network(members, hidden)(ROWS)
    assert [tuple(layer.shape) for layer in layers.hidden] == [(members, 9, width) for width in hidden]
    assert layers.logits.shape == (members, 9, 3)
    assert torch.allclose(layers.probabilities.sum(-1), torch.ones(members, 9))
    assert layers.all_layers.shape == (members, 9, sum(hidden) + 3)


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_a_member_alone_says_what_it_says_among_the_others(hidden: tuple[int, ...]) -> None:
    every = network(3, hidden)
    for i in range(3):
        alone = every.members(slice(i, i + 1))
        assert alone.shape.members == 1
        assert torch.allclose(alone(ROWS).logits[0], every(ROWS).logits[i], atol=1e-5)
    assert every.members(slice(1, None)).shape.members == 2


def test_a_copy_of_members_leaves_the_network_alone() -> None:
    every = network(2)
    before = every(ROWS).logits.clone()
    every.members(slice(0, 1)).cool(100.0)
    assert torch.equal(every(ROWS).logits, before)


def test_members_begin_alike_and_one_seed_gives_one_network() -> None:
    layer = StackedLinear(3, 5, 4, torch.Generator().manual_seed(1))
    assert torch.equal(layer.weight[0], layer.weight[2])
    one, same, other = (LayeredNetwork(Shape(5, 3), seed)(ROWS).logits for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_rows_of_each_member_and_rows_of_all_are_multiplied_alike() -> None:
    layer = StackedLinear(3, 5, 4, torch.Generator().manual_seed(1)).requires_grad_(False)
    layer.bias.copy_(torch.randn(3, 1, 4, generator=torch.Generator().manual_seed(2)))
    assert torch.allclose(layer(ROWS, 2.0), layer(ROWS.expand(3, 9, 5), 2.0), atol=1e-6)
    assert torch.allclose(layer(ROWS[None], 2.0), layer(ROWS, 2.0), atol=1e-6)
    assert torch.allclose(layer(ROWS, 2.0), layer(2 * ROWS), atol=1e-6)


@pytest.mark.parametrize("hidden", [(), (4,), (4, 6)])
def test_it_comes_back_out_of_its_description_and_its_weights(hidden: tuple[int, ...]) -> None:
    made = network(2, hidden)
    described = json.loads(json.dumps(made.described()))
    again = LayeredNetwork.restored(described, made.state_dict())
    assert (again.shape, again.described()) == (made.shape, made.described())
    assert torch.equal(again(ROWS).logits, made(ROWS).logits)


@pytest.mark.parametrize("change", [{"inputs": 6}, {"classes": 2}, {"hidden": [3]}, {"members": 3}])
def test_weights_of_another_shape_are_refused(change: dict[str, object]) -> None:
    made = network(2)
    with pytest.raises(RuntimeError, match="size mismatch"):
        LayeredNetwork.restored({**made.described(), **change}, made.state_dict())


@pytest.mark.parametrize("size", [torch.tensor(2.5), torch.tensor([0.5, 1.0, 2.0, 4.0, 8.0])])
def test_a_scaling_is_taken_over(size: torch.Tensor) -> None:
    made, center = network(2), torch.arange(5.0)
    expected = made((ROWS - center) / size).logits
    made.take_over_scaling(center, size)
    assert torch.allclose(made(ROWS).logits, expected, atol=1e-4)


def test_cooled_the_classes_stay_and_the_doubt_grows() -> None:
    made = network()
    before = made(ROWS)
    made.cool(4.0)
    after = made(ROWS)
    assert torch.allclose(after.logits, before.logits / 4, atol=1e-6)
    assert torch.equal(after.logits.argmax(-1), before.logits.argmax(-1))
    assert torch.equal(after.last_hidden, before.last_hidden)


def test_seen_through_a_basis_it_says_the_same_of_what_lies_in_it() -> None:
    made = network(2)
    basis = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(3))).Q[:, :3]
    along = ROWS @ basis
    narrow = made.seen_through(basis)
    expected = made(along @ basis.T).logits
    # What goes in is scaled by the root of its width.
    first = narrow.layers[0]
    assert isinstance(first, StackedLinear)
    first.requires_grad_(False).weight.mul_(made.scale / narrow.scale)
    assert torch.allclose(narrow(along).logits, expected, atol=1e-5)
    back = network(2)
    first.weight.mul_(narrow.scale / made.scale)
    back.take_over(narrow, basis)
    assert torch.allclose(back(along @ basis.T).logits, expected, atol=1e-5)
    beside = ROWS - along @ basis.T
    assert torch.allclose(back(ROWS).logits, back(ROWS - beside).logits, atol=1e-5)


def of(rows: int, features: bool = True) -> Layers:
    hidden = torch.arange(rows * 2.0).view(rows, 2)
    return Layers((hidden, hidden + 100), hidden[:, :1] * 3, hidden if features else None)


def test_rows_are_taken_of_all_that_was_seen() -> None:
    some = of(5).rows(torch.tensor([4, 0]))
    assert some.logits.tolist() == [[24.0], [0.0]]
    assert some.hidden[1].tolist() == [[108.0, 109.0], [100.0, 101.0]]
    assert some.features is not None
    assert some.features.tolist() == [[8.0, 9.0], [0.0, 1.0]]
    assert of(5, features=False).rows(slice(0, 2)).features is None
    assert of(5).rows(slice(1, 3)).logits.tolist() == [[6.0], [12.0]]


def test_rows_of_others_come_behind() -> None:
    both = of(2).with_rows(of(3))
    assert torch.equal(both.logits, torch.cat([of(2).logits, of(3).logits]))
    assert [len(layer) for layer in both.hidden] == [5, 5]
    assert both.features is not None
    assert len(both.features) == 5
    assert of(2).with_rows(of(3, features=False)).features is None


def test_heads_need_a_hidden_layer() -> None:
    assert torch.equal(of(2).last_hidden, of(2).hidden[1])
    with pytest.raises(ValueError, match="no hidden layer: heads need one"):
        _ = network(hidden=())(ROWS).last_hidden
