"""Label Studio's editor in a browser: a task that is opened, looked at, and submitted as it is."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from backend.demo.label_studio import LabelStudioServer
from tests.browser import Browser
from tests.e2e.published import annotation_of

SUBMITTED = """
if (Htx.annotationStore.selected.pk) return true;
const named = each => each.innerText.trim() === 'Submit' && !each.disabled;
const button = [...document.querySelectorAll('button')].find(named);
if (button && !(window.clicked > Date.now() - 20_000)) { window.clicked = Date.now(); button.click(); }
"""
"""True once the editor has submitted. Clicks again where the first click was too early for the page; not
sooner, for a busy Label Studio takes its time, and each click it has heard of is an annotation."""
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


def picture(width: int, height: int) -> str:
    """The address of a grey one."""
    written = io.BytesIO()
    Image.new("RGB", (width, height), (120, 120, 120)).save(written, "PNG")
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def open_task(chromium: Browser, server: LabelStudioServer, project: int, task: int) -> None:
    chromium.go(f"{server.url}/projects/{project}/data?task={task}")


def submit(chromium: Browser, server: LabelStudioServer, task: int) -> list[dict[str, Any]]:
    """What the annotation of the open task says."""
    chromium.wait(SUBMITTED)
    return annotation_of(server.admin.http, task)
