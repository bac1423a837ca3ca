"""From a label config to what there is to learn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import numpy.typing as npt
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
    Where `several` choices may be given at once, each set of them that annotators gave is a class of its
    own (label powerset; Tsoumakas & Katakis 2007), written as a JSON list; `options` are the config's
    choices. Where it may be left `blank`, a submitted annotation without a choice says "none of them".
    `companions` are the config's other controls on the same text: predicted too, without a say in the queue.
    """

    from_name: str
    to_name: str
    field: str
    labels: tuple[str, ...]
    control: str = "Choices"
    source: str = "Text"
    text_key: str = "text"
    dynamic: bool = False
    several: bool = False
    options: tuple[str, ...] = ()
    blank: bool = False
    companions: tuple[LabelScheme, ...] = ()

    def text_of(self, data: Any) -> str:
        """The task's text, "" where there is none. Markup is left out of HyperText."""
        value = _lookup(data, self.field)
        if self.source == "Paragraphs" and isinstance(value, list):
            value = "\n".join(_words(item, self.text_key) for item in value)
        text = value if isinstance(value, str) else "" if value is None else str(value)
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored
        return unescape(re.sub(r"<[^<>]*>", " ", text)) if self.source == "HyperText" else text

    def region(self, label: str, confidence: float) -> dict[str, Any]:
        """The choice, or the choices, of a class as Label Studio stores them."""
        kind = self.control.lower()
        chosen = self.choices_in(label)
        return {
            "from_name": self.from_name,
            "to_name": self.to_name,
            "type": kind,
            "value": {kind: [[choice] for choice in chosen] if kind == "taxonomy" else chosen},
            "score": confidence,
        }

    def choice_of(self, region: Any) -> str | None:
        """The class a region of an annotation names, None if it names none (any more) or is not ours."""
        if not self._is_ours(region):
            return None
        value = region.get("value")
        chosen = value.get(self.control.lower()) if isinstance(value, dict) else None
        chosen = chosen if isinstance(chosen, list) else []
        if self.control == "Taxonomy":  # paths from the root
            chosen = [path[0] if isinstance(path, list) and len(path) == 1 else None for path in chosen]
        known = [choice for choice in chosen if self._knows(choice)]
        if self.several:
            return self.class_of(known) if known else None
        return known[0] if len(chosen) == 1 and known else None

    def class_in(self, result: Any) -> str | None:
        """The class that a submitted annotation's regions name, None if they name none."""
        regions = result if isinstance(result, list) else []
        choices = (self.choice_of(region) for region in regions)
        named = next((choice for choice in choices if choice is not None), None)
        if named is None and self.blank and isinstance(result, list) and not any(map(self._is_ours, regions)):
            return self.class_of([])
        return named

    def _is_ours(self, region: Any) -> bool:
        return isinstance(region, dict) and region.get("from_name") == self.from_name

    def class_of(self, choices: Iterable[str]) -> str:
        """The class of a set of choices, where several may be given."""
        return json.dumps(sorted(set(choices)), ensure_ascii=False)

    def choices_in(self, label: str) -> list[str]:
        """The choices that make up a class: one, unless several may be given."""
        choices: list[str] = json.loads(label) if self.several else [label]
        return choices

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen: the config's choices, or, with dynamic ones, all that were ever given."""
        if not self.several:
            return self.labels
        return self.options or tuple(sorted({c for label in self.labels for c in self.choices_in(label)}))

    def membership(self) -> npt.NDArray[np.bool_]:
        """By class, which of the `choices` it holds: bool [classes, choices]."""
        column = {choice: i for i, choice in enumerate(self.choices)}
        held = np.zeros((len(self.labels), len(column)), dtype=np.bool_)
        for row, label in enumerate(self.labels):
            held[row, [column[choice] for choice in self.choices_in(label) if choice in column]] = True
        return held

    @property
    def is_open(self) -> bool:
        """Whether the classes are those that annotators gave, not those of the config."""
        return self.dynamic or self.several

    def reads_as(self, other: LabelScheme) -> bool:
        """Whether both are about the same text."""
        return (self.field, self.source, self.text_key) == (other.field, other.source, other.text_key)

    def with_labels(self, given: Mapping[str, Iterable[str]]) -> LabelScheme:
        """The scheme to learn: open ones have the classes that were given. given: by the control's name."""
        companions = tuple(companion.with_labels(given) for companion in self.companions)
        labels = tuple(sorted(set(given.get(self.from_name, ())))) if self.is_open else self.labels
        return replace(self, labels=labels, companions=companions)

    def fits(self, other: LabelScheme | None) -> bool:
        """Whether a model of one answers for the other: in an open one, classes may have been given since."""
        return other is not None and self.with_labels({}) == other.with_labels({})

    def _knows(self, choice: Any) -> bool:
        return isinstance(choice, str) and (self.dynamic or choice in self._known)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.options or self.labels)


