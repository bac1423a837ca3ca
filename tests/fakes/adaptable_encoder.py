"""An encoder that knows what a text is about, but says something else until its last layer is adapted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from backend.encoders import registry
from backend.encoders.backbones import Depth, nothing

WORDS = ["storm", "flood", "quake", "fire", "tea", "book", "song", "game"]
NOISE = 6


class Known:
    """x: float32 [N, NOISE + words]."""

    def __init__(self, x: Tensor):
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, rows: Sequence[int], device: str = "cpu") -> Tensor:
        return self.x[list(rows)].to(device)


class LastLayer(nn.Module):
    """Says noise at first. A small change of its weights changes much."""

    QUICK = 1000

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(NOISE, NOISE + len(WORDS)) / self.QUICK)

    def forward(self, x: Tensor) -> Tensor:
        return normalize(x @ self.weight.T * self.QUICK, dim=1)


class AdaptableEncoder:
    pretrained = True
    is_cheap: ClassVar[bool] = True
    dims = columns = NOISE

    def fit(self, texts: Sequence[str], *, seed: int) -> AdaptableEncoder:
        return self

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> AdaptableEncoder:
        return self

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"weights": np.zeros(1, np.float32)}

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        return LastLayer()(self.inputs(texts).x)

    def backbone(self, depth: Depth) -> AdaptableEncoder:
        return self

    def inputs(self, contents: Sequence[str], batch_done: Callable[[], object] = nothing) -> Known:
        batch_done()
        return Known(torch.stack([_known(text) for text in contents]))

    def sizes(self, contents: Sequence[str]) -> list[int]:
        return [NOISE + len(WORDS)] * len(contents)

    def blocks(self) -> nn.Module:
        return LastLayer()


def _known(text: str) -> Tensor:
    noise = torch.randn(NOISE, generator=torch.Generator().manual_seed(crc32(text.encode())))
    return torch.cat([noise / 2, torch.tensor([float(word in text) for word in WORDS])])


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `adaptable`."""
    monkeypatch.setitem(registry.ENCODERS, "adaptable", AdaptableEncoder())  # type: ignore[arg-type]
