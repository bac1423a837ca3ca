"""One of several choices: <Choices>, or <Taxonomy> to any level."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from backend.controls.base import Answer, Control, Region, refuse_parts, regions_named
from backend.controls.forms import FORMS, Form, form_of
from backend.controls.offering import Offering
from backend.controls.options import Dynamic, Options, options_of
from backend.controls.sources import Source
from backend.controls.tags import Tag
from backend.errors import LabelConfigError


@dataclass(frozen=True, kw_only=True)
class ChoiceControl(Offering):
    """What all controls of choices have in common. tag: which of FORMS it is written in."""

    tags = ("Choices", "Taxonomy")
    turn = 0

    tag: str = "Choices"

    @classmethod
    @abstractmethod
    def of(cls, tag: Tag, source: Source, options: Options) -> ChoiceControl:
        """The control of a tag that can be learned."""

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        refuse_parts(tag)
        options = options_of(tag, FORMS[form_of(tag)].choosable(tag))
        if isinstance(options, Dynamic) and tag.is_on("allowNested"):
            raise LabelConfigError(
                f"{tag} has allowNested; of choices that stand in the tasks one level is learned. "
                "Remove allowNested."
            )
        return cls.of(tag, source, options)

    @property
    def form(self) -> Form:
        return FORMS[self.tag]

    @abstractmethod
    def answer_in(self, region: Region) -> Answer | None:
        """What one region of this control says, None where it names nothing (any more)."""

    def read(self, result: Any, content: str = "") -> Answer | None:
        answers = map(self.answer_in, regions_named(result, self.from_name))
        return next((answer for answer in answers if answer is not None), None)

    def unknown_in(self, region: Region) -> list[Any] | None:
        value = region.get("value")
        if not isinstance(value, dict) or not isinstance(value.get(self.form.type), list):
            return None
        return [given for given in self.form.chosen_in(region, self.options) if not self.options.knows(given)]

    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        chosen = self.in_words(answer)
        if not chosen:
            return []
        written = [self.form.write(self.options.path_of(choice)) for choice in chosen]
        return [self.region(self.form.type, {self.form.type: written}, confidence)]

    def named_in(self, region: Region) -> list[str]:
        return [self.options.path_of(each)[-1] for each in self.said_in(region)]

    def said_in(self, region: Region) -> list[str]:
        return self.form.chosen_in(region, self.options)


@dataclass(frozen=True, kw_only=True)
class SingleChoice(ChoiceControl):
    """Its classes are the choices."""

    kind = "choice"

    @classmethod
    def takes(cls, tag: Tag) -> bool:
        return tag.kind in cls.tags and not FORMS[form_of(tag)].takes_several(tag)

    @classmethod
    def of(cls, tag: Tag, source: Source, options: Options) -> ChoiceControl:
        return cls(
            from_name=tag.name,
            to_name=tag.to_name,
            source=source,
            tag=form_of(tag),
            options=options,
            classes=options.among(()),
        )

    def with_classes(self, given: Iterable[Answer]) -> Control:
        return replace(self, classes=self.options.among(given))

    def answer_in(self, region: Region) -> Answer | None:
        chosen = self.form.chosen_in(region, self.options)
        return chosen[0] if len(chosen) == 1 and self.options.knows(chosen[0]) else None

    def unknown_in(self, region: Region) -> list[Any] | None:
        """Also what was chosen at once, where the config (now) allows one choice alone."""
        unknown, chosen = super().unknown_in(region), self.form.chosen_in(region, self.options)
        return [chosen] if unknown == [] and len(chosen) > 1 else unknown

    def in_words(self, answer: Answer) -> list[str]:
        return [answer]
