"""Masks and polygons in a real Label Studio's editor, in a browser: what is sent is kept, is drawn where it
was predicted to be, and comes back the same when it is submitted unchanged."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image

from backend.controls.areas import AreaControl
from backend.controls.joined import source_of
from backend.controls.masks import Bitmask, Brush
from backend.controls.polygons import Polygons
from backend.controls.regions import NOTHING
from backend.controls.tags import read_tags
from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import import_head, prediction
from tests.browser import MISSING, SUBMITTED, Browser, browser

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

VERSION = "atlas-000001"
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
OPENED = """
const found = window.Htx && Htx.annotationStore.selected;
return found && Number(Htx.task.id) === arguments[0] && found.objects[0].imageIsLoaded
  && found.regions.length === arguments[1]
"""
DRAWN = """
const image = Htx.annotationStore.selected.objects[0], stage = image.stageRef;
if (!stage) return null;
const canvas = stage.toCanvas({pixelRatio: 1});
const context = canvas.getContext('2d');
return arguments[0].map(([x, y]) => [...context.getImageData(
  image.zoomingPositionX + x / 100 * image.stageWidth * image.stageScale,
  image.zoomingPositionY + y / 100 * image.stageHeight * image.stageScale, 1, 1).data].join())
"""
"""The colours of the regions' layers at some points, in percent of the image."""


@pytest.fixture(scope="module")
def chromium(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as found:
        found.log_in(label_studio.url, label_studio.admin.email, label_studio.admin.password)
        yield found


def control_of(kind: type[AreaControl], xml: str) -> AreaControl:
    tags = read_tags(xml)
    tag = next(each for each in tags.controls if kind.takes(each))
    return kind.parse(tag, source_of(tag, [tags.objects["t"]], kind.sources))


def picture() -> str:
    written = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (120, 120, 120)).save(written, "PNG")
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def made(http: httpx.Client, xml: str, tasks: int) -> tuple[int, list[int]]:
    answer = http.post("/api/projects/", json={"title": "areas", "label_config": xml})
    answer.raise_for_status()
    project = int(answer.json()["id"])
    rows = [{"image": picture()} for _ in range(tasks)]
    http.post(f"/api/projects/{project}/import", json=rows).raise_for_status()
    listed = http.get("/api/tasks", params={"project": project, "page_size": 100}).json()["tasks"]
    return project, sorted(each["id"] for each in listed)


def answers_of(control: AreaControl) -> list[str]:
    """A disc; a ring and a disc; nothing: as a model sees them."""
    y, x = np.mgrid[0:320, 0:320] / 320
    near = np.hypot(x - 0.3, y - 0.5)
    disc = np.where(near < 0.2, 1, 0)
    both = np.where((near < 0.2) & (near > 0.1), 2, np.where(np.hypot(x - 0.75, y - 0.3) < 0.15, 1, 0))
    seen = [control.drawn(each, [0.0, 0.9, 0.8], (HEIGHT, WIDTH)).answer for each in (disc, both)]
    return [*seen, NOTHING]


INSIDE, OUTSIDE = ([30, 35], [75, 30]), ([50, 75], [90, 90], [30, 50])
"""Points of the ring and the disc, and beside both, the last within the ring."""
CROSSED = '[["car", [[10.0, 10.0], [80.0, 80.0], [80.0, 10.0], [10.0, 80.0]]]]'


@pytest.mark.parametrize("name", CONFIGS)
def test_areas_are_drawn_where_they_were_predicted_and_come_back_the_same(
    label_studio: LabelStudioServer, chromium: Browser, name: str
) -> None:
    kind, asked = CONFIGS[name]
    xml = f'<View><Image name="t" value="$image"/>{asked}</View>'
    control, http = control_of(kind, xml), label_studio.admin.http
    answers = [*answers_of(control), *([CROSSED] if kind is Polygons else [])]
    project, tasks = made(http, xml, len(answers))
    sent = {}
    for place, (task, answer) in enumerate(zip(tasks, answers, strict=True)):
        regions = control.regions_of(answer, [0.5] * len(control.labels_in(answer)), "")
        sent[task] = prediction(VERSION, (place + 0.5) / len(tasks), regions)
    client = LabelStudioClient(label_studio.url, http.headers["Authorization"].removeprefix("Token "))
    # Raises where Label Studio did not keep them all.
    import_head(client, client.project(project), VERSION, [{"task": i, **each} for i, each in sent.items()])
    client.close()
    http.patch(f"/api/projects/{project}/", json={"model_version": VERSION}).raise_for_status()
    for task, answer in zip(tasks, answers, strict=True):
        chromium.go(f"{label_studio.url}/projects/{project}/data?task={task}")
        chromium.wait(OPENED, task, len(control.labels_in(answer)))
        if answer == answers[1]:
            assert_drawn(chromium)
        chromium.wait(SUBMITTED)
        (annotation,) = http.get(f"/api/tasks/{task}/annotations/").json()
        assert control.read(annotation["result"]) == answer
        assert all(region["origin"] == "prediction" for region in annotation["result"])


def assert_drawn(chromium: Browser) -> None:
    def drawn(points: tuple[list[int], ...]) -> str:
        return f"const seen = (() => {{ {DRAWN.replace('arguments[0]', str([*points]))} }})();"

    differ = "return seen && new Set(seen).size === 3 && new Set(seen.slice(2)).size === 1 && seen"
    chromium.wait(drawn((*INSIDE, *OUTSIDE)) + differ)
