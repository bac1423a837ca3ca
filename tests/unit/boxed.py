"""Pictures with a red or a blue square each, around which boxes are drawn."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json

LABELS = '<RectangleLabels name="b" toName="i"><Label value="red"/><Label value="blue"/></RectangleLabels>'
CONFIG = f'<View><Image name="i" value="$image"/>{LABELS}</View>'
COUNT, SIDE, EDGE = 20, 120, 50


def place(number: int) -> tuple[int, int]:
    """Where the square of a picture is, in pixels."""
    return (number * 37) % (SIDE - EDGE), (number * 53) % (SIDE - EDGE)


@cache
def picture(number: int) -> bytes:
    """A red or a blue square on noise."""
    noise = np.random.default_rng(number).integers(90, 160, (SIDE, SIDE, 3)).astype(np.uint8)
    image, (x, y) = Image.fromarray(noise), place(number)
    ImageDraw.Draw(image).rectangle((x, y, x + EDGE - 1, y + EDGE - 1), fill=("red", "blue")[number % 2])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def number(project: FakeProject, task: int) -> int:
    return int(project.tasks[task]["data"]["image"].rsplit("/", 1)[1].split(".")[0])


def right(of: int) -> Json:
    x, y = place(of)
    value = {
        "x": 100 * x / SIDE,
        "y": 100 * y / SIDE,
        "width": 100 * EDGE / SIDE,
        "height": 100 * EDGE / SIDE,
    }
    told = {"id": "a", "from_name": "b", "to_name": "i", "type": "rectanglelabels"}
    return {**told, "value": {**value, "rotation": 0, "rectanglelabels": [("red", "blue")[of % 2]]}}


def draw(loop: Loop, project: FakeProject, numbers: range) -> None:
    for task in [task for task in project.tasks if number(project, task) in numbers]:
        loop.fake.annotate(project.id, task, [right(number(project, task))], user=1)
        loop.state(project).note_changes(1)


def is_hit(of: int, region: Json) -> bool:
    """Half of the square's size off at most, and of its colour."""
    value, truth = region["value"], right(of)["value"]
    near = all(abs(value[each] - truth[each]) < 20 for each in ("x", "y", "width", "height"))
    return near and value["rectanglelabels"] == truth["rectanglelabels"]
