"""Boxes in a real Label Studio's editor, in a browser: what is sent is kept, is drawn where it was predicted
to be, and comes back the same when it is submitted unchanged."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from backend.controls.boxes import Boxes, boxes_in
from backend.controls.joined import source_of
from backend.controls.regions import NOTHING
from backend.controls.tags import read_tags
from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import import_head, prediction
from tests.browser import MISSING, SUBMITTED, Browser, browser

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

VERSION = "atlas-000001"
LABELS = '<Label value="car" background="red"/><Label value="a tree" alias="tree" background="blue"/>'
CONFIGS = {
    "alone": f'<RectangleLabels name="c" toName="t">{LABELS}</RectangleLabels>',
    "rectangle with labels": f'<Rectangle name="r" toName="t"/><Labels name="c" toName="t">{LABELS}</Labels>',
}
ANSWERS = (
    '[[12.345, 10.5, 30.111, 40.007, "car"], [60.0, 55.001, 33.333, 25.25, "tree"]]',
    '[[0.0, 0.0, 100.0, 100.0, "car"], [0.0, 99.0, 0.5, 1.0, "tree"], [0.001, 0.002, 50.003, 50.004, "car"]]',
    NOTHING,
)
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
const seen = arguments[0].map(([x, y]) => [...context.getImageData(
  image.zoomingPositionX + x / 100 * image.stageWidth * image.stageScale,
  image.zoomingPositionY + y / 100 * image.stageHeight * image.stageScale, 1, 1).data].join());
return seen[0] !== seen[1] && seen[0] !== seen[2] && seen[1] !== seen[2] && seen[2] === seen[3] && seen
"""
"""The colours at some points, in percent of the image, once three of them differ and the last two do not."""
POINTS = [[27, 30], [76, 67], [50, 30], [50, 80]]
"""In the first answer's car, in its tree, and twice in neither."""


@pytest.fixture(scope="module")
def chromium(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as found:
        found.log_in(label_studio.url, label_studio.admin.email, label_studio.admin.password)
        yield found


def control_of(xml: str) -> Boxes:
    tags = read_tags(xml)
    tag = next(each for each in tags.controls if Boxes.takes(each))
    found = Boxes.parse(tag, source_of(tag, [tags.objects["t"]]))
    assert isinstance(found, Boxes)
    return found


def picture() -> str:
    written = io.BytesIO()
    Image.new("RGB", (403, 307), (120, 120, 120)).save(written, "PNG")
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def made(http: httpx.Client, xml: str, tasks: int) -> tuple[int, list[int]]:
    answer = http.post("/api/projects/", json={"title": "boxes", "label_config": xml})
    answer.raise_for_status()
    project = int(answer.json()["id"])
    rows = [{"image": picture()} for _ in range(tasks)]
    http.post(f"/api/projects/{project}/import", json=rows).raise_for_status()
    listed = http.get("/api/tasks", params={"project": project, "page_size": 100}).json()["tasks"]
    return project, sorted(each["id"] for each in listed)


@pytest.mark.parametrize("name", CONFIGS)
def test_boxes_are_drawn_where_they_were_predicted_and_come_back_the_same(
    label_studio: LabelStudioServer, chromium: Browser, name: str
) -> None:
    xml = f'<View><Image name="t" value="$image"/>{CONFIGS[name]}</View>'
    control, http = control_of(xml), label_studio.admin.http
    project, tasks = made(http, xml, len(ANSWERS))
    sent = {}
    for place, (task, answer) in enumerate(zip(tasks, ANSWERS, strict=True)):
        regions = control.regions_of(answer, [0.5] * len(control.labels_in(answer)), "")
        sent[task] = prediction(VERSION, (place + 0.5) / len(tasks), regions)
    client = LabelStudioClient(label_studio.url, http.headers["Authorization"].removeprefix("Token "))
    # Raises where Label Studio did not keep them all.
    import_head(client, client.project(project), VERSION, [{"task": i, **each} for i, each in sent.items()])
    client.close()
    http.patch(f"/api/projects/{project}/", json={"model_version": VERSION}).raise_for_status()
    for task, answer in zip(tasks, ANSWERS, strict=True):
        chromium.go(f"{label_studio.url}/projects/{project}/data?task={task}")
        chromium.wait(OPENED, task, len(boxes_in(answer)))
        if answer == ANSWERS[0]:
            chromium.wait(DRAWN, POINTS)
        chromium.wait(SUBMITTED)
        (annotation,) = http.get(f"/api/tasks/{task}/annotations/").json()
        assert control.read(annotation["result"]) == answer
        assert all(region["origin"] == "prediction" for region in annotation["result"])
