"""The design behind `auto` of items with units, held to what it is defined as."""

import pytest
import torch
from torch import Tensor

from backend.sampling.design import MAX_DIMENSIONS, Problem, main_directions, v_optimal
from backend.sampling.designed import second_moment


def test_each_pick_leaves_the_least_variance_over_the_pool() -> None:
    """Held to its definition: every candidate tried, every covariance inverted anew."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    candidates, known, pool = random(40, 6), random(5, 6), random(80, 6)
    information, known_information = random(40).abs(), random(5).abs()
    target = pool.T @ pool / 80
    precision = 0.1 * torch.eye(6, dtype=torch.float64) + (known.T * known_information) @ known
    expected: list[int] = []
    for _ in range(10):
        with_label = [precision + information[i] * candidates[i].outer(candidates[i]) for i in range(40)]
        left = torch.stack([(torch.linalg.inv(each) * target).sum() for each in with_label])
        left[expected] = torch.inf
        expected.append(int(left.argmin()))
        precision = with_label[expected[-1]]

    picks = v_optimal(candidates, information, known, known_information, target, 0.1, 10)

    assert picks.tolist() == expected


def test_a_class_predicted_rarely_counts_as_much_as_a_frequent_one() -> None:
    seems = torch.nn.functional.one_hot(torch.arange(100) // 95, 2).float()  # 95 of the one, 5 of the other
    moment = second_moment(seems, torch.full((100,), 0.25), seems)
    assert float(moment[1, 1] / moment[0, 0]) == pytest.approx(1, abs=0.03)


def problem(falling: float, dims: int = 40) -> Problem:
    """Direction by direction the items differ less, by this factor."""
    generator = torch.Generator().manual_seed(1)
    turn = torch.linalg.qr(torch.randn(dims, dims, generator=generator)).Q
    sizes = falling ** torch.arange(dims)
    pool, known = ((torch.randn(n, dims, generator=generator) * sizes) @ turn for n in (400, 20))
    information = torch.rand(400, generator=generator) / 4
    moment = second_moment(pool, information, torch.full((400, 2), 0.5))
    return Problem(pool, information, known, torch.full((20,), 0.2), moment, 0.01)


def variance_left(of: Problem, picks: Tensor) -> float:
    """Over the pool, once the picks are labelled."""
    rows = torch.cat([of.known, of.candidates[picks]]).double()
    weights = torch.cat([of.known_information, of.information[picks]]).double()
    precision = of.ridge * torch.eye(rows.shape[1], dtype=torch.float64) + (rows.T * weights) @ rows
    return float((torch.linalg.inv(precision) * of.target.double()).sum())


def test_along_its_main_directions_a_design_leaves_hardly_more_variance() -> None:
    whole = problem(falling=0.85)
    exact = variance_left(whole, v_optimal(*whole, 30))
    narrowed = variance_left(whole, v_optimal(*whole.narrowed(20), 30))
    by_information = variance_left(whole, whole.information.topk(30).indices)
    assert narrowed < exact + 0.05 * (by_information - exact)


def test_a_design_of_few_directions_is_left_as_it_is() -> None:
    whole = problem(falling=0.9)
    assert whole.narrowed(40) is whole
    assert whole.narrowed() is whole
    wide = problem(falling=0.99, dims=MAX_DIMENSIONS + 1).narrowed()
    assert wide.candidates.shape == (400, MAX_DIMENSIONS)
    assert wide.target.shape == (MAX_DIMENSIONS, MAX_DIMENSIONS)


def test_what_a_row_has_for_itself_takes_from_what_its_label_tells() -> None:
    basis = torch.eye(6)[:, :2]
    moment = basis @ torch.diag(torch.tensor([2.0, 1.0])) @ basis.T
    rows = torch.tensor([[1.0, 1, 0, 0, 0, 0], [1, 1, 0, 0, 2, 0]])
    whole = Problem(rows, torch.tensor([0.25, 0.25]), rows[:0], torch.zeros(0), moment, 0.5)
    narrow = whole.narrowed(2)
    assert narrow.information.tolist() == pytest.approx([0.25, 0.25 / (1 + 0.25 * 4 / 0.5)])
    assert torch.allclose(narrow.candidates @ narrow.candidates.T, torch.full((2, 2), 2.0), atol=1e-5)


def test_main_directions_hold_nearly_what_the_first_eigenvectors_do() -> None:
    moment = problem(falling=0.85).target
    basis = main_directions(moment, 10)
    assert torch.allclose(basis.T @ basis, torch.eye(10), atol=1e-5)
    held = float((basis.T @ moment @ basis).trace())
    assert held > 0.99 * float(torch.linalg.eigvalsh(moment)[-10:].sum())
    assert torch.equal(basis, main_directions(moment, 10))
