"""What is asked of an item: the base of every kind of answer.

A control has two sides. Label Studio's: its regions, read into answers and written from them, plain values.
The network's: what is trained for it, and what to say by its outputs. torch is imported where a network is
asked, not before: the command line reads exports without it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from backend.controls.joined import any_source_from_json, source_of
from backend.controls.sources import SOURCES, Source
from backend.controls.tags import Condition, Tag
from backend.controls.votes import Vote, verdict
from backend.errors import LabelConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from backend.learning.network import LayeredNetwork, Layers

Answer = str
"""One annotator's answer, or a model's, as text that is equal for equal answers."""
Region = dict[str, Any]
"""As Label Studio stores it."""
CLASSES = "classes"
"""Name of the network with a logit per class, which orders the queue."""


class Decided(NamedTuple):
    """Of each item: answers: what to show; confidences: the region's own score, in [0, 1]; right: how likely
    the answer is right, in [0, 1], by which it is shown or not."""

    answers: list[Answer]
    confidences: list[float]
    right: list[float]


@dataclass(frozen=True, kw_only=True)
class Control(ABC):
    """A control tag about a source. classes: the answers that networks tell apart, in their order.

    What a model depends on is compared, and goes as JSON into a version's manifest. `conditions`, all of
    which must hold for Label Studio to show the control, do not.
    """

    kind: ClassVar[str]
    """Its name in manifests."""
    tags: ClassVar[tuple[str, ...]]
    """The control tags that it may be written as."""
    sources: ClassVar[Mapping[str, type[Source]]] = SOURCES
    """By object tag that it may be about, how the content of that is read."""
    shows: ClassVar[str] = CLASSES
    """Name of the network by which it decides."""
    turn: ClassVar[int] = 1
    """Of a config's controls the first with the lowest orders the queue, unless one is preferred: what was
    learned first, so that no project's order becomes another's, and what has no classes of its own last."""
    joins: ClassVar[bool] = True
    """Whether it may name more texts than it does, to be read as one."""
    orders: ClassVar[bool] = True
    """Whether it may have a say in the queue."""
    adapts: ClassVar[Mapping[str, str]] = {"last": "last", "all": "all"}
    """By the setting FINE_TUNE, how many of the encoder's layers are trained for it: see
    `backend.encoders.backbones.DEPTHS`; without an entry none are."""

    from_name: str
    to_name: str
    source: Source
    classes: tuple[Answer, ...] = ()
    conditions: tuple[Condition, ...] = field(default=(), compare=False)

    # The label config

    @classmethod
    def takes(cls, tag: Tag) -> bool:
        """Whether this is what a tag of the config asks for."""
        return tag.kind in cls.tags

    @classmethod
    def source_in(cls, tag: Tag, looked_at: Sequence[Tag]) -> Source:
        """What a tag is about, of the tags that it names. Raises LabelConfigError, with what to change."""
        return source_of(tag, looked_at, cls.sources)

    @classmethod
    @abstractmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        """Raises LabelConfigError, with what to change, for what cannot be learned."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the control tags that its answers are given by."""
        return (self.from_name,)

    def with_classes(self, given: Iterable[Answer]) -> Control:
        """What there is to learn. given: all answers, of which some controls make their classes."""
        return self

    def judging(self, given: Iterable[Answer]) -> Control:
        """By which somebody else's model is judged, where nothing is to be learned. given: as above."""
        return self.with_classes(given)

    def as_json(self) -> dict[str, Any]:
        found = {each.name: getattr(self, each.name) for each in fields(self) if each.compare}
        return {"kind": self.kind, **found, "source": self.source.as_json()}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Control:
        """From what `as_json` gave. Raises KeyError or TypeError otherwise."""
        known = {name: value for name, value in described.items() if name != "kind"}
        known["source"] = any_source_from_json(known["source"])
        return cls(**{**known, "classes": tuple(known["classes"])})

    def caveats(self) -> Iterator[str]:
        """A line for each part of what is asked that is not learned."""
        return iter(())

    # Label Studio's side

    @abstractmethod
    def read(self, result: Any, content: str = "") -> Answer | None:
        """What a submitted annotation's regions say, None where they say nothing. Never raises.

        content: the task's, for those whose regions are counted in other units than answers.
        """

    @abstractmethod
    def unknown_in(self, region: Region) -> list[Any] | None:
        """What a region of this control's name says that the config does not know (any more); None where it
        is of another kind of control."""

    def agreement(self, one: Answer, other: Answer) -> float:
        """In [0, 1], symmetric, 1 for the same answer."""
        return float(one == other)

    def settled(self, votes: Sequence[Vote], weights: Mapping[str, float] | None = None) -> Answer | None:
        """What several annotators' votes on one task, at least one, come to; None where they disagree.

        weights: by annotator, what each has proved worth; all the same without.
        """
        return verdict(votes, weights or {}, self.agreement)

    @abstractmethod
    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        """An answer as Label Studio stores it; [] for one that says nothing."""

    def region(self, kind: str, value: dict[str, Any], confidence: float) -> Region:
        """One of its regions. kind: Label Studio's `type` of it."""
        named = {"from_name": self.from_name, "to_name": self.to_name, "type": kind}
        return {**named, "value": value, "score": confidence}

    def given(self, answer: Answer, content: str) -> list[Region]:
        """An answer that this content was given, as Label Studio stores it."""
        return self.regions(answer, 1.0)

    @abstractmethod
    def said_in(self, region: Region) -> list[str]:
        """What one of `regions` says, in words."""

    def named_in(self, region: Region) -> list[str]:
        """The same as `visibleWhen` names it."""
        return self.said_in(region)

    @abstractmethod
    def in_words(self, answer: Answer) -> list[str]:
        """What an answer says, in words; [] for one that says nothing."""

    def words_of(self, contents: Sequence[str]) -> list[str]:
        """By which words contents are found whose answers are the same: see `Source.words_of`."""
        return self.source.words_of(contents)

    def answers_among(self, given: Iterable[Answer]) -> tuple[Answer, ...]:
        """Those that go by a number where answers are compared. given: all answers."""
        return self.classes

    def placed(self, given: Sequence[Answer | None], answers: Sequence[Answer]) -> list[int]:
        """By which of `answers_among` each goes, its place among these; -1 for one that goes by none."""
        place = {answer: i for i, answer in enumerate(answers)}
        return [-1 if answer is None else place.get(answer, -1) for answer in given]

    def score(self, predicted: Sequence[Answer], truth: Sequence[Answer]) -> dict[str, float]:
        """How right answers are beside being equal, over all items together, the main measure first; {} where
        an answer is right or wrong. Both: of the same items, at least one, in the same order."""
        return {}

    @property
    def choices(self) -> tuple[str, ...]:
        """What `likely` tells of, in words."""
        return self.classes

    @property
    def config_choices(self) -> tuple[str, ...]:
        """What the config lets one answer, in words; () where that stands elsewhere."""
        return self.classes

    def offered(self, data: Any) -> list[str] | None:
        """What a task offers of what may be said, in words; None where all tasks offer the same."""
        return None

    # The network's side

    def shown_targets(self, targets: Tensor) -> Tensor:
        """What the network by which it decides is trained for: int64 [M], classes, or bool [M, choices].

        targets: int64 [M], classes.
        """
        return targets

    def train_beside(
        self, features: Tensor, targets: Tensor, *, seed: int, device: str
    ) -> dict[str, LayeredNetwork]:
        """Networks, by name, that this needs beside the one that orders the queue.

        features: float [M, D]; targets: int64 [M], of at least two classes.
        """
        return {}

    def train_alone(
        self, features: Tensor, targets: Tensor, *, seed: int, device: str
    ) -> dict[str, LayeredNetwork]:
        """All that this needs where it orders no queue. Arguments as of `train_beside`."""
        from backend.learning.training import train_network

        network = train_network(features, targets, len(self.classes), seed=seed, device=device)
        return {CLASSES: network.cpu()}

    def shown_of_unseen(
        self, held_out: Layers, features: Tensor, targets: Tensor, together: Tensor
    ) -> Layers | None:
        """What networks by which it decides say of the labelled items that they have not seen; None where
        nobody asks them. held_out: the same of the network that orders; together: int64 [M], the same for
        items of the same content; the others as of `train_beside`."""
        return held_out if self.shows == CLASSES else None

    def decide(self, layers: Layers, right: Tensor | None = None) -> Decided:
        """What to show for each of N items: here the likeliest class.

        The error head's word stands for the classifier's, which alone is too bold or too shy; with few labels
        either may be far too bold: to be right both must be sure.

        layers: of the network that it `shows`; right: float [N], how likely the class of most probability is
        right, by an error head, NaN where that has not judged it; None without one.
        """
        best = layers.probabilities.max(-1)
        answers = [self.classes[i] for i in best.indices.tolist()]
        taught = best.values if right is None else right.where(~right.isnan(), best.values)
        return Decided(answers, taught.tolist(), taught.minimum(best.values).tolist())

    def likely(self, layers: Layers) -> Tensor:
        """How likely each of the `choices` is: float [N, choices]."""
        return layers.probabilities

    def within(self, layers: Layers, offered: Sequence[Sequence[str] | None]) -> Layers:
        """What the network that it `shows` says within what each of N items offers of the `choices`, None for
        all: the others' logits are -inf. Of an item that offers none of them nothing is changed."""
        import torch

        column = {choice: i for i, choice in enumerate(self.choices)}
        lacking = torch.zeros_like(layers.logits, dtype=torch.bool)
        for item, offer in enumerate(offered):
            known = [column[choice] for choice in offer or () if choice in column]
            lacking[item] = bool(known)
            lacking[item, known] = False
        return layers._replace(logits=layers.logits.masked_fill(lacking, -torch.inf))


def asked_of_parts(tag: Tag) -> str | None:
    """The attribute by which a control asks of each part of a content, such as each region; None without."""
    return next((each for each in ("perRegion", "perItem", "labeling") if tag.is_on(each)), None)


def refuse_parts(tag: Tag) -> None:
    """Raises LabelConfigError where a control is about parts of a content, not about the whole."""
    if (attribute := asked_of_parts(tag)) is not None:
        raise LabelConfigError(
            f"{tag} has {attribute}: it labels parts, whole texts and images are learned. Remove {attribute}."
        )


def regions_named(result: Any, name: str) -> list[Region]:
    """Those of a control, of whatever an annotation holds as its result."""
    regions = result if isinstance(result, list) else []
    return [each for each in regions if isinstance(each, dict) and each.get("from_name") == name]


def value_of(region: Any, kind: str) -> Any:
    """What a region holds as a `kind`, None where it holds none."""
    value = region.get("value") if isinstance(region, dict) else None
    return value.get(kind) if isinstance(value, dict) else None
