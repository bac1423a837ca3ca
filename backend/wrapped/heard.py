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
    what was said of it last before the backend could learn of its annotation."""

    said: Numbers
    judged: Mapping[int, WrappedPrediction]

    @property
    def is_silent(self) -> bool:
        """Whether it has said nothing yet."""
        return not self.judged and not self.said.has.any()

    def versions(self) -> dict[str, int]:
        """Those that were judged, numbered by age, from 0 for the one that was heard first."""
        first: dict[str, float] = {}
        for each in self.judged.values():
            first[each.version] = min(each.made, first.get(each.version, each.made))
        return {version: i for i, version in enumerate(sorted(first, key=lambda version: first[version]))}


def agreement(control: Control, said: WrappedPrediction, given: Answer, content: str) -> float:
    """Of what was said with what annotators gave, in [0, 1], by the control; 0 where it says nothing."""
    answer = control.read(list(said.result), content)
    return 0.0 if answer is None else float(control.agreement(answer, given))
