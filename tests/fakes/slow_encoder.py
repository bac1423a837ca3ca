"""An encoder whose every text takes its time on a clock of the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.encoders import registry

WORDS = ["storm", "flood", "quake", "fire", "tea", "book", "song", "game"]


class SlowEncoder:
    """Counts a few words: enough to learn from. encoded: all texts it was asked for, one after the other."""

    pretrained = True
    dims = len(WORDS)
    seconds = 1.0
    encoded: list[str]
    now: float

    def __init__(self) -> None:
        self.encoded = []
        self.now = 0.0

    def fit(self, texts: Sequence[str], *, seed: int) -> SlowEncoder:
        return self

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> SlowEncoder:
        return self

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"weights": np.zeros(1, np.float32)}

    def encode(self, texts: Sequence[str]) -> Tensor:
        self.encoded += texts
        self.now += self.seconds * len(texts)
        counts = [[float(text.split().count(word)) for word in WORDS] for text in texts]
        return torch.tensor(counts).reshape(-1, len(WORDS))


def install(monkeypatch: pytest.MonkeyPatch) -> SlowEncoder:
    """As `slow`."""
    slow = SlowEncoder()
    monkeypatch.setitem(registry.ENCODERS, "slow", slow)  # type: ignore[arg-type]
    monkeypatch.setattr("backend.encoders.within.clock", lambda: slow.now)
    return slow
