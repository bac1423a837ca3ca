"""Vectors in two dimensions: the same for the same, and what is alike lies together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.learning import projection
from backend.learning.projection import Course, begun, ended, kept_near, placed, principal, restored


def groups(each: int = 40, count: int = 8, dims: int = 24, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Vectors of length 1 about some middles, and which middle each is about."""
    generator = torch.Generator().manual_seed(seed)
    middles = torch.randn(count, dims, generator=torch.Generator().manual_seed(99))
    group = torch.arange(count).repeat(each)
    noise = torch.randn(len(group), dims, generator=generator)
    return torch.nn.functional.normalize(middles[group] + 0.5 * noise), group


def test_what_is_alike_lies_together_better_than_by_principal_components() -> None:
    vectors, _ = groups()
    sample = torch.arange(0, len(vectors), 3)
    picture = torch.from_numpy(ended(begun(vectors)).positions)
    assert kept_near(vectors, picture, sample) > 0.2 + kept_near(vectors, principal(vectors, 2), sample)


def test_the_same_vectors_give_the_same_picture() -> None:
    vectors, _ = groups(each=12)
    one, other = ended(begun(vectors)), ended(begun(vectors.clone()))
    assert np.array_equal(one.positions, other.positions)


def test_an_interrupted_projection_goes_on_as_if_it_had_not_been(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "EARLY", 50)
    monkeypatch.setattr(projection, "LATE", 50)
    vectors, _ = groups(each=12)
    kept: list[Course] = []

    def stop(course: Course) -> None:
        kept.append(course)
        if course.steps >= 75:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        ended(begun(vectors), stop)
    again = restored({name: np.array(array) for name, array in kept[-1].arrays().items()})
    assert again.steps == 75
    assert np.array_equal(ended(again).positions, ended(begun(vectors)).positions)


def test_new_items_are_placed_among_their_like_and_move_no_other() -> None:
    vectors, group = groups()
    picture = torch.from_numpy(ended(begun(vectors)).positions).float()
    new, of = groups(each=5, seed=1)
    at = placed(new, vectors, picture)
    near = torch.cdist(at, picture).topk(5, largest=False).indices
    assert (group[near] == of[:, None]).float().mean() > 0.9


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_a_few_items_have_places_too(count: int) -> None:
    course = ended(begun(torch.nn.functional.normalize(torch.randn(count, 5))))
    assert course.positions.shape == (count, 2)
    assert np.isfinite(course.positions).all()


def test_equal_items_have_finite_places() -> None:
    assert np.isfinite(ended(begun(torch.ones(40, 6))).positions).all()
    assert np.isfinite(ended(begun(torch.ones(40, 1))).positions).all()
