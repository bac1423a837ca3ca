"""How likely a guess is right means what it says, and goes with its version."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.learning.calibrated import SureHead, sure_head
from backend.learning.network import Layers
from backend.learning.training import OutOfFold
from backend.store.manifests import manifest_of, tensors_of, version_from
from tests.unit.test_store import version


def bold(n: int, seed: int) -> tuple[Layers, Tensor]:
    """A classifier three times as sure as it should be, and whether it is right."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 3, generator=generator) * 1.5
    truth = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
    return Layers((), logits * 3), logits.argmax(-1) == truth


def test_a_bold_classifier_is_toned_down() -> None:
    head = sure_head(OutOfFold(*bold(300, 0)), torch.zeros(300, dtype=torch.bool))
    layers, right = bold(5000, 1)
    said = 1 - head(layers)
    assert float(said.mean()) == pytest.approx(float(right.float().mean()), abs=0.05)
    for low, high in ((0.3, 0.6), (0.6, 0.8), (0.8, 1.0)):
        some = (said >= low) & (said < high)
        assert float(said[some].mean()) == pytest.approx(float(right[some].float().mean()), abs=0.1)
    assert abs(float(layers.probabilities.max(-1).values.mean()) - float(right.float().mean())) > 0.1


def test_audits_do_not_teach_the_head_that_judges_them() -> None:
    layers, right = bold(200, 2)
    audits = torch.arange(200) < 20
    turned = torch.where(audits, ~right, right)
    heads = [sure_head(OutOfFold(layers, said), audits) for said in (right, turned)]
    assert torch.equal(heads[0].weights, heads[1].weights)


def test_a_correction_moves_all_and_doubt_about_it_shrinks() -> None:
    layers, _ = bold(100, 3)
    head = SureHead()
    better, vaguer = head.corrected(0.7, 0.0), head.corrected(0.0, 1.0)
    assert bool((better(layers) < head(layers)).all())
    assert bool(((vaguer(layers) - 0.5).abs() <= (head(layers) - 0.5).abs()).all())
    assert torch.equal(head.weights, SureHead().weights)


def test_extreme_logits_give_probabilities() -> None:
    layers = Layers((), torch.tensor([[1e4, -1e4], [0.0, 0.0], [-1e4, -1e4]]))
    said = SureHead()(layers)
    assert bool((said.isfinite() & (said >= 0) & (said <= 1)).all())


def test_a_version_keeps_it() -> None:
    before = replace(version(1), error_head=SureHead().corrected(0.4, 0.3))
    after = version_from(manifest_of(before), tensors_of(before)).error_head
    assert isinstance(after, SureHead)
    assert before.error_head is not None
    assert torch.equal(after.weights, before.error_head.weights)
