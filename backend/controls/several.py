"""As many choices as one likes: <Choices choice="multiple">, and <Taxonomy> unless told otherwise.

Each set of choices that annotators gave is a class of its own for the queue (label powerset; Tsoumakas &
Katakis 2007). What is shown comes from a network of its own, with a probability for each choice (binary
relevance), so that sets which nobody ever gave can be shown too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from backend.controls.base import Answer, Control, Decided, Region, regions_named
from backend.controls.choices import ChoiceControl
from backend.controls.forms import FORMS, form_of
from backend.controls.options import Options
from backend.controls.sources import Source
from backend.controls.tags import Tag

if TYPE_CHECKING:
    from torch import Tensor

    from backend.learning.network import LayeredNetwork, Layers


@dataclass(frozen=True, kw_only=True)
class SeveralChoices(ChoiceControl):
    """At least one must be given. An answer is a JSON list of choices, sorted."""

    kind = "choices"
    shows = "choices"

    @classmethod
    def takes(cls, tag: Tag) -> bool:
        return tag.kind in cls.tags and FORMS[form_of(tag)].takes_several(tag) and not may_be_left_blank(tag)

    @classmethod
    def of(cls, tag: Tag, source: Source, options: Options) -> ChoiceControl:
        return cls(from_name=tag.name, to_name=tag.to_name, source=source, tag=form_of(tag), options=options)

    def with_classes(self, given: Iterable[Answer]) -> Control:
        return replace(self, classes=tuple(sorted(set(given))))

    def answer_of(self, choices: Iterable[str]) -> Answer:
        return json.dumps(sorted(set(choices)), ensure_ascii=False)

    def answer_in(self, region: Region) -> Answer | None:
        known = [choice for choice in self.form.chosen_in(region, self.options) if self.options.knows(choice)]
        return self.answer_of(known) if known else None

    def in_words(self, answer: Answer) -> list[str]:
        choices: list[str] = json.loads(answer)
        return choices

    @cached_property
    def choices(self) -> tuple[str, ...]:
        return self.options.among(choice for each in self.classes for choice in self.in_words(each))

    def membership(self) -> npt.NDArray[np.bool_]:
        """By class, which of the `choices` it holds: bool [classes, choices]."""
        column = {choice: i for i, choice in enumerate(self.choices)}
        held = np.zeros((len(self.classes), len(column)), dtype=np.bool_)
        for row, answer in enumerate(self.classes):
            held[row, [column[choice] for choice in self.in_words(answer) if choice in column]] = True
        return held

    def train_beside(
        self, features: Tensor, targets: Tensor, *, seed: int, device: str
    ) -> dict[str, LayeredNetwork]:

        from backend.learning.training import train_choices

        given = self.shown_targets(targets)
        return {self.shows: train_choices(features, given, seed=seed, device=device).cpu()}

    def shown_targets(self, targets: Tensor) -> Tensor:
        import torch

        return torch.from_numpy(self.membership())[targets]

    def train_alone(
        self, features: Tensor, targets: Tensor, *, seed: int, device: str
    ) -> dict[str, LayeredNetwork]:
        return self.train_beside(features, targets, seed=seed, device=device)

    def likely(self, layers: Layers) -> Tensor:
        """Each by itself."""
        return layers.logits.sigmoid()

    def decide(self, layers: Layers, right: Tensor | None = None) -> Decided:
        """Those more likely than not, also as a set that nobody ever gave.

        The confidence is that of what the model is least sure of, be it shown or not. All together must be
        right, which is no more likely than that. No error head judges this network.
        """
        likely = self.likely(layers)
        shown = self.shown(likely)
        sure = likely.where(shown, 1 - likely).min(-1).values.tolist()
        together = likely.maximum(1 - likely).prod(-1).tolist()
        chosen = [list[str]() for _ in range(len(shown))]
        for item, choice in shown.nonzero().tolist():
            chosen[item].append(self.choices[choice])
        return Decided([self.answer_of(each) for each in chosen], sure, list(map(min, together, sure)))

    def shown(self, likely: Tensor) -> Tensor:
        """Bool [N, choices]. Where none is likely, the likeliest alone. likely: float [N, choices]."""
        shown = likely >= 0.5
        best = shown.new_zeros(shown.shape).scatter(-1, likely.argmax(-1, keepdim=True), True)
        return best.where(~shown.any(-1, keepdim=True), shown)


@dataclass(frozen=True, kw_only=True)
class SeveralOrNone(SeveralChoices):
    """May be left blank: a submitted annotation without a choice says "none of them"."""

    kind = "choices or none"

    @classmethod
    def takes(cls, tag: Tag) -> bool:
        return tag.kind in cls.tags and FORMS[form_of(tag)].takes_several(tag) and may_be_left_blank(tag)

    def read(self, result: Any, content: str = "") -> Answer | None:
        named = super().read(result)
        if named is None and isinstance(result, list) and not regions_named(result, self.from_name):
            return self.answer_of(())
        return named

    def shown(self, likely: Tensor) -> Tensor:
        return likely >= 0.5


def may_be_left_blank(tag: Tag) -> bool:
    """Not what is hidden at times: it says nothing then."""
    return not tag.conditions and not tag.is_on("required")
