"""How <Choices> and <Taxonomy> write the same choices in a region."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from backend.controls.base import value_of
from backend.controls.options import Options, Path
from backend.controls.tags import Choice, Tag


class Form(ABC):
    """type: of a region, and the key in its value."""

    type: str

    def takes_several(self, tag: Tag) -> bool:
        """Whether as many may be chosen as one likes."""
        return tag.attributes.get("choice") == "multiple"

    @abstractmethod
    def choosable(self, tag: Tag) -> Iterable[Choice]:
        """Those of a tag's choices that can be chosen."""

    @abstractmethod
    def write(self, path: Path) -> Any:
        """A choice as a region's value holds it."""

    @abstractmethod
    def choice_of(self, written: Any, options: Options) -> Any:
        """What stands in a region's value as the choice that it is, or as it is where it is none."""

    def chosen_in(self, region: Any, options: Options) -> list[Any]:
        """What is chosen in a region, known or not."""
        chosen = value_of(region, self.type)
        return [self.choice_of(each, options) for each in chosen] if isinstance(chosen, list) else []


class Flat(Form):
    """Names. Choices within choices are not shown by the editor without allowNested."""

    type = "choices"

    def choosable(self, tag: Tag) -> Iterable[Choice]:
        return (choice for choice in tag.choices if not choice.above)

    def write(self, path: Path) -> Any:
        return path[-1]

    def choice_of(self, written: Any, options: Options) -> Any:
        return written


class Nested(Flat):
    """With allowNested the leaves can be chosen. The editor writes their paths; the API takes predictions by
    the leaf's name alone."""

    def choosable(self, tag: Tag) -> Iterable[Choice]:
        return (choice for choice in tag.choices if choice.is_leaf)

    def choice_of(self, written: Any, options: Options) -> Any:
        return options.at_path(written) if isinstance(written, list) else options.at_leaf(written)


class Paths(Form):
    """From the root, to any level, or to leaves alone. What is no path names nothing."""

    type = "taxonomy"

    def takes_several(self, tag: Tag) -> bool:
        return tag.attributes.get("maxusages") != "1"

    def choosable(self, tag: Tag) -> Iterable[Choice]:
        leaves_only = tag.is_on("leafsOnly")
        return (choice for choice in tag.choices if choice.is_leaf or not leaves_only)

    def write(self, path: Path) -> Any:
        return list(path)

    def choice_of(self, written: Any, options: Options) -> Any:
        return options.at_path(written) if isinstance(written, list) else [written]


FORMS: dict[str, Form] = {"Choices": Flat(), "Nested": Nested(), "Taxonomy": Paths()}


def form_of(tag: Tag) -> str:
    """Its name among FORMS, of a <Choices> or a <Taxonomy>."""
    return "Nested" if tag.kind == "Choices" and tag.is_on("allowNested") else tag.kind
