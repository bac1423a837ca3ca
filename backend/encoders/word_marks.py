"""Where a text's words lie, for languages with spaces between them and without."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from backend.encoders.ngrams import UNSPACED_LETTERS

JOINERS = "\u200c\u200d"
"""Signs of no width that stand within words of Persian or Hindi, and within an emoji made of several."""
SKINS = "\U0001f3fb-\U0001f3ff"
"""What gives the emoji before its skin colour, as a regular expression's set without its brackets."""


def word_marks(text: str) -> list[tuple[int, int]]:
    """Start and end of each word, in code points of the text, rising.

    A word is letters, digits and underscores in a row; of scripts without spaces each letter is one, and so
    is each sign that is neither, an emoji made of several with all of them. Marks that belong to the letter
    before (vowels of Thai or Hindi, accents) stay with it. Every character but white space is in exactly one
    word.
    """
    return [found.span() for found in _pattern().finditer(text)]


@lru_cache
def _pattern() -> re.Pattern[str]:
    marks = f"[{''.join(_ranges(_marks()))}{JOINERS}]"
    sign = f"[^\\w\\s](?:{marks}|[{SKINS}])*"
    return re.compile(
        f"[{UNSPACED_LETTERS}]{marks}*|(?:(?![{UNSPACED_LETTERS}])\\w{marks}*)+|{sign}(?:(?<=\u200d){sign})*"
    )


def _marks() -> Iterator[int]:
    """All combining characters; none lies in planes 2 to 13."""
    for code in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)):
        if unicodedata.category(chr(code)).startswith("M"):
            yield code


def _ranges(codes: Iterable[int]) -> Iterator[str]:
    """Rising numbers as ranges of a regular expression's set."""
    first = last = -1
    for code in codes:
        if code != last + 1:
            if first >= 0:
                yield f"{chr(first)}-{chr(last)}"
            first = code
        last = code
    if first >= 0:
        yield f"{chr(first)}-{chr(last)}"
