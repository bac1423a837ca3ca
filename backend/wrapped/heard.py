"""What a project's wrapped backend has said, as far as an order is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.controls.base import Answer, Control
from backend.wrapped.numbers import Numbers
from backend.wrapped.prediction import WrappedPrediction


@dataclass(frozen=True)
class Heard:
    """said: of each of the project's tasks, by rising id, what was said of it last; judged: by labelled task,
    what was said of it last before the backend could learn of its annotation; since: from when on it is what
    it is now, seconds since 1970."""

    said: Numbers
    judged: Mapping[int, WrappedPrediction]
    since: float = 0.0

    @property
    def is_silent(self) -> bool:
        """Whether it has said nothing yet."""
        return not self.judged and not self.said.has.any()

    def ages(self) -> dict[int, int]:
        """By judged task, the number of the model's version that was judged, from 0 for the one that was
        heard first. One that learns and keeps its version's name is another since then."""
        first: dict[tuple[str, bool], float] = {}
        for each in self.judged.values():
            kind = each.version, each.made >= self.since
            first[kind] = min(each.made, first.get(kind, each.made))
        number = {kind: i for i, kind in enumerate(sorted(first, key=lambda kind: first[kind]))}
        return {task: number[each.version, each.made >= self.since] for task, each in self.judged.items()}


def agreement(control: Control, said: WrappedPrediction, given: Answer, content: str) -> float:
    """Of what was said with what annotators gave, in [0, 1], by the control; 0 where it says nothing."""
    answer = control.read(list(said.result), content)
    return 0.0 if answer is None else float(control.agreement(answer, given))
