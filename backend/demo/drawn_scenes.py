"""Scenes that are drawn: shapes of several classes on cluttered backgrounds, with their boxes and masks.

For measuring and for the demo. FIRST is the setting on which choices are made; SECOND has other shapes,
sizes, colours and backgrounds, and is reported only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from backend.demo.shapes import SHAPES, Outline

FINER = 3
"""Shapes are drawn so many times larger and made smaller, for smooth edges."""
VISIBLE = 0.6
"""Of a shape that others cover: with less of it in sight it is not asked for, nor left in the picture."""
Numbers = NDArray[np.float64]
Random = np.random.Generator


class Drawn(NamedTuple):
    """pixels: uint8 [H, W, 3]; mask: uint8 [H, W], 0 for the background, else 1 + the class; boxes: float64
    [n, 4], x, y, width and height in percent of the picture; classes: int64 [n]."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    boxes: Numbers
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Setting:
    """classes: names of SHAPES; likely: of each, how many a picture has on average; others: shapes that are
    not asked for; sizes: of a shape, in parts of the shorter side; contrast: how far its colour is from
    what is behind it, 0 to 255; lines: drawn across; grain: of the background, in pixels."""

    classes: tuple[str, ...]
    likely: tuple[float, ...]
    others: tuple[str, ...]
    sizes: tuple[float, float]
    contrast: tuple[float, float]
    lines: int
    grain: tuple[int, ...]


FIRST = Setting(
    classes=("star", "cross", "crescent", "key"),
    likely=(0.9, 0.8, 0.5, 0.06),
    others=("hexagon", "square", "disc", "flower", "ring"),
    sizes=(0.13, 0.36),
    contrast=(35.0, 110.0),
    lines=5,
    grain=(3, 12, 60),
)
SECOND = Setting(
    classes=("arrow", "gear", "heart", "drop", "flag"),
    likely=(0.9, 0.6, 0.5, 0.3, 0.05),
    others=("triangle", "disc", "half", "square", "star"),
    sizes=(0.11, 0.34),
    contrast=(25.0, 90.0),
    lines=9,
    grain=(2, 6, 25, 120),
)


def scenes(setting: Setting, count: int, seed: int) -> Iterator[Drawn]:
    """The same for the same seed, and each of them whatever their number."""
    return (scene(setting, np.random.default_rng([seed, number])) for number in range(count))


def scene(setting: Setting, rng: Random) -> Drawn:
    width, height = (int(each) for each in rng.integers(240, 420, 2))
    pixels = _background(setting, rng, height, width)
    _draw_lines(pixels, rng, setting.lines)
    owner = np.full((height, width), -1)  # which shape is in sight
    names = _chosen(setting, rng)
    areas: list[int] = []
    for number, name in enumerate(names):
        patch = _patch(setting, rng, name, height, width)
        inside = patch.cover > 0.5
        hidden = _hides_another(owner, patch, areas)
        areas.append(0 if hidden else int(inside.sum()))
        if not hidden:
            _paint(pixels[patch.place], rng, patch.cover, rng.uniform(*setting.contrast))
            owner[patch.place][inside] = number
    pixels += rng.normal(0, rng.uniform(2, 12), (height, width, 1))
    return _told(setting, names, owner, pixels.clip(0, 255).astype(np.uint8))


def _chosen(setting: Setting, rng: Random) -> list[str]:
    """Names of shapes, in random order: those asked for, and others."""
    means = zip(setting.classes, setting.likely, strict=True)
    asked = [name for name, mean in means for _ in range(rng.poisson(mean))]
    others = rng.choice(setting.others, rng.integers(2, 6)).tolist()
    names = [*asked, *others]
    return [names[i] for i in rng.permutation(len(names))]


def _background(setting: Setting, rng: Random, height: int, width: int) -> Numbers:
    """Colours that change slowly and quickly: octaves of noise, enlarged."""
    pixels = np.zeros((height, width, 3)) + rng.uniform(50, 200, 3)
    for grain in setting.grain:
        size = (math.ceil(width / grain) + 1, math.ceil(height / grain) + 1)
        noise = rng.normal(0, rng.uniform(5, 30), (size[1], size[0], 3))
        noise = noise.mean(-1, keepdims=True) + noise * rng.uniform(0.2, 0.8)
        for channel in range(3):
            layer = Image.fromarray(noise[..., channel].astype(np.float32))
            larger = layer.resize((width, height), Image.Resampling.BICUBIC)
            pixels[..., channel] += np.asarray(larger)
    return pixels


