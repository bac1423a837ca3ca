"""One task as Label Studio answers it, as the local copy keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.controls.reading import attempt, text_in, votes_in
from backend.controls.scheme import LabelScheme
from backend.controls.unknown import unknown_answers
from backend.fields import values_of
from backend.jobs.first_answer import first_answer
from backend.store.tasks import NOTHING, StoredTask


def read_task(task: dict[str, Any], scheme: LabelScheme, fields: Sequence[str] = ()) -> StoredTask:
    """With what can be read of it, and why the rest cannot; never raises.

    Of a task that was listed without its annotations there are no votes. fields: those of its data to keep.
    """
    annotations, data = task.get("annotations") or [], task.get("data")
    text, no_text = text_in(scheme, data)
    votes, no_votes = votes_in(scheme.controls, annotations, text)
    offered, no_offer = attempt("what it offers", lambda: scheme.offered(data), NOTHING)
    none: tuple[str, ...] = ()
    unknown, no_answers = attempt("its answers", lambda: unknown_answers(annotations, scheme), none)
    given, not_given = attempt("how it was answered", lambda: first_answer(task), None)
    values, no_values = attempt("its fields", lambda: values_of(data, fields), NOTHING)
    return StoredTask(
        *(task["id"], text, bool(task["is_labeled"]), votes),
        touched=bool(task.get("total_annotations") or task.get("cancelled_annotations")),
        offered=offered,
        unknown=unknown,
        given=given,
        problem=no_text or no_votes or no_offer or no_answers or not_given or no_values,
        fields=values,
    )
