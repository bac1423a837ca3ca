"""What a simulation's rows become: texts by a text encoder, files of images by an image encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from backend.content.pictures import decoded
from backend.encoders import images
from backend.encoders.base import encoded
from backend.encoders.registry import find_encoder

BATCH = 64
"""Images in memory at once."""


def pool_and_held_out(
    encoder: str, pool: Sequence[str], held_out: Sequence[str], seed: int
) -> tuple[Tensor, Tensor]:
    """Float32 [N, D] and [M, D]. encoder: a text encoder, fitted on the pool alone, or, for files of images,
    an image encoder."""
    if encoder in images.NAMES:
        return _of_files(encoder, pool), _of_files(encoder, held_out)
    fitted = find_encoder(encoder).fit(list(pool), seed=seed)
    return encoded(fitted, list(pool)), encoded(fitted, list(held_out))


def _of_files(name: str, files: Sequence[str]) -> Tensor:
    encoder = images.find_image_encoder(name)
    parts = [
        encoder.encode([decoded(Path(file).read_bytes()).pixels for file in files[start : start + BATCH]])
        for start in range(0, len(files), BATCH)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, encoder.dims)
