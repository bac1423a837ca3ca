"""Pictures that the tests draw themselves: discs and bars of any colour, size and place."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("disc", "bar")


def drawn(shape: str, seed: int, side: int = 160) -> Image.Image:
    rng = np.random.default_rng([seed, SHAPES.index(shape)])
    noise = rng.integers(0, 60, (side, side, 3)) + rng.integers(0, 120, 3)
    image = Image.fromarray(noise.astype(np.uint8))
    x, y = rng.integers(side // 4, 3 * side // 4, 2).tolist()
    r = int(rng.integers(side // 8, side // 5))
    box = (x - r, y - r, x + r, y + r) if shape == "disc" else (x - 2 * r, y - r // 3, x + 2 * r, y + r // 3)
    colour = tuple(rng.integers(120, 256, 3).tolist())
    pen = ImageDraw.Draw(image)
    (pen.ellipse if shape == "disc" else pen.rectangle)(box, fill=colour)
    return image


def jpeg(shape: str, seed: int) -> bytes:
    file = io.BytesIO()
    drawn(shape, seed).save(file, "JPEG", quality=85)
    return file.getvalue()


def files(count: int) -> dict[str, bytes]:
    """By a name that begins with the shape."""
    shapes = [SHAPES[i % 2] for i in range(count)]
    return {f"{shape}-{i}.jpg": jpeg(shape, i) for i, shape in enumerate(shapes)}


def broken() -> dict[str, bytes]:
    """What is uploaded as an image and is none."""
    return {
        "disc-cut.jpg": jpeg("disc", 99)[:900],
        "bar-drawn.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "bar-page.jpg": b"<!DOCTYPE html><html>not found</html>",
    }
