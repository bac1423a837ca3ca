"""A label config's tags, read in one pass and within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from backend.controls.content import names_a_field
from backend.errors import LabelConfigError

MAX_DEPTH = 100
"""Tags within each other. Label Studio's own templates have up to a dozen."""
MAX_TAGS = 50_000
"""As many as a config of the longest allowed has, were each a <Choice> of a few letters."""
TEXT_TAGS = ("Text", "HyperText", "Paragraphs")
"""Object tags whose value may stand between their begin and their end."""
SHAPES = ("Rectangle", "Polygon", "Brush", "Bitmask")
"""Control tags that draw what <Labels> about the same image name."""
_SHOWN = 80
"""Characters of a name that messages repeat."""


@dataclass(frozen=True)
class Condition:
    """When Label Studio shows what stands in a tag with `visibleWhen`.

    kind: the attribute's value, "" where there is only `whenChoiceValue`; tag: the control it looks at, ""
    for any; choices: of which one must be chosen, none for any; labels: of which a region must have one.
    """

    kind: str
    tag: str
    choices: tuple[str, ...]
    labels: tuple[str, ...] = ()


@dataclass
class Choice:
    """A <Choice>, or a <Label> of a control of labels. above: the names of the choices that it stands in,
    from the root. A name is what annotations hold: the alias, or the value; "" where the value is another
    text in each task."""

    value: str
    alias: str
    above: tuple[str, ...] = ()
    is_leaf: bool = True

    @property
    def path(self) -> tuple[str, ...]:
        name = self.alias or ("" if names_a_field(self.value) else self.value)
        return (*self.above, name)


@dataclass
class Tag:
    """attributes: by name in lower case, since Label Studio's pages do not mind it."""

    kind: str
    attributes: Mapping[str, str]
    repeated: bool = False
    """Whether it stands in a <Repeater>, once for each item of a list."""
    conditions: tuple[Condition, ...] = ()
    """All of which must hold for Label Studio to show it."""
    choices: list[Choice] = field(default_factory=list)
    """Each <Choice> in it, or each <Label>, whatever the depth."""
    shapes: Mapping[str, str] = field(default_factory=dict)
    """Of <Labels>, the names of the controls, by kind, that draw what it labels: about the same object, such
    as a <Rectangle>."""
    inner: str = ""
    """Of a text, what is written between its begin and its end: the editor takes it for the value."""

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")

    @property
    def to_name(self) -> str:
        """One name, or several with a comma between them."""
        return self.attributes.get("toname", "")

    @property
    def to_names(self) -> list[str]:
        return self.to_name.split(",")

    @property
    def value(self) -> str:
        return self.inner or self.attributes.get("value", "")

    @property
    def shows_something(self) -> bool:
        return bool(self.value or self.attributes.get("valuelist"))

    def is_on(self, attribute: str) -> bool:
        return self.attributes.get(attribute.lower(), "").lower() == "true"

    def __str__(self) -> str:
        return f'<{self.kind} name="{shortened(self.name)}">'


@dataclass
class Tags:
    """objects: what is looked at, by name; controls: what is asked. In the config's order."""

    objects: dict[str, Tag] = field(default_factory=dict)
    controls: list[Tag] = field(default_factory=list)


def read_tags(xml: object) -> Tags:
    """Raises LabelConfigError, with what to change, for what is no label config or beyond the bounds."""
    if not isinstance(xml, str) or not xml.strip():
        raise LabelConfigError(
            "The project has no label config yet. Save one under Settings > Labeling Interface."
        )
    reader = _Reader()
    parser = DefusedXMLParser(target=reader, forbid_dtd=True)
    try:
        parser.feed(xml)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise LabelConfigError(f"The label config is not valid XML: {error}.") from error
    for tag in reader.tags.controls:
        if tag.kind == "Labels":
            tag.shapes = {
                each.kind: each.name
                for each in reader.tags.controls
                if each.kind in SHAPES and each.to_name == tag.to_name
            }
    return reader.tags


def shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@dataclass
class _Around:
    """What holds for all that stands in a tag."""

    repeated: bool = False
    conditions: tuple[Condition, ...] = ()
    control: Tag | None = None
    choice: Choice | None = None
    text: Tag | None = None


class _Reader:
    """What the XML parser tells of, tag by tag."""

    def __init__(self) -> None:
        self.tags = Tags()
        self._count = 0
        self._around = [_Around()]
        self._written: list[str] = []
        """What stands in the text tag that is open."""

    def start(self, kind: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_TAGS or len(self._around) > MAX_DEPTH:
            raise LabelConfigError(
                f"The label config has more than {MAX_TAGS} tags, or more than {MAX_DEPTH} within each other."
            )
        around = self._around[-1]
        if around.text is not None and around.text.kind == "HyperText":
            written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
            self._write(f"<{kind}{written}>")
            self._around.append(around)
            return
        around.text = None  # other texts with tags in them are their attribute's
        self._written.clear()
        known = {name.lower(): value for name, value in attributes.items()}
        conditions = around.conditions + _conditions(known)
        tag = Tag(kind, known, around.repeated, conditions)
        inside = _Around(around.repeated or kind == "Repeater", conditions, around.control, around.choice)
        if around.control is not None and kind == _option_of(around.control):
            above = () if around.choice is None else around.choice.path
            inside.choice = Choice(known.get("value", ""), known.get("alias", ""), above)
            around.control.choices.append(inside.choice)
            if around.choice is not None:
                around.choice.is_leaf = False
        elif tag.name and tag.to_name not in ("", tag.name):
            self.tags.controls.append(tag)
            inside.control, inside.choice = tag, None
        elif tag.name and (tag.shows_something or kind in TEXT_TAGS):
            self.tags.objects.setdefault(tag.name, tag)
            inside.text = tag if kind in TEXT_TAGS else None
        self._around.append(inside)

    def data(self, text: str) -> None:
        tag = self._around[-1].text
        if tag is not None:
            self._write(escape(text, quote=False) if tag.kind == "HyperText" else text)

    def end(self, kind: str) -> None:
        tag = self._around.pop().text
        if tag is None:
            return
        if self._around[-1].text is None:
            tag.inner = "".join(self._written).strip()
            self._written.clear()
        else:
            self._write(f"</{kind}>")

    def close(self) -> Any:
        return None

    def _write(self, text: str) -> None:
        self._written.append(text)


def _option_of(control: Tag) -> str:
    """The tag of what can be chosen in a control."""
    return "Label" if control.kind.endswith("Labels") else "Choice"


def _conditions(attributes: Mapping[str, str]) -> tuple[Condition, ...]:
    kind, choices = attributes.get("visiblewhen", ""), attributes.get("whenchoicevalue", "")
    if not kind and not choices:
        return ()
    wanted = choices.split(",") if kind else [choices]  # so does the editor
    labels = tuple(filter(None, attributes.get("whenlabelvalue", "").split(",")))
    return (Condition(kind, attributes.get("whentagname", ""), tuple(filter(None, wanted)), labels),)
