"""Why a task stands where it does in the queue, in plain words."""

from __future__ import annotations

from backend.store.reason import AUDIT, BEHIND, HOWS, LATE, PICKED, WANTED, Reason

TORN, UNDECIDED, NOT_SURE = 0.8, 0.5, 0.2
"""Doubts from which the model is said to be so."""
LIKELY_WRONG, MAYBE_WRONG = 0.5, 0.25
UNLIKE = 0.6
"""P(application) from which a task is said to be unlike the labelled ones."""
_BEGIN = {
    PICKED: "",
    BEHIND: "Behind those that were chosen. ",
    LATE: "Came after the last retrain. ",
}


def why_first(reason: Reason, leads: bool | None = None) -> str:
    """A sentence or two. leads: of a task that was chosen because it covers most of what is in doubt, whether
    it is the first of those; None where that is not to be said."""
    if reason.how == WANTED:
        return "Somebody wants it labelled next."
    if reason.how == AUDIT:
        return "Drawn at random, to measure how often the model is right."
    if reason.is_by_chance:
        return "Drawn at random."
    if reason.how not in _BEGIN:
        told = HOWS.get(reason.how, reason.how)
        return f"{told[:1].upper()}{told[1:]}."
    return f"{_BEGIN[reason.how]}{_by_the_model(reason)}{_covers(reason, leads)}"


def _by_the_model(reason: Reason) -> str:
    """What the strategy saw in it."""
    clauses = [clause for clause in (_doubt(reason), _wrong(reason), _unlike(reason)) if clause]
    if clauses:
        *before, last = clauses
        said = f"{', '.join(before)}, and {last}" if before else last
        return f"{said[:1].upper()}{said[1:]}."
    if reason.doubt is None and reason.p_wrong is None:
        return "There is no model to ask yet: it is typical of many tasks that wait."
    return "The model is fairly sure of it, and less so of some tasks like it."


def _covers(reason: Reason, leads: bool | None) -> str:
    if leads is None or reason.doubt is None:
        return ""
    if leads:
        return " It covers more of what is in doubt than any other task: itself, and those that are like it."
    return " It covers most of what the tasks chosen before it leave in doubt."


def _doubt(reason: Reason) -> str:
    if reason.doubt is None or reason.doubt < NOT_SURE:
        return ""
    if reason.doubt < UNDECIDED:
        return "the model is not quite sure of it"
    return f"the model {'is torn' if reason.doubt >= TORN else 'hesitates'} between two answers"


def _wrong(reason: Reason) -> str:
    if reason.p_wrong is None or reason.p_wrong < MAYBE_WRONG:
        return ""
    return f"its guess {'is probably' if reason.p_wrong >= LIKELY_WRONG else 'may be'} wrong"


def _unlike(reason: Reason) -> str:
    if reason.p_application is None or reason.p_application < UNLIKE:
        return ""
    return "little like it is labelled yet"
