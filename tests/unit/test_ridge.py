"""Ridge regression as a network over some numbers."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import Ridge, RidgeCV
from torch import Tensor

from backend.learning.ridge import PENALTIES, fit_ridge, held_out, train_ridge
from backend.learning.training import outputs


def rows(items: int, width: int, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    """Features, and numbers that go by them but for noise."""
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(items, width, generator=generator), dim=1)
    return features, 30 + 20 * features[:, 0] + noise * torch.randn(items, generator=generator)


def left_out(features: Tensor, numbers: Tensor, penalty: float) -> float:
    """The root of the mean square of errors on each item by a model of all others."""
    errors = []
    for item in range(len(numbers)):
        seen = torch.arange(len(numbers)) != item
        model = Ridge(penalty).fit(features[seen].double().numpy(), numbers[seen].double().numpy())
        errors.append(float(model.predict(features[item : item + 1].double().numpy())[0] - numbers[item]))
    return float(torch.tensor(errors, dtype=torch.float64).square().mean().sqrt())


@pytest.mark.parametrize(("items", "width"), [(40, 6), (12, 30)], ids=["more items", "more features"])
def test_it_is_the_ridge_that_errs_least_on_items_left_out(items: int, width: int) -> None:
    features, numbers = rows(items, width)
    fitted = fit_ridge(features, numbers)
    theirs = RidgeCV(PENALTIES).fit(features.double().numpy(), numbers.double().numpy())
    assert fitted.weights.numpy() == pytest.approx(theirs.coef_, rel=1e-4, abs=1e-6)
    assert float(fitted.offset) == pytest.approx(float(theirs.intercept_), rel=1e-6)
    assert float(fitted.error) == pytest.approx(left_out(features, numbers, theirs.alpha_), rel=1e-4)


@pytest.mark.parametrize("noise", [1.0, 0.0], ids=["with noise", "without"])
@pytest.mark.parametrize("uneven", [False, True], ids=["even", "crowded on one side"])
def test_the_number_to_be_expected_is_the_one_that_is_predicted(uneven: bool, noise: float) -> None:
    """However the centres lie: crowded ones do not draw it to their side, and what is between two is not
    taken for the nearer one, which would put it a quarter of the gap off."""
    features, numbers = rows(200, 6, noise)
    step = torch.linspace(0, 1, 20, dtype=torch.float64)
    centres = 8 + 44 * (step**2 if uneven else step)
    likely = outputs(train_ridge(features, numbers, centres), features).probabilities.double()
    fitted = fit_ridge(features, numbers)
    off = likely @ centres - (features.double() @ fitted.weights + fitted.offset)
    gap = centres.diff().mean()
    assert off.abs().mean() < gap / 6
    assert off.mean().abs() < gap / 40


def test_items_of_one_content_are_not_told_from_each_other() -> None:
    """Each number stands twice: a model that had seen the other one would be right."""
    features = torch.eye(20).repeat(2, 1)
    numbers = torch.rand(20, generator=torch.Generator().manual_seed(0)).double().repeat(2)
    centres = torch.linspace(0, 1, 5, dtype=torch.float64)

    def error(together: Tensor) -> float:
        likely = held_out(features, numbers, centres, together).probabilities.double()
        return float((likely @ centres - numbers).abs().mean())

    apart, same = error(torch.arange(40)), error(torch.arange(20).repeat(2))
    assert apart < 0.5 * same


def test_of_one_number_nothing_is_learned_and_none_is_likelier() -> None:
    features, centres = torch.eye(3), torch.tensor([1.0, 2.0])
    together = torch.tensor([0, 0, 1])
    said = held_out(features, torch.tensor([1.0, 1.0, 2.0]), centres, together)
    assert said.probabilities[2].tolist() == [0.5, 0.5]


def test_numbers_met_to_the_last_digit_leave_likelihoods_finite() -> None:
    features, centres = torch.eye(4), torch.tensor([0.0, 1e90], dtype=torch.float64)
    network = train_ridge(features, torch.tensor([0.0, 1e90, 0.0, 1e90], dtype=torch.float64), centres)
    assert outputs(network, features).logits.isfinite().all()
