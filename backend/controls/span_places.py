"""Where in a text a span is, as Label Studio says it and as answers do.

Answers count code points of the content. Label Studio counts, of each object tag, something else:

* <Text>: code points of the text, `start` and `end`.
* <HyperText>: code points of the page's text, `globalOffsets`. Its XPaths, which count UTF-16 units, are not
  read; the editor makes them of the others where they are empty.
* <Paragraphs>: UTF-16 units of an utterance, `startOffset` and `endOffset`; `start` and `end` are the numbers
  of the utterances, as text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from backend.controls.sources import BETWEEN, PageText, Source, Text, Utterances

Place = tuple[int, int]
"""Start and end in code points of the content, the end exclusive."""


class Places(ABC):
    @abstractmethod
    def read(self, value: dict[str, Any], content: str) -> Place | None:
        """Of a region's value; None where it is nowhere in the content. Never raises."""

    @abstractmethod
    def write(self, place: Place, content: str) -> dict[str, Any]:
        """What a region's value says of its place. The place must be in the content."""


class _InText(Places):
    def read(self, value: dict[str, Any], content: str) -> Place | None:
        return _within(value.get("start"), value.get("end"), content)

    def write(self, place: Place, content: str) -> dict[str, Any]:
        return {"start": place[0], "end": place[1]}


class _InPage(Places):
    def read(self, value: dict[str, Any], content: str) -> Place | None:
        offsets = value.get("globalOffsets")
        if not isinstance(offsets, dict):
            return None
        return _within(offsets.get("start"), offsets.get("end"), content)

    def write(self, place: Place, content: str) -> dict[str, Any]:
        offsets = {"start": place[0], "end": place[1]}
        return {"start": "", "end": "", "startOffset": 0, "endOffset": 0, "globalOffsets": offsets}


class _InUtterances(Places):
    def read(self, value: dict[str, Any], content: str) -> Place | None:
        told = content.split(BETWEEN)
        start = _at(told, value.get("start"), value.get("startOffset"))
        end = _at(told, value.get("end"), value.get("endOffset"))
        return None if start is None or end is None else _within(start, end, content)

    def write(self, place: Place, content: str) -> dict[str, Any]:
        (first, start), (last, end) = (self._utterance(at, content) for at in place)
        return {"start": first, "end": last, "startOffset": start, "endOffset": end}

    def _utterance(self, at: int, content: str) -> tuple[str, int]:
        """Its number, and how far into it."""
        begins = content.rfind(BETWEEN, 0, at) + 1
        return str(content.count(BETWEEN, 0, at)), _units(content[begins:at])


PLACES: dict[type[Source], Places] = {Text: _InText(), PageText: _InPage(), Utterances: _InUtterances()}
"""By what the content is read by."""


def _at(told: list[str], number: Any, units: Any) -> int | None:
    """So many UTF-16 units into an utterance, in code points of the content."""
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 10:
        number = int(number)
    if type(number) is not int or type(units) is not int:
        return None
    if not 0 <= number < len(told) or not 0 <= units <= _units(told[number]):
        return None
    into = told[number].encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")
    return sum(len(each) + 1 for each in told[:number]) + len(into)


def _units(text: str) -> int:
    """UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _within(start: Any, end: Any, content: str) -> Place | None:
    """What of it is in the content; None where nothing is."""
    if type(start) is not int or type(end) is not int:
        return None
    end = min(end, len(content))
    return (start, end) if 0 <= start < end else None
