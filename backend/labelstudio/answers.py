"""What Label Studio's answers must look like. A proxy, a login page or another server answers 200 too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

SHOWN = 200
"""Characters of an answer that an error shows."""
Kind = type | tuple[type, ...]


class OtherShape(ValueError):
    """The answer is not what Label Studio answers to this call."""


def parsed(content: bytes) -> Any:
    """The JSON of an answer, None for an empty one. Raises ValueError for what is none.

    An integer with more digits than Python reads (4,300) may stand in somebody's task: then it is infinite.
    """
    if not content:
        return None
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json.loads(content, parse_int=_integer)


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def ignored(raw: Any) -> None:
    """Of a call whose answer tells nothing."""


def record(what: str, **fields: Kind) -> Callable[[Any], dict[str, Any]]:
    """A JSON object whose named fields are of these kinds. what: in words, "a project"."""

    def check(raw: Any) -> dict[str, Any]:
        if not isinstance(raw, dict) or not all(_is(raw.get(name), kind) for name, kind in fields.items()):
            raise OtherShape(f"{what} was expected, not {_shown(raw)}")
        return raw

    return check


def records(what: str, **fields: Kind) -> Callable[[Any], list[dict[str, Any]]]:
    """A list of such objects."""
    each = record(what, **fields)

    def check(raw: Any) -> list[dict[str, Any]]:
        if not isinstance(raw, list):
            raise OtherShape(f"a list, of each {what}, was expected, not {_shown(raw)}")
        return [each(item) for item in raw]

    return check


def counts(what: str) -> Callable[[Any], dict[str, int]]:
    """A JSON object of numbers."""

    def check(raw: Any) -> dict[str, int]:
        if not isinstance(raw, dict) or not all(_is(number, int) for number in raw.values()):
            raise OtherShape(f"{what} were expected, not {_shown(raw)}")
        return raw

    return check


def is_label_studios_own(body: object, status: int) -> bool:
    """Whether an error is told as Label Studio tells its errors, and not as a proxy before it does."""
    try:
        parsed = json.loads(body) if isinstance(body, (str, bytes)) else body
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and parsed.get("status_code") == status and "detail" in parsed


def _is(value: Any, kind: Kind) -> bool:
    """True and False are no numbers here."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return isinstance(value, kind) and (not isinstance(value, bool) or bool in kinds)


def _shown(raw: Any) -> str:
    text = "an empty answer" if raw is None else json.dumps(raw)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
