"""Logistic regression by Newton's method: what its options mean."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.learning.logistic import fit_logistic, log_evidence


def data(count: int = 60, dims: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, dims, generator=generator)
    noise = torch.randn(count, generator=generator)
    return torch.cat([x, torch.ones(count, 1)], 1), x[:, 0] - 0.5 * x[:, 1] + noise > 0


PENALTY = torch.tensor([1.0, 1.0, 1.0, 0.0])


def test_a_weight_of_two_is_a_row_that_is_there_twice() -> None:
    x, truth = data()
    weights = torch.ones(60)
    weights[:20] = 2
    twice = fit_logistic(torch.cat([x, x[:20]]), torch.cat([truth, truth[:20]]), PENALTY)
    assert torch.allclose(fit_logistic(x, truth, PENALTY, weights=weights), twice, atol=1e-5)


def test_a_weight_of_nothing_is_a_row_that_is_not_there() -> None:
    x, truth = data()
    weights = (torch.arange(60) >= 15).float()
    expected = fit_logistic(x[15:], truth[15:], PENALTY)
    assert torch.allclose(fit_logistic(x, truth, PENALTY, weights=weights), expected, atol=1e-5)


def test_the_order_of_the_rows_does_not_matter_and_neither_does_the_start() -> None:
    x, truth = data()
    found = fit_logistic(x, truth, PENALTY)
    shuffled = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(fit_logistic(x[shuffled], truth[shuffled], PENALTY), found, atol=1e-6)
    assert torch.allclose(fit_logistic(x, truth, PENALTY, start=found + 1), found, atol=1e-3)


def test_at_its_answer_the_loss_is_least() -> None:
    x, truth = data()
    found = fit_logistic(x, truth, PENALTY)
    gradient = x.double().T @ ((x.double() @ found).sigmoid() - truth.double()) + PENALTY.double() * found
    assert float(gradient.abs().max()) < 1e-3


@pytest.mark.parametrize("strength", [1e3, 1e6])
def test_a_strong_penalty_pulls_to_what_it_pulls_to(strength: float) -> None:
    x, truth = data()
    toward = torch.tensor([2.0, -1.0, 0.5, 0.0])
    pulled = fit_logistic(x, truth, PENALTY * strength, toward=toward)
    assert torch.allclose(pulled[:3], toward[:3].double(), atol=60 / strength)
    without = fit_logistic(x, truth, PENALTY * strength)
    assert float(without[:3].abs().max()) < 60 / strength


def test_shares_are_learned_as_such() -> None:
    """A third of ones is not the same as a third: only the mean of a column of ones is."""
    ones = torch.ones(30, 1)
    for truth in ((torch.arange(30) < 10).float(), torch.full((30,), 1 / 3)):
        found = fit_logistic(ones, truth, torch.zeros(1))
        assert float(found.sigmoid()) == pytest.approx(1 / 3, abs=1e-4)


def test_more_evidence_is_for_the_penalty_that_fits_what_made_the_data() -> None:
    x, truth = data(count=200, dims=10, seed=2)
    shape = torch.tensor([1.0] * 10 + [0.0])

    def evidence(strength: float) -> float:
        return log_evidence(x, truth, shape * strength, fit_logistic(x, truth, shape * strength))

    assert evidence(3.0) > max(evidence(1e-4), evidence(1e4))


def test_evidence_counts_weighted_rows_and_what_is_pulled_to() -> None:
    x, truth = data()
    found = fit_logistic(x, truth, PENALTY)
    plain = log_evidence(x, truth, PENALTY, found)
    assert log_evidence(x, truth, PENALTY, found, weights=torch.ones(60)) == pytest.approx(plain)
    assert log_evidence(x, truth, PENALTY, found, weights=torch.full((60,), 2.0)) < plain
    assert log_evidence(x, truth, PENALTY, found, toward=found) > plain  # nothing is away from it
