"""What there is to learn of a label config, and its classes in annotations and predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as kept
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.labelstudio.content import Content, fill
from backend.labelstudio.tags import Condition


@dataclass(frozen=True)
class LabelScheme:
    """One classification: which control labels which text, and with what classes.

    `labels` are as annotations store them (a choice's alias where it has one), in the config's order.
    `field`, `source`, `text_key` and `encoding` say which part of a task is its text: see `Content`.
    With `dynamic` choices the classes stand in the tasks: those that annotators chose are learned.
    Where `several` choices may be given at once, each set of them that annotators gave is a class of its
    own (label powerset; Tsoumakas & Katakis 2007), written as a JSON list; `options` are the config's
    choices. Where it may be left `blank`, a submitted annotation without a choice says "none of them".
    `companions` are the config's other controls on the same text: predicted too, without a say in the queue.
    `conditions`: where all of them hold Label Studio shows the control.
    `beside`: names of the config's controls that are not learned. `offers`: of dynamic choices, the value
    that says which a task offers; `offered_everywhere`: those that all do. These four say what may be shown
    and told, no model depends on them.
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
    encoding: str = "none"
    conditions: tuple[Condition, ...] = kept(default=(), compare=False)
    beside: tuple[str, ...] = kept(default=(), compare=False, repr=False)
    offers: str = kept(default="", compare=False)
    offered_everywhere: tuple[str, ...] = kept(default=(), compare=False)

    def as_json(self) -> dict[str, Any]:
        """For a model version's manifest, as JSON: what a model depends on, in no more words than the release
        before this one reads."""
        kept_apart = {name for name, each in self.__dataclass_fields__.items() if not each.compare}
        if self.encoding == "none":
            kept_apart.add("encoding")
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in kept_apart}
        return {**found, "companions": [companion.as_json() for companion in self.companions]}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> LabelScheme:
        """From what `as_json` gave. Raises KeyError, TypeError or AttributeError otherwise."""
        lists = {"labels": tuple(described["labels"]), "options": tuple(described["options"])}
        companions = tuple(cls.from_json(companion) for companion in described["companions"])
        return cls(**{**described, **lists, "companions": companions})

    @property
    def content(self) -> Content:
        return Content(self.field, self.source, self.text_key, self.encoding)

    def text_of(self, data: Any) -> str:
        """The task's text as annotators read it, "" where there is none. Never raises."""
        return self.content.text_of(data)

    @property
    def controls(self) -> tuple[LabelScheme, ...]:
        """The one that orders the queue, and its companions."""
        return (self, *self.companions)

    def offered(self, data: Any) -> dict[str, list[str]]:
        """By control with dynamic choices, those that a task offers, as annotations would hold them."""
        return {
            control.from_name: [*control.offered_everywhere, *_offered(fill(control.offers, data))]
            for control in self.controls
            if control.dynamic and control.offers
        }

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

    def is_kind_of(self, region: Mapping[str, Any]) -> bool:
        """Whether a region of this control's name holds choices as this control's do."""
        value = region.get("value")
        return isinstance(value, dict) and isinstance(value.get(self.control.lower()), list)

    def given_in(self, region: Any) -> list[Any]:
        """What is chosen in a region, known or not. Of a <Taxonomy> a path of one level is its choice."""
        value = region.get("value") if isinstance(region, dict) else None
        chosen = value.get(self.control.lower()) if isinstance(value, dict) else None
        chosen = chosen if isinstance(chosen, list) else []
        if self.control != "Taxonomy":
            return chosen
        # A path from the root; one that is none names nothing.
        return [
            path[0]
            if isinstance(path, list) and len(path) == 1
            else path
            if isinstance(path, list)
            else [path]
            for path in chosen
        ]

    def choice_of(self, region: Any) -> str | None:
        """The class a region of an annotation names, None if it names none (any more) or is not ours."""
        if not self._is_ours(region):
            return None
        chosen = self.given_in(region)
        known = [choice for choice in chosen if self.knows(choice)]
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
        return self.content == other.content

    def with_labels(self, given: Mapping[str, Iterable[str]]) -> LabelScheme:
        """The scheme to learn: open ones have the classes that were given. given: by the control's name."""
        companions = tuple(companion.with_labels(given) for companion in self.companions)
        labels = tuple(sorted(set(given.get(self.from_name, ())))) if self.is_open else self.labels
        return replace(self, labels=labels, companions=companions)

    def fits(self, other: LabelScheme | None) -> bool:
        """Whether a model of one answers for the other: in an open one, classes may have been given since."""
        return other is not None and self.with_labels({}) == other.with_labels({})

    def knows(self, choice: Any) -> bool:
        return isinstance(choice, str) and (self.dynamic or choice in self._known)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.options or self.labels)


def _offered(options: Any) -> list[str]:
    """The choices of a task's list of them, as the editor reads it."""
    found = options if isinstance(options, list) else []
    named = (each.get("alias") or each.get("value") for each in found if isinstance(each, dict))
    return [name for name in named if isinstance(name, str)]