def parse_label_config(xml: object, preferred: str | None = None) -> LabelScheme:
    """The first <Choices>, or <Taxonomy> of one level, on a text; the one of a `preferred` name, if there.

    The others on the same text are its companions.
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
    problems, learned, conditional = [], [], _conditional(root)
    for control in sorted(on_text, key=lambda tag: tag.get("name") != preferred):
        try:
            learned.append(_scheme(control, objects[control.get("toName", "")], control in conditional))
        except LabelConfigError as problem:
            problems.append(str(problem))
    if not learned:
        raise LabelConfigError(" ".join(problems))
    first, *others = learned
    return replace(first, companions=tuple(other for other in others if other.reads_as(first)))


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


def _scheme(control: Element, text: Element, conditional: bool) -> LabelScheme:
    name, tag = control.get("name", ""), control.tag
    _refuse_what_is_not_of_the_text(control, text)
    if any(choice.find("Choice") is not None for choice in control.iter("Choice")):
        raise LabelConfigError(f'<{tag} name="{name}"> has choices within choices; one level is learned.')
    labels = [choice.get("alias") or choice.get("value") or "" for choice in control.iter("Choice")]
    distinct = tuple(dict.fromkeys(label for label in labels if label))
    dynamic = (control.get("value") or "").startswith("$")
    several = _takes_several(control)
    if len(distinct) < 2 and not dynamic:
        raise LabelConfigError(f'<{tag} name="{name}"> has fewer than two choices: nothing to tell apart.')
    return LabelScheme(
        from_name=name,
        to_name=control.get("toName", ""),
        field=text.get("value", "").removeprefix("$"),
        labels=() if dynamic or several else distinct,
        control=tag,
        source=text.tag,
        text_key=_attribute(text, "textKey") or "text",
        dynamic=dynamic,
        several=several,
        options=distinct if several and not dynamic else (),
        blank=several and not conditional and not _is_on(control, "required"),
    )


def _takes_several(control: Element) -> bool:
    """A <Taxonomy> takes as many as one likes unless told otherwise, <Choices> only one."""
    if control.tag == "Taxonomy":
        return _attribute(control, "maxUsages") != "1"
    return _attribute(control, "choice") == "multiple"


def _refuse_what_is_not_of_the_text(control: Element, text: Element) -> None:
    """Raises LabelConfigError where the choice is no class of a text that stands in the task."""
    what = f'<{control.tag} name="{control.get("name")}">'
    for attribute in ("perRegion", "perItem", "labeling"):
        if _is_on(control, attribute):
            raise LabelConfigError(
                f"{what} has {attribute}: it labels parts of a text, whole texts are learned. Remove it."
            )
    if _is_on(control, "allowNested"):
        raise LabelConfigError(f"{what} has allowNested; one level of choices is learned. Remove it.")
    if _attribute(text, "valueType") == "url":
        raise LabelConfigError(
            f'<{text.tag} name="{text.get("name")}"> has valueType="url": tasks hold the address of a text, '
            "not the text. Import the texts themselves."
        )


def _attribute(tag: Element, name: str) -> str | None:
    """Label Studio's pages do not mind the case of an attribute's name."""
    return next((value for key, value in tag.attrib.items() if key.lower() == name.lower()), None)


def _is_on(tag: Element, name: str) -> bool:
    return (_attribute(tag, name) or "").lower() == "true"


def _conditional(root: Element) -> set[Element]:
    """The controls that an annotator may never have seen: they, or what they stand in, have `visibleWhen`."""
    hiding = [tag for tag in root.iter() if _attribute(tag, "visibleWhen")]
    return {control for tag in hiding for control in tag.iter() if control.tag in CONTROL_TAGS}


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
