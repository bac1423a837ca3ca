"""What is looked at: an object tag of the label config, and the part of a task's data that it shows.

A new source is a class here, or in a file of its own, and a line in SOURCES.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from backend.controls.content import ENCODINGS, as_text, decoded, field_of
from backend.controls.dom import dom_text
from backend.controls.markup import visible_text
from backend.controls.played import in_order_of_time
from backend.controls.source import Source as Source
from backend.controls.source import storable
from backend.controls.tags import Tag
from backend.errors import LabelConfigError

BETWEEN = "\N{PARAGRAPH SEPARATOR}"
"""Between utterances."""


@dataclass(frozen=True)
class Text(Source):
    """encoding: one of ENCODINGS."""

    tag = "Text"
    encoding: str = "none"

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        if tag.attributes.get("valuetype") == "url":
            raise LabelConfigError(
                f'{tag} has valueType="url": tasks hold the address of a text, not the text. '
                "Import the texts themselves, and remove valueType."
            )
        encoding = tag.attributes.get("encoding", "none")
        return cls(field_of(tag.value), encoding if encoding in ENCODINGS else "none")

    def content(self, data: Any) -> str:
        return storable(decoded(as_text(self.value_in(data)), self.encoding))

    @property
    def about(self) -> str:
        encoding = "" if self.encoding == "none" else f" {self.encoding}"
        return f"{self.field} {self.tag} text{encoding}"


@dataclass(frozen=True)
class HyperText(Text):
    """The words that a browser shows."""

    tag = "HyperText"

    def content(self, data: Any) -> str:
        return visible_text(super().content(data))


@dataclass(frozen=True)
class Paragraphs(Source):
    """A dialogue, or the like. text_key: the words' key in each paragraph."""

    tag = "Paragraphs"
    text_key: str = "text"

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        Text.parse(tag)  # an address is no paragraphs either
        return cls(field_of(tag.value), tag.attributes.get("textkey") or "text")

    def content(self, data: Any) -> str:
        value = self.value_in(data)
        if isinstance(value, list):
            return storable("\n".join(self._words(each) for each in value))
        return storable(as_text(value))

    def _words(self, paragraph: Any) -> str:
        words = paragraph.get(self.text_key) if isinstance(paragraph, dict) else paragraph
        return words if isinstance(words, str) else ""

    @property
    def about(self) -> str:
        return f"{self.field} {self.tag} {self.text_key}"


@dataclass(frozen=True)
class Conversation(Paragraphs):
    """The messages of a <Chat> that stand in a task; what is written while it is labelled is not read."""

    tag = "Chat"
    comes_late = True
    text_key: str = "content"

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        return cls(field_of(tag.value))


@dataclass(frozen=True)
class Table(Source):
    """A line for each key, or for each row of a list of them."""

    tag = "Table"
    comes_late = True

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        Text.parse(tag)  # an address is no table either
        return cls(field_of(tag.value))

    def content(self, data: Any) -> str:
        value = self.value_in(data)
        if isinstance(value, list):
            return storable("\n".join(self._row(row) for row in value))
        return storable("\n".join(_cells(value)) or as_text(value))

    def _row(self, row: Any) -> str:
        return ", ".join(_cells(row)) or as_text(row)

    @property
    def about(self) -> str:
        return f"{self.field} {self.tag}"


@dataclass(frozen=True)
class Listed(Table):
    """The items of a <List>, a line each, without their ids. Only `html` is HTML, as in the editor."""

    tag = "List"

    def _row(self, row: Any) -> str:
        if not isinstance(row, dict):
            return ""
        title, body, html = (as_text(row.get(key)) for key in ("title", "body", "html"))
        return " ".join([*title.split(), *body.split(), *visible_text(html).split()])


@dataclass(frozen=True)
class PageText(Text):
    """The text of a <HyperText> in which the editor counts characters. inline: see `dom_text`."""

    tag = "HyperText"
    written = "HyperText's characters"
    inline: bool = False

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        return replace(super().parse(tag), inline=tag.is_on("inline"))  # type: ignore[call-arg]

    def content(self, data: Any) -> str:
        return dom_text(super().content(data), self.inline)

    @property
    def about(self) -> str:
        return f"{super().about} by character{' inline' if self.inline else ''}"


@dataclass(frozen=True)
class Utterances(Paragraphs):
    """The utterances of a <Paragraphs> with BETWEEN between them, so that each can be found. by_time: in the
    order in which the editor shows and counts them with contextScroll."""

    written = "Paragraphs' utterances"
    by_time: bool = False

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        return replace(super().parse(tag), by_time=tag.is_on("contextScroll"))  # type: ignore[call-arg]

    def content(self, data: Any) -> str:
        value = self.value_in(data)
        shown = in_order_of_time(value) if self.by_time else value
        told = [self._words(each) for each in shown] if isinstance(shown, list) else []
        return storable(BETWEEN.join(each.replace(BETWEEN, " ") for each in told))

    @property
    def about(self) -> str:
        return f"{super().about} by character{' by time' if self.by_time else ''}"


@dataclass(frozen=True)
class Image(Source):
    """Its content is an address, or a data URI that holds the image."""

    tag = "Image"
    is_fetched = True

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        if tag.attributes.get("valuelist"):
            raise LabelConfigError(
                f"{tag} has valueList: it shows several images of a task, one is learned. "
                "Import each image as a task of its own, and remove valueList."
            )
        return cls(field_of(tag.value))

    def content(self, data: Any) -> str:
        return storable(as_text(self.value_in(data))).strip()

    @property
    def about(self) -> str:
        return f"{self.field} {self.tag}"


@dataclass(frozen=True)
class Unread(Source):
    """What cannot be encoded, such as sounds and films: all that stands in a task tells one from another."""

    tag = "Unread"
    is_read = False

    @classmethod
    def parse(cls, tag: Tag) -> Source:
        return cls("")

    def content(self, data: Any) -> str:
        return storable(json.dumps(data, ensure_ascii=False, sort_keys=True, default=str))

    def encoder(self, of_texts: str) -> str:
        return "lots"

    @property
    def about(self) -> str:
        return "all that stands in a task"


SOURCES: dict[str, type[Source]] = {
    each.tag: each for each in (Text, HyperText, Paragraphs, Conversation, Table, Listed, Image)
}
"""By object tag, for what is asked about the whole of a content."""

COUNTED: dict[str, type[Source]] = {each.tag: each for each in (Text, PageText, Utterances)}
"""By object tag, for what is asked about parts of a text: the content has the characters that Label Studio
counts."""
_KINDS: tuple[type[Source], ...] = (*SOURCES.values(), *COUNTED.values(), Unread)
_READ = {each.written or each.tag: each for each in _KINDS}


def source_from_json(described: Mapping[str, Any]) -> Source:
    """From what `as_json` gave. Raises KeyError or TypeError otherwise."""
    kind = _READ[described["tag"]]
    return kind(**{name: each for name, each in described.items() if name != "tag"})


def _cells(row: Any) -> list[str]:
    """Such as "Name: Anna", of what has keys; a cell within a cell is left out."""
    return [f"{key}: {as_text(cell)}" for key, cell in row.items()] if isinstance(row, dict) else []
