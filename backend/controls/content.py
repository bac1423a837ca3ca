"""What stands in a task's data in the place of a tag's `value`, as Label Studio reads it.

Follows the editor's `parseValue` (utils/data.js) and its RichText model (1.23.2).
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

_REFERENCE = re.compile(r"\$[\w\[\].{}]+", re.ASCII)
"""As the editor finds them in a value."""
_WHOLE = re.compile(r"\$[\w\[\].{}-]+")
"""A value that is one name. The editor cuts names at a hyphen or a letter beyond ASCII; we need not."""
ENCODINGS = ("none", "base64", "base64unicode")


def field_of(value: str) -> str:
    """`Source.field` of an object tag's value."""
    return value[1:] if _WHOLE.fullmatch(value) else value


def names_a_field(value: str) -> bool:
    """Whether the editor shows something else in its place in each task."""
    return _REFERENCE.search(value) is not None


def fill(value: str, data: Any) -> Any:
    """The field a value names, of whatever type; or the value with its names replaced by fields.

    Label Studio's server takes all behind a leading `$` for a field's name: where there is one it is meant.
    """
    if _WHOLE.fullmatch(value) or (value[:1] == "$" and isinstance(data, dict) and value[1:] in data):
        return look_up(data, value[1:])
    return _REFERENCE.sub(lambda name: as_text(look_up(data, name[0][1:])), value)


def look_up(data: Any, path: str) -> Any:
    """The part of a task's data by a path such as `item.title` or `messages[0].content`; None without."""
    if isinstance(data, dict) and path in data:
        return data[path]
    for key in re.findall(r"[^.\[\]]+", path):
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and key.isascii() and key.isdigit() and len(key) < 10:
            data = data[int(key)] if int(key) < len(data) else None
        else:
            return None
    return data


def as_text(value: Any) -> str:
    """As JavaScript's String(): "" where there is nothing to read."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        if isinstance(value, list):
            return ",".join(map(as_text, value))
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
            value = int(value)
        return str(value)
    except (ValueError, RecursionError):  # thousands of digits, or of lists in lists
        return ""


def decoded(text: str, encoding: str) -> str:
    """By the browser's atob, whose characters are bytes, or as the bytes of UTF-8."""
    if encoding == "none":
        return text
    try:
        content = b64decode("".join(text.split()), validate=True)
        return content.decode("utf-8" if encoding == "base64unicode" else "latin-1")
    except ValueError:  # Label Studio shows nothing
        return ""
