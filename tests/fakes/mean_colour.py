"""An image encoder of three numbers, and pictures that it tells apart."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.fakes.adaptable_encoder import NOISE, WORDS, Known, LastLayer


class MeanColour:
    """encoded: how many pictures so far."""

    name, dims = "mean-colour", 3
    block_widths: tuple[int, ...] = ()

    def __init__(self) -> None:
        self.encoded = 0

    def load(self) -> None:
        pass

    def encode(self, pictures: Any) -> Tensor:
        self.encoded += len(pictures)
        means = np.array([each.mean((0, 1)) / 255 for each in pictures]).reshape(-1, 3)
        return torch.tensor(4 * means - 2).float()


class AdaptableColour(MeanColour):
    """Knows red from blue, but says something else until its last layer is adapted."""

    name, dims, columns = "adaptable-colour", NOISE, NOISE

    def encode(self, pictures: Any) -> Tensor:
        self.encoded += len(pictures)
        with torch.no_grad():
            return LastLayer()(self.inputs(pictures).x)

    def backbone(self, depth: str) -> AdaptableColour:
        return self

    def inputs(self, contents: Any, batch_done: Any = lambda: None) -> Known:
        batch_done()
        rows = [_known(round(float(each[..., 0].mean()))) for each in contents]
        return Known(torch.stack(rows) if rows else torch.zeros(0, NOISE + len(WORDS)))

    def sizes(self, contents: Any) -> list[int]:
        return [NOISE + len(WORDS)] * len(contents)

    def blocks(self) -> LastLayer:
        return LastLayer()


def _known(red: int) -> Tensor:
    noise = torch.randn(NOISE, generator=torch.Generator().manual_seed(red))
    told = torch.zeros(len(WORDS))
    told[int(red > 127)] = 1.0
    return torch.cat([noise / 2, told])


def install(monkeypatch: pytest.MonkeyPatch, encoder: MeanColour | None = None) -> MeanColour:
    """In the place of every image encoder."""
    encoder = encoder or MeanColour()
    for module in ("backend.jobs.image_pool", "backend.store.image_cache"):
        monkeypatch.setattr(f"{module}.find_image_encoder", lambda name: encoder)
    monkeypatch.setattr("backend.store.image_cache.kept_image_encoder", lambda name: encoder)
    return encoder


def png(red: int, size: tuple[int, int] = (40, 30)) -> bytes:
    """The more red the less blue."""
    file = io.BytesIO()
    Image.new("RGB", size, (red, 0, 255 - red)).save(file, "PNG")
    return file.getvalue()
