"""Which cells of labelled images are trained on."""

from __future__ import annotations

import pytest
import torch

from backend.learning import cells
from backend.learning.cells import AROUND, BACKGROUND, CELLS, NEAR, UNSAID, sampled


def test_of_each_image_and_class_some_cells_are_taken() -> None:
    targets = torch.zeros(3, 80, 80, dtype=torch.int64)
    targets[0, :2, :5] = 1
    targets[1, :40] = 2
    targets[2] = UNSAID
    sample = sampled(targets, 3, seed=0)
    group = sample.image * 3 + sample.target
    near = (2 + NEAR) * (5 + NEAR) - 10
    background = [BACKGROUND + near, BACKGROUND + 80 * NEAR]
    assert near < 80 * NEAR < AROUND
    counts = torch.bincount(group, minlength=9).tolist()
    assert counts == [background[0], 10, 0, background[1], 0, CELLS, 0, 0, 0]
    assert (targets.flatten(1)[sample.image, sample.cell] == sample.target).all()
    assert float(sample.stands_for.sum()) == pytest.approx(2 * 6400, rel=1e-4)
    assert len(set(zip(sample.image.tolist(), sample.cell.tolist(), strict=True))) == len(sample.image)


def test_background_around_what_is_marked_is_taken_rather() -> None:
    targets = torch.zeros(1, 80, 80, dtype=torch.int64)
    targets[0, 40, 40] = 1
    sample = sampled(targets, 2, seed=0)
    away = torch.maximum((sample.cell // 80 - 40).abs(), (sample.cell % 80 - 40).abs())
    assert int(((away > 0) & (away <= NEAR)).sum()) == (2 * NEAR + 1) ** 2 - 1
    assert int((away > NEAR).sum()) == BACKGROUND
    assert (sample.stands_for[away <= NEAR] == 1).all()
    assert (sample.stands_for[away > NEAR] > 1).all()


def test_more_images_do_not_make_more_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST", 500)
    targets = torch.arange(20 * 400).view(20, 20, 20) % 4
    sample = sampled(targets, 4, seed=0)
    assert 500 <= len(sample.image) <= 500 + 20 * 4
    assert torch.bincount(sample.image * 4 + sample.target, minlength=80).min() > 0
