"""CSV that people open in spreadsheets, which take some texts for formulas."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from typing import IO, Any

_FORMULA = "[=+\\-@\t\r]"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_BEGINS_AS_ONE, _KEPT_FROM_IT = re.compile(_FORMULA), re.compile(f"'{_FORMULA}")


def write_rows(file: IO[str], rows: Iterable[Sequence[object]]) -> None:
    """Each cell as `in_cell` has it."""
    csv.writer(file).writerows([in_cell(each) for each in row] for row in rows)


def in_cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula has a ' before it (OWASP, CSV injection), unless it
    is a number; what is no plain value is JSON."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}" if _BEGINS_AS_ONE.match(value) else value


def from_cell(text: str) -> str:
    """What `in_cell` made a cell of."""
    return text[1:] if _KEPT_FROM_IT.match(text) else text
