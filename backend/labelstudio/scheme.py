"""From a label config to what there is to learn."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backend.errors import LabelConfigError

TEXT_TAGS = ("Text", "HyperText", "Paragraphs")
"""Object tags whose content we can encode."""
CONTROL_TAGS = ("Choices", "Taxonomy")
"""Control tags that put a task into one of several classes."""


@dataclass(frozen=True)
class LabelScheme:
    """One classification: which control labels which text, and with what classes.

    `labels` are as annotations store them (a choice's alias where it has one), in the config's order;
    `field` is the key of the text in a task's data, `text_key` that of the words in each paragraph.
    With `dynamic` choices the classes stand in the tasks: those that annotators chose are learned.
    """

    from_name: str
    to_name: str
    field: str
    labels: tuple[str, ...]
    control: str = "Choices"
    source: str = "Text"
    text_key: str = "text"
    dynamic: bool = False

    def text_of(self, data: Any) -> str:
        """The task's text, "" where there is none. Markup is left out of HyperText."""
        value = _lookup(data, self.field)
        if self.source == "Paragraphs" and isinstance(value, list):
            value = "\n".join(_words(item, self.text_key) for item in value)
        text = value if isinstance(value, str) else "" if value is None else str(value)
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored
        return unescape(re.sub(r"<[^>]*>", " ", text)) if self.source == "HyperText" else text

    def region(self, label: str, confidence: float) -> dict[str, Any]:
        """One choice as Label Studio stores it."""
        kind = self.control.lower()
        chosen = [[label]] if kind == "taxonomy" else [label]
        return {
            "from_name": self.from_name,
            "to_name": self.to_name,
            "type": kind,
            "value": {kind: chosen},
            "score": confidence,
        }

    def choice_of(self, region: Any) -> str | None:
        """The one class a region of an annotation names, None if it names several, none, or is not ours."""
        if not isinstance(region, dict) or region.get("from_name") != self.from_name:
            return None
        value = region.get("value")
        chosen = value.get(self.control.lower()) if isinstance(value, dict) else None
        if not isinstance(chosen, list) or len(chosen) != 1:
            return None
        label = chosen[0]
        if self.control == "Taxonomy":  # a path from the root
            label = label[0] if isinstance(label, list) and len(label) == 1 else None
        return label if isinstance(label, str) and (self.dynamic or label in self.labels) else None

    def with_labels(self, chosen: Iterable[str]) -> LabelScheme:
        """The scheme to learn: with dynamic choices, their classes are those that were chosen."""
        return replace(self, labels=tuple(sorted(set(chosen)))) if self.dynamic else self

    def fits(self, other: LabelScheme | None) -> bool:
        """Whether a model of one answers for the other: dynamic choices may have been chosen since."""
        return other is not None and (
            self == replace(other, labels=self.labels) if self.dynamic else self == other
        )


def parse_label_config(xml: object) -> LabelScheme:
    """The first single-choice control, a <Choices> or a <Taxonomy> of one level, on a text.

    Raises LabelConfigError, with what to change, when the config has none.
    """
    root = _parse_xml(xml)
    objects = {tag.get("name", ""): tag for tag in root.iter() if tag.tag in TEXT_TAGS and tag.get("value")}
    controls = [
        tag for tag in root.iter() if tag.tag in CONTROL_TAGS and tag.get("name") and tag.get("toName")
    ]
    if not controls:
        raise LabelConfigError("The label config has no <Choices> tag: there is no class to learn. Add one.")
    on_text = [tag for tag in controls if tag.get("toName") in objects]
    if not on_text:
        wanted = " or ".join(f"<{name}>" for name in TEXT_TAGS)
        raise LabelConfigError(
            f"No <Choices> of the label config belongs to a {wanted} tag: let one's toName name it."
        )
    problems = []
    for control in on_text:
        try:
            return _scheme(control, objects[control.get("toName", "")])
        except LabelConfigError as problem:
            problems.append(str(problem))
    raise LabelConfigError(" ".join(problems))


def _parse_xml(xml: object) -> Element:
    if not isinstance(xml, str) or not xml.strip():
        raise LabelConfigError(
            "The project has no label config yet. Save one under Settings > Labeling Interface."
        )
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
        return root
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise LabelConfigError(f"The label config is not valid XML: {error}.") from error


def _scheme(control: Element, text: Element) -> LabelScheme:
    name, tag = control.get("name", ""), control.tag
    if control.get("choice", "single") == "multiple":
        raise LabelConfigError(
            f'<Choices name="{name}"> allows several choices; only choice="single" is learned.'
        )
    if tag == "Taxonomy" and any(choice.find("Choice") is not None for choice in control.iter("Choice")):
        raise LabelConfigError(f'<Taxonomy name="{name}"> has choices within choices; one level is learned.')
    labels = [choice.get("alias") or choice.get("value") or "" for choice in control.iter("Choice")]
    distinct = tuple(dict.fromkeys(label for label in labels if label))
    dynamic = (control.get("value") or "").startswith("$")
    if len(distinct) < 2 and not dynamic:
        raise LabelConfigError(f'<{tag} name="{name}"> has fewer than two choices: nothing to tell apart.')
    return LabelScheme(
        from_name=name,
        to_name=control.get("toName", ""),
        field=text.get("value", "").removeprefix("$"),
        labels=() if dynamic else distinct,
        control=tag,
        source=text.tag,
        text_key=text.get("textKey") or text.get("textkey") or "text",
        dynamic=dynamic,
    )


def _words(paragraph: Any, key: str) -> str:
    words = paragraph.get(key) if isinstance(paragraph, dict) else paragraph
    return words if isinstance(words, str) else ""


def _lookup(data: Any, field: str) -> Any:
    if not isinstance(data, dict):
        return None
    if field in data:
        return data[field]
    for key in field.split("."):  # a nested field, such as $item.title
        data = data.get(key) if isinstance(data, dict) else None
    return data