def _draw_lines(pixels: Numbers, rng: Random, most: int) -> None:
    height, width = pixels.shape[:2]
    for _ in range(rng.integers(0, most + 1)):
        layer = Image.new("L", (width, height))
        ends = rng.uniform(0, 1, 4) * (width, height, width, height)
        ImageDraw.Draw(layer).line(ends.tolist(), fill=255, width=int(rng.integers(1, 7)))
        drawn = np.asarray(layer) > 0
        pixels[drawn] = _colour_on(pixels[drawn], rng, 60.0)


class _Patch(NamedTuple):
    """place: rows and columns of the picture; cover: how much of each pixel there a shape covers, [0, 1]."""

    place: tuple[slice, slice]
    cover: Numbers


def _patch(setting: Setting, rng: Random, name: str, height: int, width: int) -> _Patch:
    radius = rng.uniform(*setting.sizes) * min(height, width) / 2
    side = 2 * math.ceil(radius)
    x, y = (int(each) for each in rng.integers(0, (width - side, height - side)))
    outline = (_turned(SHAPES[name](rng), rng) * radius + side / 2) * FINER
    layer = Image.new("L", (side * FINER, side * FINER))
    ImageDraw.Draw(layer).polygon([(float(a), float(b)) for a, b in outline], fill=255)
    cover = np.asarray(layer.resize((side, side), Image.Resampling.BOX)) / 255.0
    return _Patch((slice(y, y + side), slice(x, x + side)), cover)


def _turned(outline: Outline, rng: Random) -> Outline:
    """Turned by any angle, a little squeezed and slanted."""
    angle, squeeze, slant = rng.uniform(0, 2 * math.pi), rng.uniform(0.75, 1.0), rng.uniform(-0.25, 0.25)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turned = outline @ np.array([[1.0, 0.0], [slant, squeeze]]) @ turn
    return np.asarray(turned / max(1.0, float(np.abs(turned).max())))


def _hides_another(owner: NDArray[np.int64], patch: _Patch, areas: list[int]) -> bool:
    around = owner[patch.place]
    hidden = np.bincount(around[(patch.cover > 0.5) & (around >= 0)], minlength=len(areas))
    seen = np.bincount(owner[owner >= 0], minlength=len(areas))
    return bool((seen - hidden < VISIBLE * np.array(areas, np.float64)).any())


def _paint(pixels: Numbers, rng: Random, cover: Numbers, contrast: float) -> None:
    """In one colour, with a texture of its own."""
    colour = _colour_on(pixels[cover > 0], rng, contrast)
    shade = rng.normal(0, rng.uniform(2, 18), (*cover.shape, 1))
    ramp = np.linspace(-1, 1, cover.shape[1])[None, :, None] * rng.uniform(-40, 40)
    pixels += cover[..., None] * rng.uniform(0.8, 1.0) * (colour + shade + ramp - pixels)


def _colour_on(behind: Numbers, rng: Random, contrast: float) -> Numbers:
    """One that is so far from what is behind it, on average, float64 [n, 3]: float64 [3]."""
    mean = behind.mean(0) if len(behind) else np.zeros(3)
    way = rng.normal(0, 1, 3)
    return np.asarray((mean + way / np.linalg.norm(way) * contrast * math.sqrt(3)).clip(5, 250))


def _told(setting: Setting, names: list[str], owner: NDArray[np.int64], pixels: NDArray[np.uint8]) -> Drawn:
    height, width = owner.shape
    mask, boxes, classes = np.zeros(owner.shape, np.uint8), [], []
    for number, name in enumerate(names):
        seen = owner == number
        if name not in setting.classes or not seen.any():
            continue
        mask[seen] = 1 + setting.classes.index(name)
        xs, ys = (np.flatnonzero(seen.any(axis)) for axis in (0, 1))
        x, y, w, h = xs[0], ys[0], xs[-1] + 1 - xs[0], ys[-1] + 1 - ys[0]
        boxes.append((100 * x / width, 100 * y / height, 100 * w / width, 100 * h / height))
        classes.append(setting.classes.index(name))
    return Drawn(pixels, mask, np.array(boxes, np.float64).reshape(-1, 4), np.array(classes, np.int64))
