"""Projects whose images have a red or a blue square each, to be painted or outlined."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from backend.controls.areas import AreaControl
from backend.controls.config import parse_label_config
from backend.controls.masks import Bitmask, Brush
from backend.controls.polygons import Polygons
from backend.learning import cells, segmentation, stepping
from backend.web.app import create_app
from tests.content import FileServer
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json

LABELS = '<Label value="red"/><Label value="blue"/>'
IMAGE = '<Image name="i" value="$image"/>'
CONFIGS: dict[str, tuple[type[AreaControl], str]] = {
    "brush": (Brush, f'{IMAGE}<BrushLabels name="m" toName="i">{LABELS}</BrushLabels>'),
    "bitmask": (Bitmask, f'{IMAGE}<BitmaskLabels name="m" toName="i">{LABELS}</BitmaskLabels>'),
    "polygons": (Polygons, f'{IMAGE}<PolygonLabels name="m" toName="i">{LABELS}</PolygonLabels>'),
    "labels": (Brush, f'{IMAGE}<Brush name="d" toName="i"/><Labels name="m" toName="i">{LABELS}</Labels>'),
}
COUNT, HEIGHT, WIDTH, EDGE = 20, 90, 120, 40
LARGE = 19
"""The number of the picture that is larger than what is handed on of it: seven times in both directions."""
MAPS = "lite0maps-320-4.8.16.32"


def hardly_learned(monkeypatch: pytest.MonkeyPatch, steps: int = 50) -> None:
    """Areas are, from few cells in few steps, with one sibling fewer: enough for squares."""
    monkeypatch.setattr(cells, "MOST", 1_000)
    monkeypatch.setattr(stepping, "STEPS", steps)
    monkeypatch.setattr(segmentation, "FOLDS", 2)


def size_of(number: int) -> tuple[int, int]:
    """Height and width."""
    return (7 * HEIGHT, 7 * WIDTH) if number == LARGE else (HEIGHT, WIDTH)


def square(number: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where the square of a picture is, bool [HEIGHT, WIDTH]."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    x, y = (number * 37) % (WIDTH - EDGE), (number * 53) % (HEIGHT - EDGE)
    mask[y : y + EDGE, x : x + EDGE] = True
    return mask


@cache
def picture(number: int) -> bytes:
    """A red or a blue square on noise."""
    pixels = np.random.default_rng(number).integers(90, 160, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    pixels[square(number)] = ((255, 0, 0), (0, 0, 255))[number % 2]
    height, width = size_of(number)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(file, "PNG")
    return file.getvalue()


class Asked(NamedTuple):
    """A project, and the control that is asked in it."""

    project: FakeProject
    control: AreaControl

    @property
    def config(self) -> str:
        return str(self.project.settings["label_config"])

    def number(self, task: int) -> int:
        return int(self.project.tasks[task]["data"]["image"].rsplit("/", 1)[1].split(".")[0])

    def right(self, number: int) -> list[Json]:
        label = 1 + self.control.classes.index(("red", "blue")[number % 2])
        answer = self.control.drawn(square(number) * label, [1.0] * 3, size_of(number)).answer
        return self.control.regions(answer, 1.0)

    def mark(self, loop: Loop, numbers: range, regions: Callable[[int], list[Json]] | None = None) -> None:
        for task in [task for task in self.project.tasks if self.number(task) in numbers]:
            loop.fake.annotate(self.project.id, task, (regions or self.right)(self.number(task)), user=1)
            loop.state(self.project).note_changes(1)

    def shown(self) -> dict[int, list[Json]]:
        """By the picture's number, the regions in the version that Label Studio orders by."""
        current = self.project.settings["model_version"]
        return {
            self.number(each["task"]): each["result"]
            for each in self.project.predictions
            if each["model_version"] == current
        }

    def predict(self, *tasks: Json) -> list[dict[str, Any]]:
        body = {"tasks": list(tasks), "project": f"{self.project.id}.1", "label_config": self.config}
        answer = create_app().test_client().post("/predict", json=body)
        assert answer.status_code == 200, answer.get_json()
        results: list[dict[str, Any]] = answer.get_json()["results"]
        return results

    def task(self, number: int) -> Json:
        task = next(task for task in self.project.tasks if self.number(task) == number)
        return {"id": task, "data": self.project.tasks[task]["data"]}


def asked(loop: Loop, files: FileServer, xml: str, count: int = COUNT) -> Asked:
    loop.set(content_hosts=f"127.0.0.1:{files.port}", encode_within=60, queue_head=100, show_guess_from=0.3)
    images = [{"image": f"{files.url}/{i}.png"} for i in range(count)]
    project = loop.fake.create(images, label_config=f"<View>{xml}</View>")
    loop.fake.spread(project.id)
    control = next(
        each for each in parse_label_config(f"<View>{xml}</View>").controls if isinstance(each, AreaControl)
    )
    return Asked(project, control)
