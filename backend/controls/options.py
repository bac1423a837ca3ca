"""What can be chosen: the choices of the config, or those that stand in the tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from backend.controls.content import fill, names_a_field
from backend.controls.tags import Tag, shortened
from backend.errors import LabelConfigError


@dataclass(frozen=True)
class Options(ABC):
    """unnamed: a choice of the config whose text is another in each task, so that it is none; "" without."""

    unnamed: str = field(default="", compare=False, kw_only=True)

    @abstractmethod
    def knows(self, choice: Any) -> bool:
        """Whether an annotator can choose it."""

    @abstractmethod
    def among(self, given: Iterable[str]) -> tuple[str, ...]:
        """What can be chosen, as far as is known. given: what was ever chosen."""

    @abstractmethod
    def offered(self, data: Any) -> list[str] | None:
        """What a task offers, None where all tasks offer the same."""

    def caveats(self, name: str) -> Iterator[str]:
        """See `Control.caveats`."""
        if self.unnamed:
            yield (
                f'"{name}" has a choice that is not learned: "{shortened(self.unnamed)}" is another text in '
                "each task; give it an alias"
            )

    @abstractmethod
    def as_json(self) -> list[str] | None: ...


@dataclass(frozen=True)
class Fixed(Options):
    """As annotations store them (a choice's alias where it has one), in the config's order."""

    choices: tuple[str, ...]

    def knows(self, choice: Any) -> bool:
        return isinstance(choice, str) and choice in self._known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.choices)

    def among(self, given: Iterable[str]) -> tuple[str, ...]:
        return self.choices

    def offered(self, data: Any) -> list[str] | None:
        return None

    def as_json(self) -> list[str] | None:
        return list(self.choices)


@dataclass(frozen=True)
class Dynamic(Options):
    """The choices stand in the tasks: those that annotators chose are learned.

    value: says where in a task; everywhere: choices of the config, which all tasks offer. No model depends
    on either.
    """

    value: str = field(default="", compare=False)
    everywhere: tuple[str, ...] = field(default=(), compare=False)

    def knows(self, choice: Any) -> bool:
        return isinstance(choice, str)

    def among(self, given: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(set(given)))

    def offered(self, data: Any) -> list[str] | None:
        return [*self.everywhere, *_named(fill(self.value, data))] if self.value else None

    def caveats(self, name: str) -> Iterator[str]:
        yield from super().caveats(name)
        yield (
            f'"{name}" has dynamic choices: it is learned as if each task offered all; '
            "a choice that a task does not offer is never guessed there"
        )

    def as_json(self) -> list[str] | None:
        return None


def options_of(tag: Tag) -> Options:
    """Raises LabelConfigError, with what to change, where there are fewer than two."""
    named = (alias or value for value, alias in tag.choices if alias or not names_a_field(value))
    distinct = tuple(dict.fromkeys(filter(None, named)))
    where, unnamed = tag.attributes.get("value", ""), _unnamed(tag)
    if "$" in where:
        return Dynamic(where, distinct, unnamed=unnamed)
    if len(distinct) < 2:
        raise LabelConfigError(_too_few(tag, unnamed))
    return Fixed(distinct, unnamed=unnamed)


def options_from_json(described: Sequence[str] | None) -> Options:
    return Dynamic() if described is None else Fixed(tuple(described))


def _unnamed(tag: Tag) -> str:
    """Annotations hold a choice's text, unless it has an alias."""
    return next((value for value, alias in tag.choices if not alias and names_a_field(value)), "")


def _too_few(tag: Tag, unnamed: str) -> str:
    if unnamed:
        return f'{tag} has the choice "{shortened(unnamed)}", another text in each task. Give it an alias.'
    if "apiurl" in tag.attributes:
        return f"{tag} has an apiUrl, from where nothing is read. Write its choices into the config."
    return f"{tag} has fewer than two choices: nothing to tell apart. Add one."


def _named(options: Any) -> list[str]:
    """The choices of a task's list of them, as the editor reads it."""
    found = options if isinstance(options, list) else []
    named = (each.get("alias") or each.get("value") for each in found if isinstance(each, dict))
    return [name for name in named if isinstance(name, str)]
