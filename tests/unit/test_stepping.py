"""A network and its siblings, trained in steps: who sees what, how often, and that a seed settles it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.learning import stepping
from backend.learning.stepping import Stepped, train_in_steps

CLASSES, WIDTH, GROUPS = 3, 12, 9
HIDDEN = (16, 16)


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "STEPS", 60)
    monkeypatch.setattr(stepping, "AT_ONCE", 64)


def scene(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of about unit length that look like their classes, the classes, and nine groups of them."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, CLASSES, (450,), generator=generator)
    looks = torch.eye(CLASSES, WIDTH)
    rows = looks[targets] + 0.1 * torch.randn(450, WIDTH, generator=generator)
    return rows, targets, torch.arange(450) % GROUPS


def stepped(rows: Tensor, targets: Tensor, group: Tensor, classes: int = CLASSES, seed: int = 0) -> Stepped:
    return train_in_steps(
        rows, targets, torch.ones(len(rows)), classes, hidden=HIDDEN, folds=3, seed=seed, together=group
    )


def test_all_members_learn() -> None:
    found, (rows, targets, _) = stepped(*scene()), scene(seed=1)
    assert found.network.shape.members == 4
    with torch.no_grad():
        said = found.network(rows).logits.argmax(-1)
    assert ((said == targets).float().mean(1) > 0.9).all()


def test_a_seed_settles_it() -> None:
    first, again, other = stepped(*scene()), stepped(*scene()), stepped(*scene(), seed=1)
    assert torch.equal(first.fold_of, again.fold_of)
    mine, same, others = parameters(first, again, other)
    assert all(torch.equal(a, b) for a, b in zip(mine, same, strict=True))
    assert not torch.equal(mine[0], others[0])


def test_a_sibling_has_not_seen_its_fold() -> None:
    """What the fold's items are called changes all members but the sibling that does not see them."""
    rows, targets, group = scene()
    first = stepped(rows, targets, group)
    assert all(len(first.fold_of[group == i].unique()) == 1 for i in range(GROUPS))
    assert sorted(first.fold_of.unique().tolist()) == [0, 1, 2]
    # Not the groups' first items, by whose classes folds are dealt.
    renamed = (first.fold_of == 1) & (targets == 0) & (torch.arange(450) >= GROUPS)
    again = stepped(rows, torch.where(renamed, 1, targets), group)
    assert torch.equal(again.fold_of, first.fold_of)
    same = [
        all(torch.equal(a[i], b[i]) for a, b in zip(*parameters(first, again), strict=True)) for i in range(4)
    ]
    assert same == [False, False, True, False]


def parameters(*found: Stepped) -> list[list[Tensor]]:
    return [[each.detach() for each in one.network.parameters()] for one in found]


def test_what_has_a_larger_chance_is_learned_rather() -> None:
    """Where alike rows are called by two names, the likelier one is believed."""
    rows = torch.ones(200, WIDTH) / WIDTH**0.5
    targets = torch.arange(200) % 2
    group = torch.arange(200) // 2 % GROUPS
    for favoured in (0, 1):
        chances = torch.where(targets == favoured, 3.0, 1.0)
        found = train_in_steps(rows, targets, chances, 2, hidden=HIDDEN, folds=3, together=group)
        with torch.no_grad():
            likely = found.network(rows[:1]).probabilities[:, 0, favoured]
        assert ((likely > 0.65) & (likely < 0.85)).all()


def test_one_class_alone_cannot_be_trained() -> None:
    rows, _, group = scene()
    with pytest.raises(ValueError, match="two classes"):
        stepped(rows, torch.zeros(len(rows), dtype=torch.int64), group)
