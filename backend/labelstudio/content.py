"""What Label Studio shows of a task in the place of an object tag's `value`.

Follows the editor's `parseValue` (utils/data.js) and its RichText model (1.23.2).
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from backend.labelstudio.markup import visible_text

_REFERENCE = re.compile(r"\$[\w\[\].{}]+", re.ASCII)
"""As the editor finds them in a value."""
_WHOLE = re.compile(r"\$[\w\[\].{}-]+")
"""A value that is one name. The editor cuts names at a hyphen or a letter beyond ASCII; we need not."""
ENCODINGS = ("none", "base64", "base64unicode")


@dataclass(frozen=True)
class Content:
    """Which part of a task's data an object tag shows, and how.

    field: the name of one field, without its `$`; or a value with text around names, as it stands in the
    config. kind: the tag; text_key: the words' key in each paragraph; encoding: one of ENCODINGS.
    """

    field: str
    kind: str = "Text"
    text_key: str = "text"
    encoding: str = "none"

    @property
    def about(self) -> str:
        """The same for the same texts."""
        encoding = "" if self.encoding == "none" else f" {self.encoding}"
        return f"{self.field} {self.kind} {self.text_key}{encoding}"

    def text_of(self, data: Any) -> str:
        """The words that an annotator reads, "" where there are none. Never raises."""
        value = fill(self.field, data) if "$" in self.field else look_up(data, self.field)
        if self.kind == "Paragraphs" and isinstance(value, list):
            text = "\n".join(_words(item, self.text_key) for item in value)
        else:
            text = _decoded(_as_text(value), self.encoding)
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored
        return visible_text(text) if self.kind == "HyperText" else text


def field_of(value: str) -> str:
    """`Content.field` of an object tag's value."""
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
    return _REFERENCE.sub(lambda name: _as_text(look_up(data, name[0][1:])), value)


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


def _as_text(value: Any) -> str:
    """As JavaScript's String(): "" where there is nothing to read."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        if isinstance(value, list):
            return ",".join(map(_as_text, value))
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
            value = int(value)
        return str(value)
    except (ValueError, RecursionError):  # thousands of digits, or of lists in lists
        return ""


def _decoded(text: str, encoding: str) -> str:
    """By the browser's atob, whose characters are bytes, or as the bytes of UTF-8."""
    if encoding == "none":
        return text
    try:
        content = b64decode("".join(text.split()), validate=True)
        return content.decode("utf-8" if encoding == "base64unicode" else "latin-1")
    except ValueError:  # Label Studio shows nothing
        return ""


def _words(paragraph: Any, key: str) -> str:
    words = paragraph.get(key) if isinstance(paragraph, dict) else paragraph
    return words if isinstance(words, str) else ""
