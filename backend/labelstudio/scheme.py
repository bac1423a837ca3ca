"""From a label config to what there is to learn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backend.errors import LabelConfigError

TEXT_TAGS = ("Text", "HyperText")
"""Object tags whose content we can encode."""


@dataclass(frozen=True)
class LabelScheme:
    """One classification: which control labels which text, and with what classes.

    `labels` are as annotations store them (a choice's alias where it has one), in the config's order;
    `field` is the key of the text in a task's data.
    """

    from_name: str
    to_name: str
    field: str
    labels: tuple[str, ...]
    hypertext: bool = False

    def text_of(self, data: Any) -> str:
        """The task's text, "" where there is none. Markup is left out of HyperText."""
        value = _lookup(data, self.field)
        text = value if isinstance(value, str) else "" if value is None else str(value)
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored
        return unescape(re.sub(r"<[^>]*>", " ", text)) if self.hypertext else text

    def region(self, label: str, confidence: float) -> dict[str, Any]:
        """One choice as Label Studio stores it."""
        return {
            "from_name": self.from_name,
            "to_name": self.to_name,
            "type": "choices",
            "value": {"choices": [label]},
            "score": confidence,
        }


def parse_label_config(xml: object) -> LabelScheme:
    """The first single-choice control on a text.

    Raises LabelConfigError, with what to change, when the config has none.
    """
    root = _parse_xml(xml)
    objects = {tag.get("name", ""): tag for tag in root.iter() if tag.tag in TEXT_TAGS and tag.get("value")}
    controls = [tag for tag in root.iter("Choices") if tag.get("name") and tag.get("toName")]
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
    name = control.get("name", "")
    if control.get("choice", "single") == "multiple":
        raise LabelConfigError(
            f'<Choices name="{name}"> allows several choices; only choice="single" is learned.'
        )
    labels = [choice.get("alias") or choice.get("value") or "" for choice in control.iter("Choice")]
    distinct = tuple(dict.fromkeys(label for label in labels if label))
    if len(distinct) < 2:
        raise LabelConfigError(f'<Choices name="{name}"> has fewer than two choices: nothing to tell apart.')
    field = text.get("value", "").removeprefix("$")
    return LabelScheme(name, control.get("toName", ""), field, distinct, text.tag == "HyperText")


def _lookup(data: Any, field: str) -> Any:
    if not isinstance(data, dict):
        return None
    if field in data:
        return data[field]
    for key in field.split("."):  # a nested field, such as $item.title
        data = data.get(key) if isinstance(data, dict) else None
    return data
