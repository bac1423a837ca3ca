"""What a retrain trains on, and how well it was learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor

from backend import sampling
from backend.controls.base import Answer, Control
from backend.copies import Copies, copies_among, keys_of
from backend.learning.training import Trained
from backend.store.tasks import StoredTask


def taught(
    control: Control, tasks: list[StoredTask], features: Tensor
) -> tuple[Copies, list[int], Tensor, int]:
    """Which tasks are copies, which to train on, their classes, int64 [M], and how many of them have a label
    of their own; these come first."""
    rows, targets = labeled(control, [task.target for task in tasks])
    own = np.full(len(tasks), -1, np.int64)
    own[rows] = targets.numpy()
    words = control.source.words_of([task.text for task in tasks])
    waits = np.array([task.waits for task in tasks])
    copies = copies_among(words, keys_of(words), features, own, waits)
    beside = copies.taught_beside(own)
    targets = torch.cat([targets, torch.from_numpy(copies.label[beside])])
    return copies, [*rows, *beside.tolist()], targets, len(rows)


def labeled(control: Control, answers: Sequence[Answer | None]) -> tuple[list[int], Tensor]:
    """Which of all tasks have a class of the control, and which class: int64 [M]."""
    class_of = {answer: i for i, answer in enumerate(control.classes)}
    found = [(i, class_of[answer]) for i, answer in enumerate(answers) if answer in class_of]
    return [i for i, _ in found], torch.tensor([target for _, target in found], dtype=torch.int64)


def scores(trained: Trained, targets: Tensor, scene: sampling.Scene) -> dict[str, float | None]:
    """How the model does: on labelled tasks it did not see, by cross-validation, and, as its error head
    estimates it, on the tasks that still wait. The first is lower where the queue serves hard tasks first."""
    predicted = trained.out_of_fold.layers.logits.argmax(-1)
    estimate = scene.estimated_accuracy
    return {
        "accuracy": round(float(trained.out_of_fold.correct.float().mean()), 4),
        "macro_f1": round(float(f1_score(targets, predicted, average="macro", zero_division=0)), 4),
        "estimated_accuracy": None if estimate is None else round(estimate, 4),
    }
