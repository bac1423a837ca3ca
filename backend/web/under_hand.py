"""What an annotator has just drawn, which Label Studio sends along where "Auto-Annotation" is on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.controls.base import Control, Region
from backend.controls.boxes import Boxes
from backend.controls.reading import text_in
from backend.controls.scheme import LabelScheme
from backend.controls.spans import Spans
from backend.controls.under_hand import box_meant, same_elsewhere
from backend.predicting import Predictor

POINT = "keypointlabels"


def beside_drawn(
    predictor: Predictor, project_id: int, scheme: LabelScheme, body: dict[str, Any]
) -> list[dict[str, Any]] | None:
    """The answer to a request about spans or boxes that were drawn; None where it is about none.

    [] where nothing goes with them: Label Studio leaves them as they are then. Raises DamagedFile where the
    published version cannot be read.
    """
    drawn, task = _drawn(body), body["tasks"][0]
    task = task if isinstance(task, dict) else {}
    for control in scheme.controls:
        if mine := [each for each in drawn if _is_about(control, each)]:
            return _as_answer(_regions(predictor, project_id, scheme, control, mine, task))
    return None


def _regions(
    predictor: Predictor,
    project_id: int,
    scheme: LabelScheme,
    control: Control,
    drawn: list[Region],
    task: dict[str, Any],
) -> list[Region]:
    if isinstance(control, Spans):
        content = text_in(scheme, task.get("data"))[0]
        return same_elsewhere(control, drawn, content, _marked(task, control.from_name))
    assert isinstance(control, Boxes)
    seen = predictor.boxes_in(project_id, scheme, task, control.from_name)
    found = (region for each in drawn for region in box_meant(control, each, *seen))
    return list({(region["id"], region["from_name"]): region for region in found}.values())


def _is_about(control: Control, region: Region) -> bool:
    """A point that was set on the same image may mean one of its boxes."""
    if isinstance(control, Boxes) and region.get("type") == POINT:
        return region.get("to_name") == control.to_name
    return isinstance(control, Spans | Boxes) and region.get("from_name") in control.names


def _as_answer(regions: list[Region]) -> list[dict[str, Any]]:
    scores = [float(each["score"]) for each in regions if "score" in each]
    return [{"result": regions, "score": min(scores)}] if scores else []


def _marked(task: dict[str, Any], name: str) -> Iterator[Region]:
    """What a control's drafts, annotations and predictions of a task hold, as far as they were sent."""
    for kind in ("drafts", "annotations", "predictions"):
        listed = task.get(kind)
        for each in listed if isinstance(listed, list) else []:
            result = each.get("result") if isinstance(each, dict) else None
            for region in result if isinstance(result, list) else []:
                if isinstance(region, dict) and region.get("from_name") == name:
                    yield region


def _drawn(body: dict[str, Any]) -> list[Region]:
    params = body.get("params")
    context = params.get("context") if isinstance(params, dict) else None
    drawn = context.get("result") if isinstance(context, dict) else None
    return [each for each in drawn if isinstance(each, dict)] if isinstance(drawn, list) else []
