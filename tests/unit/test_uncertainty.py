"""Each name stands for its measure."""

import math

import pytest
import torch

from backend.sampling import make_scene, rank
from backend.sampling import uncertainty as u
from backend.sampling.ensemble import bald, variation_ratios
from tests.unit.scenes import DIMS, boundary_scene, picks_of, random_scene

PROBABILITIES = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [1 / 3, 1 / 3, 1 / 3]])


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (u.least_confidence, [0, 0.75, 0.9, 1]),
        (u.margin, [0, 1, 0.9, 1]),
        (u.ratio, [0, 1, 0.75, 1]),
        (u.entropy, [0, 0.6309, 0.9912, 1]),
    ],
)
def test_uncertainty_by_the_books_formulas(measure, expected) -> None:
    assert measure(PROBABILITIES).tolist() == pytest.approx(expected, abs=1e-3)


def test_margin_ranks_the_boundary_first() -> None:
    pool, labeled, targets = random_scene()
    order = rank("margin", pool, labeled, targets).order
    assert pool[order[:10], 0].abs().mean() < pool[order[-10:], 0].abs().mean() / 2


def test_the_uncertainties_by_name_are_four_different_orders() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(360, DIMS, generator=generator), dim=1)
    scene = make_scene(features[60:], features[:60], features[:60, :4].argmax(1))
    best, second = scene.probabilities.topk(2).values.T
    expected = {
        "least_confidence": 1 - best,
        "margin": second - best,
        "ratio": second / best,
        "entropy": -(scene.probabilities * scene.probabilities.log()).sum(1),
    }
    for name, worth in expected.items():
        assert picks_of(name, scene, 30).tolist() == worth.topk(30).indices.tolist()
    assert len({str(worth.topk(30).indices.tolist()) for worth in expected.values()}) == 4


def test_the_disagreements_by_name_are_those_of_the_siblings() -> None:
    scene, _ = boundary_scene()
    mean = scene.member_probabilities.mean(0)
    entropies = torch.special.entr(scene.member_probabilities).sum(-1).mean(0)
    divided = torch.special.entr(mean).sum(-1) - entropies
    assert len(set(picks_of("bald", scene, 20).tolist()) & set(divided.topk(20).indices.tolist())) >= 18
    votes = scene.member_probabilities.argmax(-1)
    minority = torch.minimum((votes == 0).sum(0), (votes == 1).sum(0))
    picks = minority[picks_of("variation_ratios", scene, 40)]
    assert picks.tolist() == minority.sort(descending=True).values[:40].tolist()
    assert picks[0] > picks[-1]


def test_bald_is_disagreement_and_not_uncertainty() -> None:
    agreed = torch.tensor([0.5, 0.5]).expand(4, 1, 2)
    torn = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])[:, None]
    sure = torch.tensor([1.0, 0.0]).expand(4, 1, 2)
    both = torch.cat([agreed, torn, sure], dim=1)
    assert bald(both).tolist() == pytest.approx([0, math.log(2), 0], abs=1e-6)
    votes = variation_ratios(both)
    assert votes[1] == pytest.approx(0.5, abs=0.13)
    assert votes[0] == votes[2] == 0
    assert variation_ratios(torch.stack([torn[0], torn[0], torn[0], torn[1]]))[0] == pytest.approx(
        0.25, abs=0.13
    )
