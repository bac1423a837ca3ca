"""Masks and polygons in a real Label Studio's editor, in a browser: what is sent is kept, is drawn where it
was predicted to be, and comes back the same when it is submitted unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from backend.controls.areas import AreaControl
from backend.controls.masks import Bitmask, Brush
from backend.controls.polygons import Polygons
from backend.controls.regions import NOTHING
from backend.demo.label_studio import LabelStudioServer
from tests.browser import Browser
from tests.e2e.editor import COLOURS, PICTURE_SHOWN, open_task, picture, submit
from tests.e2e.published import control_of, made, publish_answers

LABELS = '<Label value="car"/><Label value="a tree" alias="tree"/>'
WIDTH, HEIGHT = 400, 300
CONFIGS: dict[str, tuple[type[AreaControl], str]] = {
    "brush": (Brush, f'<BrushLabels name="c" toName="t">{LABELS}</BrushLabels>'),
    "bitmask": (Bitmask, f'<BitmaskLabels name="c" toName="t">{LABELS}</BitmaskLabels>'),
    "polygons": (Polygons, f'<PolygonLabels name="c" toName="t">{LABELS}</PolygonLabels>'),
    "brush and labels": (
        Brush,
        f'<Brush name="b" toName="t"/><Labels name="c" toName="t">{LABELS}</Labels>',
    ),
    "polygons and labels": (
        Polygons,
        f'<Polygon name="b" toName="t"/><Labels name="c" toName="t">{LABELS}</Labels>',
    ),
}


def answers_of(control: AreaControl) -> list[str]:
    """A disc; a ring and a disc; nothing: as a model sees them."""
    y, x = np.mgrid[0:320, 0:320] / 320
    near = np.hypot(x - 0.3, y - 0.5)
    disc = np.where(near < 0.2, 1, 0)
    both = np.where((near < 0.2) & (near > 0.1), 2, np.where(np.hypot(x - 0.75, y - 0.3) < 0.15, 1, 0))
    seen = [control.drawn(each, [0.0, 0.9, 0.8], (HEIGHT, WIDTH)).answer for each in (disc, both)]
    return [*seen, NOTHING]


POINTS = [[30, 35], [75, 30], [50, 75], [90, 90], [30, 50]]
"""In the ring, in the disc, and beside both, the last within the ring."""
CROSSED = '[["car", [[10.0, 10.0], [80.0, 80.0], [80.0, 10.0], [10.0, 80.0]]]]'


@pytest.mark.parametrize("name", CONFIGS)
def test_areas_are_drawn_where_they_were_predicted_and_come_back_the_same(
    label_studio: LabelStudioServer, chromium: Browser, name: str
) -> None:
    kind, asked = CONFIGS[name]
    xml = f'<View><Image name="t" value="$image"/>{asked}</View>'
    control = control_of(kind, xml)
    answers = [*answers_of(control), *([CROSSED] if kind is Polygons else [])]
    rows = [{"image": picture(WIDTH, HEIGHT)}] * len(answers)
    project, tasks = made(label_studio.admin.http, "areas", xml, rows)
    publish_answers(label_studio, project, control, dict(zip(tasks, answers, strict=True)))
    for task, answer in zip(tasks, answers, strict=True):
        open_task(chromium, label_studio, project, task)
        chromium.wait(PICTURE_SHOWN, task, len(control.labels_in(answer)))
        if answer == answers[1]:
            chromium.wait(COLOURS, POINTS)
        result = submit(chromium, label_studio, task)
        assert control.read(result) == answer
        assert all(region["origin"] == "prediction" for region in result)
