"""Boxes and areas on a real Label Studio: ten annotations order the queue, and tasks come with guesses."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
import pytest

from backend.controls.run_length import encode
from backend.controls.runs import runs_of
from backend.demo.label_studio import LabelStudioServer
from backend.store.model_version import version_number
from tests.e2e.steps import Start, wait_until
from tests.unit.test_box_loop import EDGE, SIDE, picture, place

COUNT = 24
KINDS = {"boxes": ("RectangleLabels", "rectanglelabels"), "areas": ("BrushLabels", "brushlabels")}


def given(kind: str, number: int) -> dict[str, Any]:
    """The square of a picture, as an annotator marks it."""
    x, y = place(number)
    label, name = [("red", "blue")[number % 2]], KINDS[kind][1]
    if kind == "boxes":
        corner = {"x": 100 * x / SIDE, "y": 100 * y / SIDE}
        value: dict[str, Any] = {
            **corner,
            "width": 100 * EDGE / SIDE,
            "height": 100 * EDGE / SIDE,
            name: label,
        }
    else:
        inside = np.zeros((SIDE, SIDE), bool)
        inside[y : y + EDGE, x : x + EDGE] = True
        value = {"format": "rle", "rle": encode(runs_of(inside), SIDE, SIDE), name: label}
    size = {"original_width": SIDE, "original_height": SIDE}
    return {"from_name": "b", "to_name": "i", "type": name, "value": value, **size}


@pytest.mark.parametrize("kind", KINDS)
def test_ten_annotations_order_the_pictures_and_tasks_come_with_guesses(
    label_studio: LabelStudioServer, run_backend: Start, kind: str
) -> None:
    backend, http = run_backend(RETRAIN_EVERY="10", SHOW_GUESS_FROM="0.2"), label_studio.admin.http
    tag = KINDS[kind][0]
    labels = f'<{tag} name="b" toName="i"><Label value="red"/><Label value="blue"/></{tag}>'
    config = f'<View><Image name="i" value="$image"/>{labels}</View>'
    body = {"title": kind, "label_config": config, "sampling": "Uncertainty sampling"}
    project = http.post("/api/projects", json=body).json()["id"]
    rows = [{"image": "data:image/png;base64," + b64encode(picture(i)).decode()} for i in range(COUNT)]
    http.post(f"/api/projects/{project}/import", json=rows).raise_for_status()
    listed = http.get("/api/tasks", params={"project": project, "page_size": 100, "fields": "all"}).json()
    number = {task["id"]: rows.index({"image": task["data"]["image"]}) for task in listed["tasks"]}
    connection = {"project": project, "url": backend.url, "title": "atlas"}
    http.post("/api/ml", json=connection).raise_for_status()

    def published() -> str:
        backend.supervisor.check()
        return str(http.get(f"/api/projects/{project}/").json()["model_version"] or "")

    def predicted() -> list[dict[str, Any]]:
        found = http.get("/api/predictions", params={"project": project}).json()
        ours = [each for each in found if each["model_version"] == published()]
        return sorted(ours, key=lambda each: each["score"])

    wait_until(lambda: version_number(published()) > 0 and len(predicted()) == COUNT, 180)
    first, order = published(), [each["task"] for each in predicted()]
    for task in order[:10]:
        answer = http.post(f"/api/tasks/{task}/annotations/", json={"result": [given(kind, number[task])]})
        answer.raise_for_status()
    wait_until(lambda: version_number(published()) > version_number(first), 180)
    now = predicted()
    assert sorted(each["task"] for each in now) == sorted(order[10:])
    assert [each["task"] for each in now] != order[10:]
    shown = [region for each in now for region in each["result"]]
    assert shown
    assert {region["type"] for region in shown} == {KINDS[kind][1]}
