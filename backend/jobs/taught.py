"""What a control learns from: tasks with an answer of their own, and near copies of such tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from backend.controls.base import Answer, Control
from backend.copies import Copies, copies_among, keys_of
from backend.store.tasks import StoredTask


class Taught(NamedTuple):
    """rows: of the tasks; targets: int64 [M], which of the `answers` each was given; together: int64 [M], the
    same for tasks of the same content; own: how many have an answer of their own; these come first."""

    rows: list[int]
    targets: Tensor
    answers: tuple[Answer, ...]
    together: Tensor
    own: int

    @property
    def given(self) -> list[Answer]:
        """The answers, along the rows."""
        return [self.answers[target] for target in self.targets.tolist()]


def taught(
    control: Control, tasks: list[StoredTask], given: Sequence[Answer | None], features: Tensor
) -> tuple[Copies, Taught]:
    """Which tasks are copies, and what the control that orders the queue learns from. given: of each task;
    features: float [N, D]."""
    answers = control.answers_among(answer for answer in given if answer is not None)
    rows, targets = numbered(answers, given)
    own = np.full(len(tasks), -1, np.int64)
    own[rows] = targets.numpy()
    words = control.words_of([task.text for task in tasks])
    waits = np.array([task.waits for task in tasks])
    copies = copies_among(words, keys_of(words), features, own, waits)
    beside = copies.taught_beside(own)
    targets = torch.cat([targets, torch.from_numpy(copies.label[beside])])
    every = [*rows, *beside.tolist()]
    return copies, Taught(every, targets, answers, torch.from_numpy(copies.group[every]), len(rows))


def taught_beside(control: Control, given: Sequence[Answer | None], copies: Copies) -> Taught:
    """What a companion learns from. given: of each task."""
    answers = control.answers_among(answer for answer in given if answer is not None)
    rows, targets = numbered(answers, given)
    return Taught(rows, targets, answers, torch.from_numpy(copies.group[rows]), len(rows))


def labeled(control: Control, answers: Sequence[Answer | None]) -> tuple[list[int], Tensor]:
    """Which of all tasks have a class of the control, and which class: int64 [M]."""
    return numbered(control.classes, answers)


def numbered(answers: Sequence[Answer], given: Sequence[Answer | None]) -> tuple[list[int], Tensor]:
    """Which of all tasks were given one of the answers, and which: int64 [M]."""
    number = {answer: i for i, answer in enumerate(answers)}
    found = [(i, number[answer]) for i, answer in enumerate(given) if answer in number]
    return [i for i, _ in found], torch.tensor([target for _, target in found], dtype=torch.int64)
