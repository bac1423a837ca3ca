"""What comes of labels that a network was trained on here, of whole contents and of parts alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor

from backend import sampling
from backend.controls.base import Control
from backend.jobs.learners.base import Asked, Learned, Learner
from backend.jobs.taught import Taught

TrainedT = TypeVar("TrainedT")


class VectorLearner(Learner):
    """Knows contents by a vector each."""

    def vectors(self, rows: list[int]) -> Tensor:
        """What stands for these tasks' contents where they are compared with each other, float32 [n, D]."""
        return self.material.features[rows]

    @property
    def blocks(self) -> tuple[int, ...]:
        """Widths of what such a vector is made of, () for one piece."""
        return self.material.pool.blocks


@dataclass(frozen=True)
class TrainedHere(Learned, Generic[TrainedT]):
    """trained: None while there are too few labels."""

    learner: VectorLearner
    control: Control
    taught: Taught
    trained: TrainedT | None

    @property
    def is_trained(self) -> bool:
        return self.trained is not None

    def make_scene(self, asked: Asked, targets: Tensor, **more: Any) -> sampling.Scene:
        """Of the tasks that wait, beside the labelled ones. targets, more: as of `sampling.make_scene`."""
        learner, waiting, rows = self.learner, self.learner.material.waiting, self.taught.rows
        return sampling.make_scene(
            learner.vectors(waiting),
            learner.vectors(rows),
            targets,
            batch=asked.batch,
            seed=learner.settings.seed,
            device=learner.settings.device,
            blocks=learner.blocks,
            target=asked.target,
            fields={n: ([of[i] for i in waiting], [of[i] for i in rows]) for n, of in asked.fields.items()},
            **more,
        )
