"""Label Studio's editor in a browser: a task that is opened, looked at, and submitted as it is."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

from PIL import Image

from backend.demo.label_studio import LabelStudioServer
from tests.browser import SECONDS, Browser

SUBMITTED = """
if (Htx.annotationStore.selected.pk) return true;
const named = each => each.innerText.trim() === 'Submit' && !each.disabled;
const button = [...document.querySelectorAll('button')].find(named);
if (button && !(window.clicked > Date.now() - 20_000)) { window.clicked = Date.now(); button.click(); }
"""
"""True once the editor has submitted. Clicks again where the first click was too early for the page; not
sooner, for a busy Label Studio takes its time, and each click it has heard of is an annotation."""
OPENED = """
const found = window.Htx && Htx.annotationStore.selected;
const ready = found && Number(Htx.task.id) === arguments[0] && found.objects.every(each => each.isReady);
if (!ready || window.opened !== found.id) { window.opened = found && found.id; window.since = Date.now(); }
return ready && Date.now() > window.since + 2000
"""
"""That the editor has come to rest: while a page loads it makes its annotation anew."""
REGIONS = "return Htx.annotationStore.selected.regions.length === arguments[0]"
PICTURE_SHOWN = """
const found = window.Htx && Htx.annotationStore.selected;
return found && Number(Htx.task.id) === arguments[0] && found.objects[0].imageIsLoaded
  && found.regions.length === arguments[1]
"""
COLOURS = """
const image = Htx.annotationStore.selected.objects[0], stage = image.stageRef;
if (!stage) return null;
const canvas = stage.toCanvas({pixelRatio: 1});
const context = canvas.getContext('2d');
const seen = arguments[0].map(([x, y]) => [...context.getImageData(
  image.zoomingPositionX + x / 100 * image.stageWidth * image.stageScale,
  image.zoomingPositionY + y / 100 * image.stageHeight * image.stageScale, 1, 1).data].join());
return new Set(seen).size === 3 && new Set(seen.slice(2)).size === 1 && seen
"""
"""The colours of the regions' layers at some points, in percent of the image: once the first two differ, and
all others, which are beside the regions, have a third one."""

DRAWN = """
const [word, number, wanted, control = 'c'] = arguments;
if (Htx.annotationStore.selected.regions.length >= wanted) return true;
if (window.drawn > Date.now() - 5000) return false;
window.drawn = Date.now();
const frame = [...document.querySelectorAll('iframe')].map(each => each.contentDocument).find(each => each);
const page = frame || document;
const whole = frame ? page.body : page.querySelector('.lsf-richtext__container, [class*=lsf-paragraphs]');
const nodes = page.createTreeWalker(whole, NodeFilter.SHOW_TEXT);
const found = [];
while (nodes.nextNode()) {
  const text = nodes.currentNode.data;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    found.push([nodes.currentNode, at]);
  }
}
const label = Htx.annotationStore.selected.names.get(control).children[0];
if (!label.selected) label.toggleSelected();
const [node, at] = found[number];
page.defaultView.getSelection().setBaseAndExtent(node, at, node, at + word.length);
const released = new page.defaultView.MouseEvent('mouseup', { bubbles: true });
node.parentElement.dispatchEvent(released);
"""
"""Marks a word as a mouse does that is drawn over it, until so many regions are wanted."""
AUTO_ANNOTATION = """
const toggle = document.querySelector('[data-testid=bottombar-auto-annotation-toggle]');
const input = toggle && (toggle.matches('input') ? toggle : toggle.querySelector('input'));
if (input && !Htx.autoAnnotation) input.click();
return Boolean(input && Htx.autoAnnotation)
"""
"""Switched on, as its switch below the task does."""
NOTHING_DRAWN = """
const found = Htx.annotationStore.selected;
return !found.regions.length && !(found.suggestions && found.suggestions.size)
"""
AGAIN = 10
"""Seconds until a box is drawn again of which nothing is seen."""
CANVAS = """
const image = Htx.annotationStore.selected.objects[0];
const box = image.stageRef.container().getBoundingClientRect();
const manager = image.getToolsManager(), tool = manager.allTools().find(each => each.dynamic);
const label = Htx.annotationStore.selected.names.get(arguments[0]).children.find(
  each => each.value === arguments[1]);
if (!tool || !label) return null;
if (!label.selected) label.toggleSelected();
manager.selectTool(tool, true);
return [box.left + image.zoomingPositionX, box.top + image.zoomingPositionY,
  image.stageWidth * image.stageScale, image.stageHeight * image.stageScale]
"""
"""Chooses a label and the tool that asks the model; returns the image's left, top, width and height in the
window."""
ACCEPTED = """
const button = document.querySelector('[data-testid=bottombar-accept-suggestions-button]');
if (button) button.click();
return Boolean(button)
"""


def draw_box(chromium: Browser, control: str, label: str, box: Sequence[float]) -> None:
    """With the tool that asks the model, by a mouse. box: x, y, width, height in percent of the image."""
    left, top, width, height = chromium.wait(CANVAS, control, label)
    x, y, wide, high = box
    ends = [(x, y), (x + wide / 2, y + high / 2), (x + wide, y + high)]
    chromium.drag([(round(left + a / 100 * width), round(top + b / 100 * height)) for a, b in ends])


def draw_until_offered(chromium: Browser, control: str, label: str, box: Sequence[float]) -> None:
    """Accepts what the model offers. Drawn again where nothing came of it: a busy editor loses a drag."""
    until, drawn = monotonic() + SECONDS, 0.0
    while not chromium.run(ACCEPTED):
        assert monotonic() < until, "nothing was offered"
        if monotonic() - drawn > AGAIN and chromium.run(NOTHING_DRAWN):
            draw_box(chromium, control, label, box)
            drawn = monotonic()
        sleep(0.1)


def picture(width: int, height: int) -> str:
    """The address of a grey one."""
    written = io.BytesIO()
    Image.new("RGB", (width, height), (120, 120, 120)).save(written, "PNG")
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def open_task(chromium: Browser, server: LabelStudioServer, project: int, task: int) -> None:
    chromium.go(f"{server.url}/projects/{project}/data?task={task}")


def submit(chromium: Browser, server: LabelStudioServer, task: int) -> list[dict[str, Any]]:
    """What the annotation of the open task says. Where a busy Label Studio took more than one click for one,
    all of them say the same."""
    chromium.wait(SUBMITTED)
    said = [each["result"] for each in server.admin.http.get(f"/api/tasks/{task}/annotations/").json()]
    assert all(each == said[0] for each in said), said
    result: list[dict[str, Any]] = said[0]
    return result
