"""What annotators have answered so far, added to what is asked."""

from __future__ import annotations

from collections.abc import Sequence

from backend.controls.scheme import LabelScheme
from backend.store.tasks import StoredTask


def answered(scheme: LabelScheme, tasks: Sequence[StoredTask], wraps: bool) -> LabelScheme:
    """The scheme with what the annotators' answers add to it: classes of their own, how far answers differ.
    wraps: another ML backend's answers are judged by it."""
    given = {scheme.main.from_name: [task.target for task in tasks if task.target]}
    for companion in scheme.companions:
        given[companion.from_name] = [
            task.others[companion.from_name] for task in tasks if companion.from_name in task.others
        ]
    return scheme.judging(given) if wraps else scheme.with_classes(given)
