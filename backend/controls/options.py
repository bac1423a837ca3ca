"""What can be chosen: the choices of the config, or those that stand in the tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from backend.controls.content import fill
from backend.controls.tags import Choice, Tag, shortened
from backend.errors import LabelConfigError

Path = tuple[str, ...]
"""A choice's names from the root: one, where choices do not stand within each other."""
BETWEEN = " / "
"""Between the names of a path, as Label Studio shows it."""


def in_words(path: Path) -> str:
    return BETWEEN.join(path)


@dataclass(frozen=True)
class Options(ABC):
    """unnamed: a choice of the config whose text is another in each task, so that it is none; "" without."""

    unnamed: str = field(default="", compare=False, kw_only=True)

    @abstractmethod
    def knows(self, choice: Any) -> bool:
        """Whether an annotator can choose it."""

    @abstractmethod
    def path_of(self, choice: str) -> Path: ...

    @abstractmethod
    def at_path(self, names: list[Any]) -> Any:
        """The choice that a path leads to; what it leads to, or the path, where that is none."""

    def at_leaf(self, name: Any) -> Any:
        """The choice at whose end a name stands; the name where that is none, or more than one."""
        return name

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
    def as_json(self) -> list[Any] | None: ...


@dataclass(frozen=True)
class Fixed(Options):
    """As annotations store them (a choice's alias where it has one), in the config's order."""

    paths: tuple[Path, ...]

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """In words."""
        return tuple(self._paths)

    @cached_property
    def _paths(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in self.paths:
            found.setdefault(in_words(path), path)
        return found

    def knows(self, choice: Any) -> bool:
        return isinstance(choice, str) and choice in self._paths

    def path_of(self, choice: str) -> Path:
        return self._paths.get(choice, (choice,))

    def at_path(self, names: list[Any]) -> Any:
        if all(isinstance(name, str) for name in names) and tuple(names) in self._at_path:
            return self._at_path[tuple(names)]
        return names[0] if len(names) == 1 else names

    @cached_property
    def _at_path(self) -> dict[Path, str]:
        return {path: choice for choice, path in self._paths.items()}

    def at_leaf(self, name: Any) -> Any:
        return self._at_leaf.get(name, name) if isinstance(name, str) else name

    @cached_property
    def _at_leaf(self) -> dict[str, str]:
        often = Counter(path[-1] for path in self._paths.values())
        return {path[-1]: choice for choice, path in self._paths.items() if often[path[-1]] == 1}

    def among(self, given: Iterable[str]) -> tuple[str, ...]:
        return self.choices

    def offered(self, data: Any) -> list[str] | None:
        return None

    def as_json(self) -> list[Any] | None:
        return [path[0] if len(path) == 1 else list(path) for path in self.paths]


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

    def path_of(self, choice: str) -> Path:
        return (choice,)

    def at_path(self, names: list[Any]) -> Any:
        return names[0] if len(names) == 1 else names

    def among(self, given: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(set(given)))

    def offered(self, data: Any) -> list[str] | None:
        return [*self.everywhere, *_named(fill(self.value, data))] if self.value else None

    def as_json(self) -> list[Any] | None:
        return None


def options_of(tag: Tag, choosable: Iterable[Choice]) -> Options:
    """Raises LabelConfigError, with what to change, where there are fewer than two."""
    found = _options(tag, choosable)
    if isinstance(found, Fixed) and len(found.paths) < 2:
        raise LabelConfigError(_too_few(tag, found.unnamed))
    return found


def labels_of(tag: Tag) -> Options:
    """Raises LabelConfigError, with what to change, where there is none: one is enough to mark parts by."""
    found = _options(tag, tag.choices)
    if isinstance(found, Fixed) and not found.paths:
        why = f': "{shortened(found.unnamed)}" is another text in each task' if found.unnamed else ""
        raise LabelConfigError(f"{tag} has no label to learn{why}. Add a <Label> with a value of its own.")
    return found


def _options(tag: Tag, choosable: Iterable[Choice]) -> Options:
    distinct = tuple(dict.fromkeys(choice.path for choice in choosable if all(choice.path)))
    where, unnamed = tag.attributes.get("value", ""), _unnamed(tag)
    if "$" in where:
        return Dynamic(where, tuple(map(in_words, distinct)), unnamed=unnamed)
    return Fixed(distinct, unnamed=unnamed)


def options_from_json(described: Sequence[Any] | None) -> Options:
    if described is None:
        return Dynamic()
    return Fixed(tuple((each,) if isinstance(each, str) else tuple(each) for each in described))


def _unnamed(tag: Tag) -> str:
    """Annotations hold a choice's text, unless it has an alias."""
    return next((choice.value for choice in tag.choices if choice.value and not choice.path[-1]), "")


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
