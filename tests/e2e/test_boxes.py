"""Boxes in a real Label Studio's editor, in a browser: what is sent is kept, is drawn where it was predicted
to be, and comes back the same when it is submitted unchanged."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from backend.controls.boxes import Boxes, boxes_in
from backend.controls.regions import NOTHING
from backend.controls.under_hand import box_meant
from backend.demo.label_studio import LabelStudioServer
from tests.browser import Browser
from tests.e2e.editor import (
    AUTO_ANNOTATION,
    COLOURS,
    PICTURE_SHOWN,
    draw_until_offered,
    open_task,
    picture,
    submit,
)
from tests.e2e.published import control_of, made, publish_answers
from tests.e2e.steps import Start, retrain_told
from tests.fakes.wrapped import served
from tests.unit import boxed

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
POINTS = [[27, 30], [76, 67], [50, 30], [50, 80]]
"""In the first answer's car, in its tree, and twice in neither."""


@pytest.mark.parametrize("name", CONFIGS)
def test_boxes_are_drawn_where_they_were_predicted_and_come_back_the_same(
    label_studio: LabelStudioServer, chromium: Browser, name: str
) -> None:
    xml = f'<View><Image name="t" value="$image"/>{CONFIGS[name]}</View>'
    control = control_of(Boxes, xml)
    rows = [{"image": picture(403, 307)}] * len(ANSWERS)
    project, tasks = made(label_studio.admin.http, "boxes", xml, rows)
    publish_answers(label_studio, project, control, dict(zip(tasks, ANSWERS, strict=True)))
    for task, answer in zip(tasks, ANSWERS, strict=True):
        open_task(chromium, label_studio, project, task)
        chromium.wait(PICTURE_SHOWN, task, len(boxes_in(answer)))
        if answer == ANSWERS[0]:
            chromium.wait(COLOURS, POINTS)
        result = submit(chromium, label_studio, task)
        assert control.read(result) == answer
        assert all(region["origin"] == "prediction" for region in result)


def test_who_draws_a_box_with_auto_annotation_on_is_offered_the_one_that_is_meant(
    label_studio: LabelStudioServer, chromium: Browser
) -> None:
    """By the way from the editor through Label Studio; in the place of a model there is what it would see."""
    http, seen = label_studio.admin.http, '[[20.0, 20.0, 50.0, 40.0, "car"]]'
    asked = f'<RectangleLabels name="c" toName="t" smart="true">{LABELS}</RectangleLabels>'
    xml = f'<View><Image name="t" value="$image"/>{asked}</View>'
    control = control_of(Boxes, xml)

    def answer(body: Any) -> Any:
        drawn = ((body["params"] or {}).get("context") or {}).get("result", [])
        meant = [region for each in drawn for region in box_meant(control, each, seen, [0.9])]
        return {"results": [{"result": meant, "score": 0.9}] if meant else []}

    with served() as model:
        model.answers["/predict"] = answer
        project, (task,) = made(http, "under the hand", xml, [{"image": picture(400, 300)}])
        connection = {"project": project, "url": model.url, "title": "atlas", "is_interactive": True}
        http.post("/api/ml", json=connection).raise_for_status()
        open_task(chromium, label_studio, project, task)
        chromium.wait(PICTURE_SHOWN, task, 0)
        chromium.wait(AUTO_ANNOTATION)
        draw_until_offered(chromium, "c", "car", [25, 25, 40, 30])
        assert control.read(submit(chromium, label_studio, task)) == seen


def test_who_draws_a_box_is_offered_the_one_that_our_trained_detector_sees(
    label_studio: LabelStudioServer, run_backend: Start, chromium: Browser
) -> None:
    """After labels and a retrain. Guesses are hidden, so that the picture is empty when it is opened."""
    http, wanted = label_studio.admin.http, 16
    xml = boxed.CONFIG.replace('toName="i">', 'toName="i" smart="true">')
    backend = run_backend(SHOW_GUESS_FROM="1")
    pictures = (b64encode(boxed.picture(i)).decode() for i in range(boxed.COUNT))
    rows = [{"image": f"data:image/png;base64,{each}"} for each in pictures]
    project, tasks = made(http, "our detector", xml, rows)
    connection = {"project": project, "url": backend.url, "title": "atlas", "is_interactive": True}
    http.post("/api/ml", json=connection).raise_for_status()
    for number, task in enumerate(tasks[:14]):
        said = {"result": [{**boxed.right(number), "original_width": boxed.SIDE}]}
        http.post(f"/api/tasks/{task}/annotations/", json=said).raise_for_status()
    retrain_told(backend, project, lambda told: told.get("labels") == {"red": 7, "blue": 7})
    open_task(chromium, label_studio, project, tasks[wanted])
    chromium.wait(PICTURE_SHOWN, tasks[wanted], 0)
    chromium.wait(AUTO_ANNOTATION)
    rough = [18, 1, 56, 56]
    draw_until_offered(chromium, "b", "red", rough)
    (found,) = submit(chromium, label_studio, tasks[wanted])
    assert boxed.is_hit(wanted, found)
    sides = zip(("x", "y", "width", "height"), rough, strict=True)
    assert max(abs(found["value"][side] - at) for side, at in sides) > 3  # not what was drawn
