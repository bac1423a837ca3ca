"""Image encoders by name."""

from __future__ import annotations

from backend.encoders.lite0_weights import WEIGHTS, lite0
from backend.encoders.pictures import ImageEncoder, Lite0Encoder

NAMES = ("lite0",)


def find_image_encoder(name: str) -> ImageEncoder:
    """Raises ValueError for an unknown name. Its weights are read when they are needed."""
    if name not in NAMES:
        raise ValueError(f"unknown image encoder {name!r}; choose one of: {', '.join(NAMES)}")
    return Lite0Encoder(lite0)


def missing_for_images(name: str) -> str | None:
    """Why it cannot be used, with what to do; None where it can. Reads no weights."""
    if name not in NAMES:
        return f"unknown image encoder {name!r}; choose one of: {', '.join(NAMES)}"
    return WEIGHTS.missing()
