"""Files of images as an encoder sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.content.pictures import decoded
from backend.encoders.pictures import ImageEncoder
from backend.labelled.things import content_at

BATCH = 64
"""Images in memory at once."""


class FilesEncoder:
    """An image encoder for items that are files' paths, or data: addresses."""

    def __init__(self, inner: ImageEncoder):
        self._inner = inner

    @property
    def block_widths(self) -> tuple[int, ...]:
        return self._inner.block_widths

    @property
    def dims(self) -> int:
        return self._inner.dims

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Float32 [N, dims]. Raises NoContent for what is no image, OSError for what is gone."""
        parts = [
            self._inner.encode([decoded(content_at(item)).pixels for item in texts[start : start + BATCH]])
            for start in range(0, len(texts), BATCH)
        ]
        return torch.cat(parts) if parts else torch.zeros(0, self.dims)

    def arrays(self) -> Mapping[str, np.ndarray[Any, Any]]:
        return {}
