"""A detector for tests, in the style of label-studio-ml: a class with `predict` and `fit`, boxes with scores,
trained by START_TRAINING alone.

It knows the squares of some colours, and of others nothing until it is shown some: then it draws a box in the
wrong place, as sure of itself as ever. What it has learned is kept in memory, a version counts its trainings.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import numpy as np
from PIL import Image

from tests.fakes.wrapped import FakeBackend

Json = dict[str, Any]
Fetch = Callable[[str], bytes]
LABEL = "square"
CONFIG = (
    '<View><Image name="i" value="$image"/><RectangleLabels name="b" toName="i">'
    f'<Label value="{LABEL}"/></RectangleLabels></View>'
)
ENOUGH = 2
"""Boxes of a colour that it must have been shown."""


class Detector:
    """known: colours, "red" or the like, that it finds from the start."""

    def __init__(self, known: tuple[str, ...] = ("red",), fetch: Fetch = lambda url: urlopen(url).read()):
        self._known = set(known)
        self._fetch = fetch
        self._shown: dict[int, set[str]] = {}
        """By annotation, the colours in its boxes."""
        self.trainings = 0
        self.lock = threading.Lock()

    @property
    def model_version(self) -> str:
        return f"detector-{self.trainings}"

    def predict(self, tasks: list[Json]) -> list[Json]:
        return [self._predict(task["data"]["image"]) for task in tasks]

    def _predict(self, url: str) -> Json:
        found = square_in(self._fetch(url))
        if found is None:
            return {"result": [], "score": 0.9, "model_version": self.model_version}
        colour, (x, y, size) = found
        if colour not in self._known:
            x, y = (x + 50) % 70, (y + 50) % 70
        score = 0.6 + (x * 7 + y * 13) % 30 / 100
        return {
            "result": [{**box(x, y, size), "score": score}],
            "score": score,
            "model_version": self.model_version,
        }

    def fit(self, event: str, data: Json) -> Json:
        """Annotations are taken note of, START_TRAINING learns from them."""
        with self.lock:
            if event in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
                found = square_in(self._fetch(data["task"]["data"]["image"]))
                has_box = bool(data["annotation"]["result"])
                self._shown[data["annotation"]["id"]] = {found[0]} if found and has_box else set()
            elif event == "ANNOTATIONS_DELETED":
                for each in data["annotations"]:
                    self._shown.pop(each["id"], None)
            elif event == "START_TRAINING":
                shown = [colour for colours in self._shown.values() for colour in colours]
                self._known |= {colour for colour in shown if shown.count(colour) >= ENOUGH}
                self.trainings += 1
        return {"model_version": self.model_version}


def backend_of(detector: Detector) -> FakeBackend:
    """As label-studio-ml's server calls it."""
    backend = FakeBackend()
    backend.answers |= {
        "/setup": lambda body: {"model_version": detector.model_version},
        "/predict": lambda body: {"results": detector.predict(body["tasks"])},
        "/webhook": lambda body: detector.fit(body["action"], body),
    }
    return backend


def box(x: float, y: float, size: float) -> Json:
    """In percent of the picture."""
    value = {"x": x, "y": y, "width": size, "height": size, "rotation": 0, "rectanglelabels": [LABEL]}
    return {"from_name": "b", "to_name": "i", "type": "rectanglelabels", "value": value}


COLOURS = {"red": (220, 30, 30), "green": (20, 160, 40)}
SIDE, EDGE = 100, 30


def picture(number: int, colour: str, *, background: int = 150) -> bytes:
    """A square on noise, as PNG."""
    draw = np.random.default_rng(number)
    pixels = draw.integers(background - 30, background + 30, (SIDE, SIDE, 1)).repeat(3, 2).astype(np.uint8)
    x, y = draw.integers(0, SIDE - EDGE, 2)
    pixels[y : y + EDGE, x : x + EDGE] = COLOURS[colour]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def square_in(png: bytes) -> tuple[str, tuple[float, float, float]] | None:
    """The colour of a picture's square, its left, its top and its edge, in percent; None where none is."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    for colour, values in COLOURS.items():
        rows, columns = np.nonzero((pixels == values).all(-1))
        if len(rows):
            return colour, (float(columns.min()), float(rows.min()), float(columns.max() - columns.min() + 1))
    return None


def truth(png: bytes) -> list[Json]:
    """What an annotator draws."""
    found = square_in(png)
    return [] if found is None else [box(*found[1])]
