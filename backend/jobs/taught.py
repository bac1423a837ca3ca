"""What a control learns from: tasks with an answer of their own, and near copies of such tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from backend.controls.base import Answer, Control
from backend.copies import Copies, Grouped, copies_in, keyed_and_grouped
from backend.store.tasks import StoredTask

KEPT_CHARACTERS = 10_000
"""Of an answer that a version keeps: masks may be far longer, and a version is read as a whole."""


class Taught(NamedTuple):
    """rows: of the tasks; targets: int64 [M], which of the `answers` each was given, or is nearest to what it
    was; together: int64 [M], the same for tasks of the same content; own: how many have an answer of their
    own; these come first; said: these answers, as they were given."""

    rows: list[int]
    targets: Tensor
    answers: tuple[Answer, ...]
    together: Tensor
    own: int
    said: list[Answer]

    def kept_answers(self, control: Control) -> tuple[Answer, ...] | None:
        """The `answers`, for a version to keep; None where the control's classes are all. "" in the place of
        one that is too long: a copy's guess is the model's then."""
        if self.answers == control.classes:
            return None
        return tuple(answer if len(answer) <= KEPT_CHARACTERS else "" for answer in self.answers)

    @property
    def given(self) -> list[Answer]:
        """The answers, along the rows."""
        return [self.answers[target] for target in self.targets.tolist()]


def taught(
    control: Control,
    tasks: list[StoredTask],
    given: Sequence[Answer | None],
    features: Tensor,
    group: Callable[[Sequence[str], Tensor], Grouped] = keyed_and_grouped,
) -> tuple[Copies, Taught]:
    """Which tasks are copies, and what the control that orders the queue learns from. given: of each task;
    features: float [N, D]; group: as `keyed_and_grouped` does."""
    answers = control.answers_among(answer for answer in given if answer is not None)
    rows, targets = numbered(control, answers, given)
    own = np.full(len(tasks), -1, np.int64)
    own[rows] = targets.numpy()
    words = control.words_of([task.text for task in tasks])
    waits = np.array([task.waits for task in tasks])
    copies = copies_in(*group(words, features), own, waits)
    beside = copies.taught_beside(own)
    targets = torch.cat([targets, torch.from_numpy(copies.label[beside])])
    every = [*rows, *beside.tolist()]
    together, said = torch.from_numpy(copies.group[every]), _said(given, rows)
    return copies, Taught(every, targets, answers, together, len(rows), said)


def taught_beside(control: Control, given: Sequence[Answer | None], copies: Copies) -> Taught:
    """What a companion learns from. given: of each task."""
    answers = control.answers_among(answer for answer in given if answer is not None)
    rows, targets = numbered(control, answers, given)
    together, said = torch.from_numpy(copies.group[rows]), _said(given, rows)
    return Taught(rows, targets, answers, together, len(rows), said)


def labeled(control: Control, answers: Sequence[Answer | None]) -> tuple[list[int], Tensor]:
    """Which of all tasks have a class of the control, and which class: int64 [M]."""
    return numbered(control, control.classes, answers)


def numbered(
    control: Control, answers: Sequence[Answer], given: Sequence[Answer | None]
) -> tuple[list[int], Tensor]:
    """Which of all tasks were given one of the answers, and which: int64 [M]."""
    found = [(i, each) for i, each in enumerate(control.placed(given, answers)) if each >= 0]
    return [i for i, _ in found], torch.tensor([number for _, number in found], dtype=torch.int64)


def _said(given: Sequence[Answer | None], rows: Sequence[int]) -> list[Answer]:
    """Of tasks that were given an answer."""
    return [answer for i in rows if (answer := given[i]) is not None]
