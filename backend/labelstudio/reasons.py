"""What an answer of Label Studio's says of an error, without the JSON or HTML that it comes in."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from backend.page_title import MAX_CHARS, page_in_words

_ABOUT = {"id", "status_code", "version", "exc_info"}
"""Fields that say nothing of the reason."""


def reason_of(body: object) -> str:
    """In one line, of an answer's text or of the JSON that it was read as."""
    text = body if isinstance(body, str) else ""
    if text[:MAX_CHARS].lstrip().startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            body = json.loads(text)
    if isinstance(body, (dict, list)):
        return _line(_said(body)) or "no reason"
    return page_in_words(text) or _line(str(body)[:MAX_CHARS])


def _said(value: Any, depth: int = 0) -> str:
    """Label Studio says it in `detail`, and field by field in `validation_errors`."""
    if isinstance(value, dict) and depth < 4:
        fields = value.get("validation_errors")
        if isinstance(fields, (dict, list)) and fields:
            return _said(fields, depth + 1)
        if isinstance(value.get("detail"), str):
            return str(value["detail"])
        parts = {name: _said(each, depth + 1) for name, each in value.items() if name not in _ABOUT}
        shown = [
            said if name == "non_field_errors" else f"{name}: {said}" for name, said in parts.items() if said
        ]
        return "; ".join(shown)
    if isinstance(value, list) and depth < 4:
        return " ".join(filter(None, (_said(each, depth + 1) for each in value)))
    return "" if value is None else str(value)


def _line(text: str) -> str:
    return " ".join(text.split())
