"""What is looked at, whatever it is: the base of every source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any, ClassVar

from backend.controls.content import fill, look_up
from backend.controls.tags import Tag


@dataclass(frozen=True)
class Source(ABC):
    """field: the name of one field of a task's data, without its `$`; or a value with text around names, as
    it stands in the config. Its other fields say how that is read; what a model depends on is compared."""

    tag: ClassVar[str]
    """The object tag."""
    is_fetched: ClassVar[bool] = False
    """Whether the content is the address of what annotators look at, from where a worker has to fetch it."""
    is_read: ClassVar[bool] = True
    """Whether there is an encoder for what annotators look at."""
    adapts: ClassVar[bool] = True
    """Whether an encoder's own layers may be trained on it."""
    comes_late: ClassVar[bool] = False
    """Whether other controls come before those about it: they were learned before it was read at all."""
    written: ClassVar[str] = ""
    """Its name in manifests, where that is not the tag's."""
    field: str

    @classmethod
    @abstractmethod
    def parse(cls, tag: Tag) -> Source:
        """Raises LabelConfigError, with what to change, for what cannot be read."""

    @abstractmethod
    def content(self, data: Any) -> str:
        """What an annotator looks at in a task, "" where there is nothing. Never raises."""

    def encoder(self, of_texts: str) -> str:
        """The name of the encoder for its contents. of_texts: of the one that the project has for texts."""
        return of_texts

    def words_of(self, contents: Sequence[str]) -> list[str]:
        """By which words equal and nearly equal contents are found: of addresses, which differ by a letter
        where they lead to something else, one word each."""
        if not self.is_fetched and self.is_read:
            return list(contents)
        return [each and blake2b(each.encode(), digest_size=16).hexdigest() for each in contents]

    @property
    @abstractmethod
    def about(self) -> str:
        """The same for the same content: an encoder fitted on other content is not used."""

    def value_in(self, data: Any) -> Any:
        """What stands in the task in the place of the tag's value, of whatever type."""
        return fill(self.field, data) if "$" in self.field else look_up(data, self.field)

    def as_json(self) -> dict[str, Any]:
        return {
            "tag": self.written or self.tag,
            **{each.name: getattr(self, each.name) for each in fields(self)},
        }


def storable(text: str) -> str:
    """Half a surrogate pair cannot be stored."""
    return text.encode("utf-8", "replace").decode()
