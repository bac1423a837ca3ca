"""What spares tests a training trains anew where anything differs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.unit.learned_once import learned_once

calls: list[float] = []


def fit(network: nn.Linear, rows: Tensor, labels: Tensor, *, steps: int = 1) -> Tensor:
    calls.append(steps)
    with torch.no_grad():
        network.weight += rows.mean() + labels.sum() * steps
    return rows * 2


def network(value: float = 1.0, width: int = 2) -> nn.Linear:
    made = nn.Linear(width, 1)
    with torch.no_grad():
        made.weight.fill_(value)
        made.bias.zero_()
    return made


ROWS, LABELS = torch.arange(4.0), torch.tensor([0, 1])


def test_the_same_is_trained_once_and_leaves_the_same() -> None:
    known, before = learned_once(fit), len(calls)
    one, other = network(), network()
    told = known(one, ROWS, LABELS, steps=3)
    told.zero_()  # whoever changes what was returned changes nobody else's
    assert known(other, ROWS.clone(), LABELS.clone(), steps=3).tolist() == [0.0, 2.0, 4.0, 6.0]
    assert len(calls) == before + 1
    assert torch.equal(one.weight, other.weight)
    assert one.weight[0, 0] == 5.5  # 1 + 1.5 + 3


@pytest.mark.parametrize(
    ("other", "rows", "labels", "steps"),
    [
        (network(1.5), ROWS, LABELS, 7),
        (network(width=3), ROWS, LABELS, 7),
        (network(), ROWS + 1, LABELS, 7),
        (network(), ROWS.double(), LABELS, 7),
        (network(), ROWS.reshape(2, 2), LABELS, 7),
        (network(), ROWS, LABELS.flip(0), 7),
        (network(), ROWS, LABELS, 8),
    ],
    ids=["weights", "width", "rows", "type", "shape", "labels", "steps"],
)
def test_another_is_trained_anew(other: nn.Linear, rows: Tensor, labels: Tensor, steps: int) -> None:
    known = learned_once(fit)
    known(network(), ROWS, LABELS, steps=7)
    before = len(calls)
    known(other, rows, labels, steps=steps)
    assert len(calls) == before + 1


def test_what_it_cannot_tell_apart_is_said() -> None:
    with pytest.raises(TypeError, match="say in _parts"):
        learned_once(fit)(network(), ROWS, LABELS, steps=object())
