"""One training's outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from backend.controls.base import CLASSES, Answer, Control
from backend.controls.scheme import LabelScheme
from backend.learning.heads import ErrorHead
from backend.learning.keeping import Model
from backend.learning.reading import Head
from backend.store.queue_origin import QueueOrigin

PREFIX = "atlas-"
_NAME = re.compile(rf"^{PREFIX}(\d{{6,}})$")


def _no_numbers() -> Tensor:
    return torch.zeros(0, dtype=torch.int64)


@dataclass(frozen=True)
class ControlModel:
    """A control's models by name: that by which it decides is called `control.shows`."""

    control: Control
    networks: Mapping[str, Model]

    @property
    def shown_by(self) -> str:
        """The name of the one by which it decides, CLASSES where the version is older than that one."""
        return self.control.shows if self.control.shows in self.networks else CLASSES


@dataclass(frozen=True)
class OrderedBy:
    """What one of several controls that order a queue together learned for it: by its name.

    share: of the queue, in (0, 1]; worth: float32 [N], by which it ranked, along its own order, empty where
    that did not come from a number per item; scorer_head, error_head: as a version's, of this control.
    """

    control: str
    share: float
    worth: Tensor
    scorer_head: Head | None
    error_head: ErrorHead | None


@dataclass(frozen=True)
class ModelVersion:
    """models: of the controls that there is something to say of, the one that orders the queue first, once it
    has labels of two classes.

    queue_ids: int64 [N], the whole ranked pool's task ids, first to label first; queue_worth: float32
    [N], the strategy's worth in that order, empty where the order did not come from a number per item;
    scorer_head: what the strategy learned when it ranked, by which it scores new items; None if nothing.
    """

    name: str
    scheme: LabelScheme
    strategy: str
    encoder: str
    models: tuple[ControlModel, ...]
    scorer_head: Head | None
    queue_ids: Tensor
    queue_worth: Tensor
    stats: dict[str, Any] = field(default_factory=dict)
    error_head: ErrorHead | None = None
    """What knows how likely the queue's network is right, whatever the strategy; None while there were too
    few errors, or too few successes, to learn from."""

    known_keys: Tensor = field(default_factory=_no_numbers)
    """Of the content that is labelled or waits, rising: int64 [K]. See `backend.copies`."""
    known_labels: Tensor = field(default_factory=_no_numbers)
    """Which of the `answers` each was given, int64 [K], -1 for none."""
    known_answers: tuple[Answer, ...] | None = None
    """What was given of a control whose answers are more than its classes; None where the classes are all."""
    domain_head: Head | None = None
    """What knows how likely an item is of what is still unlabelled, by the queue's network; None where the
    scorer head does, and where there was too little to learn from."""
    unit_encoder: str = ""
    """By which its models read parts of contents; "" where none does."""
    origin: QueueOrigin = field(default_factory=QueueOrigin)
    orders: tuple[OrderedBy, ...] = ()
    """Where several controls order the queue together, each of them, the first included; else none."""

    def error_head_of(self, control: str) -> ErrorHead | None:
        """By a control's name: None of one that has no say in the queue, or too few verdicts."""
        found = {each.control: each.error_head for each in self.orders}
        return self.error_head if control == self.scheme.main.from_name else found.get(control)

    @property
    def silent(self) -> frozenset[int]:
        """Tasks of the queue that carry no guess: see `QueueOrigin`."""
        return frozenset(self.queue_ids[self.origin.silent].tolist())

    @property
    def answers(self) -> tuple[Answer, ...]:
        """By the numbers of `known_labels`."""
        return self.scheme.main.classes if self.known_answers is None else self.known_answers

    @property
    def network(self) -> Model | None:
        """What orders the queue; None before there are labels enough."""
        main = self.scheme.main.from_name
        found = (each.networks.get(CLASSES) for each in self.models if each.control.from_name == main)
        return next(found, None)

    @property
    def bytes(self) -> int:
        """In memory, without what Python adds."""
        networks = [network for model in self.models for network in model.networks.values()]
        heads = [head for each in self.orders for head in (each.scorer_head, each.error_head)]
        parts = [*networks, self.scorer_head, self.error_head, self.domain_head, *heads]
        held = [value for part in parts if part is not None for value in part.state_dict().values()]
        worths = (each.worth for each in self.orders)
        own = (self.queue_ids, self.queue_worth, self.known_keys, self.known_labels)
        return sum(value.nbytes for value in (*held, *worths, *own)) + self.origin.bytes


def version_number(name: str) -> int:
    """17 for "atlas-000017", 0 for a name that is not ours."""
    match = _NAME.match(name)
    return int(match.group(1)) if match else 0


def version_name(number: int) -> str:
    return f"{PREFIX}{number:06d}"
