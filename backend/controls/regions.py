"""Parts of a content that annotators mark and label: spans of a text, boxes and masks of an image.

An answer is JSON text that lists parts, [] where there is nothing. What an answer counts in, the control's
own code turns into what Label Studio counts in and back, by the content at most, never by the task's data.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Self

from backend.controls.base import Answer, Control, Decided, Region, regions_named, value_of
from backend.controls.offering import Offering
from backend.controls.options import labels_of
from backend.controls.sources import Source
from backend.controls.tags import Tag, shortened
from backend.errors import LabelConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from backend.learning.network import Layers
    from backend.learning.units import Pooling

NOTHING = "[]"
"""The answer of who was asked for parts and marked none."""


@dataclass(frozen=True, kw_only=True)
class RegionControl(Offering):
    """classes: the labels, as annotations hold them; tag: in lower case it is the `type` of the regions, and
    the name of their labels in `value`.
    """

    pooling: ClassVar[Pooling]
    """How the doubt about its units becomes an item's."""
    joins: ClassVar[bool] = False
    adapts: ClassVar[Mapping[str, str]] = {}
    label_at: ClassVar[int] = -1
    """Where a part of an answer has its label."""

    # The label config

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Self:
        """Raises LabelConfigError, with what to change, without a label, or for parts of several tags."""
        if len(tag.to_names) > 1:
            raise LabelConfigError(
                f"{tag} is about several tags; parts of one are learned. "
                f'With toName="{shortened(tag.to_names[0])}" they are.'
            )
        options = labels_of(tag)
        return cls(
            from_name=tag.name,
            to_name=tag.to_name,
            source=source,
            tag=tag.kind,
            options=options,
            classes=options.among(()),
        )

    def with_classes(self, given: Iterable[Answer]) -> Control:
        labels = (label for answer in given for label in self.labels_in(answer))
        return replace(self, classes=self.options.among(labels))

    @property
    def type(self) -> str:
        return self.tag.lower()

    # Label Studio's side

    def read(self, result: Any, content: str = "") -> Answer | None:
        """An annotation without any region says that there is nothing to mark, unless the control may have
        been hidden. One whose regions all name what the config has not, or are nowhere, says nothing.
        """
        if not isinstance(result, list):
            return None
        regions = regions_named(result, self.from_name)
        if not regions:
            return None if self.conditions else NOTHING
        return self.read_regions(regions, content)

    @abstractmethod
    def read_regions(self, regions: list[Region], content: str) -> Answer | None:
        """What this control's regions of an annotation, at least one, say; None where they say nothing. Never
        raises."""

    @abstractmethod
    def agreement(self, one: Answer, other: Answer) -> float:
        """In [0, 1], symmetric, 1 for the same answer, such as the F1 of parts that are in both."""

    @abstractmethod
    def regions_of(self, answer: Answer, confidences: Sequence[float], content: str) -> list[Region]:
        """An answer as Label Studio stores it. confidences: in [0, 1], one for each of `labels_in`. Each
        region has its own as its `score`, and the id of `region_id`."""

    def regions(self, answer: Answer, confidence: float, content: str = "") -> list[Region]:
        return self.regions_of(answer, [confidence] * len(self.labels_in(answer)), content)

    def given(self, answer: Answer, content: str) -> list[Region]:
        return self.regions(answer, 1.0, content)

    def words_of(self, contents: Sequence[str]) -> list[str]:
        """One word each, of all that stands there: in another text, however like, parts lie elsewhere."""
        return [each and blake2b(each.encode(), digest_size=16).hexdigest() for each in contents]

    def answers_among(self, given: Iterable[Answer]) -> tuple[Answer, ...]:
        """All, in their order: what is marked is no class."""
        return tuple(dict.fromkeys(given))

    @abstractmethod
    def labels_in(self, answer: Answer) -> list[str]:
        """The label of each part of an answer, in the order of its parts."""

    def only(self, answer: Answer, label: str) -> Answer:
        """The parts that have this label."""
        parts = json.loads(answer)
        return json.dumps([part for part in parts if part[self.label_at] == label], ensure_ascii=False)

    def labels_on(self, region: Region) -> list[str]:
        """What a region names of the labels that the config has."""
        named = value_of(region, self.type)
        found = named if isinstance(named, list) else []
        return list(dict.fromkeys(label for label in found if self.options.knows(label)))

    def said_in(self, region: Region) -> list[str]:
        return self.labels_on(region)

    def unknown_in(self, region: Region) -> list[Any] | None:
        named = value_of(region, self.type)
        if not isinstance(named, list):
            return None
        return [label for label in named if not self.options.knows(label)]

    def in_words(self, answer: Answer) -> list[str]:
        """Such as "2 PER" and "1 LOC", the most frequent first."""
        return [f"{count} {label}" for label, count in Counter(self.labels_in(answer)).most_common()]

    @abstractmethod
    def score(self, predicted: Sequence[Answer], truth: Sequence[Answer]) -> dict[str, float]:
        """How right answers are, over all items together, the main measure first: each in [0, 1], NaN where
        there is nothing to measure. Both: of the same items, in the same order."""

    # The network's side: a learner of parts decides, see `backend.learning`

    def decide(self, layers: Layers, right: Tensor | None = None) -> Decided:
        """Raises NotImplementedError: no network over whole items says what its parts are."""
        raise NotImplementedError(f"{self.kind} are decided by a learner of parts, not by one of whole items")


def region_id(control: Control, number: int) -> str:
    """Of the number-th region of a control's prediction: another for each, also of several controls. Label
    Studio makes one region of two with the same id."""
    return blake2b(f"{control.from_name} {number}".encode(), digest_size=5).hexdigest()
