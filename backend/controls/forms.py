"""How <Choices> and <Taxonomy> write the same choices in a region."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from backend.controls.base import value_of
from backend.controls.tags import Tag


class Form(ABC):
    """tag: the control tag; type: of a region, and the key in its value."""

    tag: str
    type: str

    @abstractmethod
    def takes_several(self, tag: Tag) -> bool:
        """Whether as many may be chosen as one likes."""

    @abstractmethod
    def write(self, choices: Sequence[str]) -> list[Any]:
        """Choices as a region's value holds them."""

    @abstractmethod
    def choice_of(self, written: Any) -> Any:
        """What stands in a region's value as the choice that it is, or as it is where it is none."""

    def chosen_in(self, region: Any) -> list[Any]:
        """What is chosen in a region, known or not. Of a <Taxonomy> a path of one level is its choice."""
        chosen = value_of(region, self.type)
        return [self.choice_of(each) for each in chosen] if isinstance(chosen, list) else []


class Flat(Form):
    tag, type = "Choices", "choices"

    def takes_several(self, tag: Tag) -> bool:
        return tag.attributes.get("choice") == "multiple"

    def write(self, choices: Sequence[str]) -> list[Any]:
        return list(choices)

    def choice_of(self, written: Any) -> Any:
        return written


class Paths(Form):
    """From the root. One that is none names nothing."""

    tag, type = "Taxonomy", "taxonomy"

    def takes_several(self, tag: Tag) -> bool:
        return tag.attributes.get("maxusages") != "1"

    def write(self, choices: Sequence[str]) -> list[Any]:
        return [[choice] for choice in choices]

    def choice_of(self, written: Any) -> Any:
        if not isinstance(written, list):
            return [written]
        return written[0] if len(written) == 1 else written


FORMS: dict[str, Form] = {each.tag: each for each in (Flat(), Paths())}
