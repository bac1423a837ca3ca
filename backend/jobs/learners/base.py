"""How what is asked is learned: a learner for each way that answers hang on a content.

It says what a control makes of the labelled tasks: something to rank what waits by, the models that a version
keeps, and how well it does. Who retrains asks it, never what kind of control it is. What its models say of
contents, `backend.said` tells.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from backend.controls.base import Answer, Control
from backend.jobs.choosing import Lesson
from backend.jobs.estimating import Estimated
from backend.jobs.material import Material
from backend.jobs.taught import Taught
from backend.sampling import Scene
from backend.settings import Settings
from backend.store.model_version import ControlModel


class Asked(NamedTuple):
    """For what a scene is to be made. batch: how many tasks are labelled between two rankings; target: bool
    [W], in which of the waiting tasks the target domain is seen, None for all; fields: by its name, what
    stands in a field, of each task."""

    batch: int
    target: Tensor | None
    fields: Mapping[str, Sequence[str | None]]


class HeldOut(NamedTuple):
    """tasks: ids of labelled ones; said: what models that never saw the task answer; given: its answer."""

    tasks: Sequence[int]
    said: Sequence[Answer]
    given: Sequence[Answer]


class Learned(ABC):
    """Of one control that has a say in the queue: what came of its labels."""

    control: Control
    taught: Taught
    is_forecast: ClassVar[bool] = False
    """Whether more labels' worth is told: of the accuracy of answers that are right or wrong."""

    @property
    @abstractmethod
    def is_trained(self) -> bool:
        """Whether there were labels enough for a model."""

    @abstractmethod
    def model(self) -> ControlModel | None:
        """What a version keeps; None where it is not trained."""

    @abstractmethod
    def scene(self, asked: Asked) -> Scene:
        """The waiting tasks, to be ranked."""

    @abstractmethod
    def how_well(self, scene: Scene) -> dict[str, Any]:
        """On labelled tasks that were not seen, for a version's stats; {} where it is not trained. Of parts
        `measured` has the control's own measures, the main one first. scene: of `self.scene`."""

    @abstractmethod
    def estimated(self, scene: Scene, audits: AbstractSet[int]) -> Estimated | None:
        """How right it is on what waits; None where nothing is learned yet, or no task is drawn at random.
        scene: of `self.scene`; audits: tasks that were drawn, and are labelled."""

    @abstractmethod
    def labels(self) -> dict[str, int]:
        """How often each was given, of the answers of tasks that have one of their own."""

    @abstractmethod
    def held_out(self) -> HeldOut | None:
        """None where it is not trained."""

    def suspected_parts(self) -> dict[str, Any] | None:
        """See `told` in `backend.results.suspected_parts`; None where none are sought."""
        return None

    def lesson(self) -> Lesson | None:
        """By which an encoder may be chosen; None where that cannot be."""
        return None


class Learner(ABC):
    """Of one kind of control."""

    def __init__(self, settings: Settings, material: Material):
        self.settings = settings
        self.material = material

    @abstractmethod
    def learn(self, control: Control) -> Learned:
        """One that has a say in the queue."""

    @abstractmethod
    def learn_alone(self, control: Control) -> ControlModel | None:
        """One that has none: of it no head needs verdicts. None where there are too few labels."""
