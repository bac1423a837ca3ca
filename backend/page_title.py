"""What a web page is about, where an answer for programs was expected."""

from __future__ import annotations

import re
from html import unescape

MAX_CHARS = 10_000
"""Characters that are looked at; a page may have millions."""

MAX_TITLE = 500
"""Characters of a title that are looked at: a number of more than 4,300 digits in it would be an error."""


def page_in_words(text: str) -> str | None:
    """By its title, in one line; None for what is no page of HTML."""
    page = text[:MAX_CHARS]
    if not re.search(r"(?i)<!doctype html|<html|<head|<body", page):
        return None
    title = re.search(r"(?is)<title[^>]*>([^<]*)", page) or re.search(r"(?is)<h1[^>]*>([^<]*)", page)
    said = " ".join(unescape(title[1][:MAX_TITLE]).split()) if title else ""
    return f'a web page, "{said}"' if said else "a web page"
