"""Masks and polygons in a real Label Studio's editor, in a browser: what is sent is kept, is drawn where it
was predicted to be, and comes back the same when it is submitted unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from backend.controls.areas import AreaControl
from backend.controls.config import parse_label_config
from backend.controls.masks import Bitmask, Brush
from backend.controls.of_regions import OfRegions
from backend.controls.polygons import Polygons
from backend.controls.regions import NOTHING
from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from tests.browser import Browser
from tests.e2e.editor import COLOURS, PICTURE_SHOWN, open_task, picture, submit
from tests.e2e.published import VERSION, control_of, made, publish, publish_answers

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


KINDS = '<Choice value="small"/><Choice value="large"/>'
SAID_OF_REGIONS = """
return Htx.annotationStore.selected.regions.map(region => region.results
  .filter(each => each.from_name.name === 'size').map(each => each.mainValue).flat().join())
"""


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_said_of_an_area_is_shown_as_said_of_it_and_comes_back_the_same(
    label_studio: LabelStudioServer, chromium: Browser, name: str
) -> None:
    """It is sent without the area's place, which is long."""
    kind, marks = CONFIGS[name]
    sized = f'<Choices name="size" toName="t" perRegion="true">{KINDS}</Choices>'
    xml = f'<View><Image name="t" value="$image"/>{marks}{sized}</View>'
    control, (of_each,) = control_of(kind, xml), parse_label_config(xml).companions
    assert isinstance(of_each, OfRegions)
    answer = answers_of(control)[1]
    areas = control.regions(answer, 0.5)
    marked = [each for each in areas if each["from_name"] == "c"]
    said = [of_each.told_of(area, size, 0.5) for area, size in zip(marked, of_each.classes, strict=True)]
    http = label_studio.admin.http
    project, (task,) = made(http, "said of areas", xml, [{"image": picture(WIDTH, HEIGHT)}])
    client = LabelStudioClient(label_studio.url, label_studio.admin.login.token)
    publish(client, project, {task: [*areas, *said]})
    client.close()
    http.patch(f"/api/projects/{project}/", json={"model_version": VERSION}).raise_for_status()
    open_task(chromium, label_studio, project, task)
    chromium.wait(PICTURE_SHOWN, task, len(marked))
    assert chromium.run(SAID_OF_REGIONS) == list(of_each.classes)
    result = submit(chromium, label_studio, task)
    assert control.read(result) == answer
    given = of_each.read(result)
    assert given == of_each.read([*areas, *said])
    assert given is not None
    assert sorted(number for _, number in of_each.placed_in(given)) == [0, 1]


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
