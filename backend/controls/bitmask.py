"""Masks as <BitmaskLabels> holds them: a PNG in a data URL whose alpha is the mask."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from backend.controls import runs
from backend.controls.run_length import MARKED
from backend.controls.runs import Runs

BEGIN = "data:image/png;base64,"
MAX_CHARACTERS = 8_000_000
MAX_PIXELS = 30_000_000
"""Of a mask that is read: 120 MB of memory while it is."""
_HEADER = 48
"""Characters that hold the signature and the size."""


def picture_of(marked: Runs, height: int, width: int) -> str:
    """With one bit a pixel: to a browser the same as four bytes, and a tenth as long."""
    from PIL import Image

    picture = Image.fromarray(runs.mask_of(marked, height, width).astype(np.uint8), "L")
    picture.putpalette([0] * 6)
    written = io.BytesIO()
    picture.save(written, "PNG", bits=1, transparency=bytes([0, 255]), optimize=True)
    return BEGIN + base64.b64encode(written.getvalue()).decode()


def size_in(url: Any) -> tuple[int, int] | None:
    """Height and width as a PNG tells them at its beginning; None for what is none, or too long to be one."""
    if not isinstance(url, str) or not url.startswith(BEGIN) or len(url) > MAX_CHARACTERS:
        return None
    try:
        begin = base64.b64decode(url[len(BEGIN) :][:_HEADER])
    except ValueError:
        return None
    if len(begin) < 24 or begin[12:16] != b"IHDR":
        return None
    width, height = (int.from_bytes(begin[i : i + 4], "big") for i in (16, 20))
    return height, width


def mask_in(url: Any) -> tuple[tuple[int, int], Runs] | None:
    """Height and width, and what is marked; None for what is no PNG with alpha, or too large. Never
    raises."""
    size = size_in(url)
    if size is None or not 0 < size[0] * size[1] <= MAX_PIXELS:
        return None
    from PIL import Image

    try:
        with Image.open(io.BytesIO(base64.b64decode(url[len(BEGIN) :])), formats=("PNG",)) as image:
            if not image.has_transparency_data:
                return None
            whole = image if "A" in image.getbands() else image.convert("RGBA")
            alpha = np.asarray(whole.getchannel("A"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # whatever Pillow says of what is no such picture
    return size, runs.runs_of(alpha >= MARKED)
