"""Pictures that are drawn here: tiles off a belt, most of them intact, some cracked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

COUNT, CRACKED_IN = 700, 7
"""Tiles, and of how many one is cracked."""
SIDE = 160
FOLDER = "drawn-tiles-1"
"""The number changes with what is drawn."""
CLASSES = ("cracked", "intact")


def drawn_tiles(cache_dir: Path, count: int = COUNT) -> Path:
    """A folder with a folder per class, drawn on the first call; the same tiles each time."""
    folder = cache_dir / FOLDER
    if folder.is_dir():
        return folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        begun = Path(scratch, "tiles")
        for number in range(count):
            name = CLASSES[number % CRACKED_IN > 0]
            file = begun / name / f"{number:04d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            tile(number, cracked=name == "cracked").save(file, "JPEG", quality=80)
        try:
            os.replace(begun, folder)
        except OSError:  # another demo has drawn them meanwhile
            if not folder.is_dir():
                raise
    return folder


def tile(number: int, *, cracked: bool) -> Image.Image:
    """Glazed, lit from one side, often veined; a crack is dark and jagged, a vein pale and smooth."""
    chance = np.random.default_rng([number, cracked])
    image = Image.fromarray(_glaze(chance))
    for _ in range(int(chance.integers(0, 3))):
        image = _with_line(image, chance, jagged=False)
    if cracked:
        image = _with_line(image, chance, jagged=True)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIDE - 1, SIDE - 1), outline=(70, 68, 66), width=4)
    return image


def _glaze(chance: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """uint8 [SIDE, SIDE, 3]."""
    colour = chance.integers(120, 226, 3).astype(np.float64)
    coarse = Image.fromarray(chance.integers(0, 256, (6, 6), dtype=np.uint8))
    clouds = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)[..., None] - 128
    angle, across = chance.uniform(0, 2 * np.pi), np.linspace(-1, 1, SIDE)
    light = (np.cos(angle) * across[None, :] + np.sin(angle) * across[:, None])[..., None]
    grain = chance.normal(0, 4, (SIDE, SIDE, 1))
    return (colour + 0.14 * clouds + 22 * light + grain).clip(0, 255).astype(np.uint8)


def _with_line(image: Image.Image, chance: np.random.Generator, *, jagged: bool) -> Image.Image:
    """From one edge across the tile, in steps that turn."""
    angle, turn = chance.uniform(0, 2 * np.pi), 0.0
    x, y = SIDE / 2 - np.cos(angle) * SIDE / 2, SIDE / 2 - np.sin(angle) * SIDE / 2
    points = [(x, y)]
    for _ in range(int(chance.integers(9, 17))):
        turn = float(chance.normal(0, 0.75)) if jagged else 0.7 * turn + float(chance.normal(0, 0.12))
        x, y = x + 11 * np.cos(angle + turn), y + 11 * np.sin(angle + turn)
        points.append((x, y))
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).line(points, fill=220 if jagged else 150, width=2 if jagged else 5)
    mask = mask.filter(ImageFilter.GaussianBlur(0.5 if jagged else 2.5))
    return Image.composite(Image.new("RGB", image.size, "#2a2522" if jagged else "#f4f0e8"), image, mask)
