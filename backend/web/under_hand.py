"""What an annotator has just drawn, which Label Studio sends along where "Auto-Annotation" is on."""

from __future__ import annotations

from typing import Any

from backend.controls.scheme import LabelScheme
from backend.controls.spans import Spans


def draws_a_span(body: dict[str, Any], scheme: LabelScheme) -> bool:
    """Whether it is a span. Label Studio's editor takes over whatever is answered then, beside what was
    drawn, without asking: nothing is to be answered. Never raises."""
    params = body.get("params")
    context = params.get("context") if isinstance(params, dict) else None
    drawn = context.get("result") if isinstance(context, dict) else None
    names = {control.from_name for control in scheme.controls if isinstance(control, Spans)}
    regions = drawn if isinstance(drawn, list) else []
    return any(isinstance(each, dict) and each.get("from_name") in names for each in regions)
