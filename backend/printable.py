"""Text from outside, for logs and terminals: nothing in it moves the cursor, hides a line or makes one up."""

from __future__ import annotations

import re

# Control characters of ASCII and Latin 1; what sets the direction of writing; other line ends; half a
# surrogate pair, which no stream can write; what is not seen at all.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")
_UNSEEN_BUT_LINES = re.compile(_UNSEEN.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


def printable(text: str) -> str:
    """With escapes such as `\\x1b` for what is not seen, line ends among them."""
    return _UNSEEN.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """As `printable`, but lines stay lines."""
    return _UNSEEN_BUT_LINES.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
