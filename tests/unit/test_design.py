"""The design behind `auto`, held to what it is defined as."""

import pytest
import torch
from torch import Tensor

from backend.sampling.auto import second_moment
from backend.sampling.design import v_optimal


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
