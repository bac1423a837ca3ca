"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    OK = "ok"
    NOTE = "note"
    """Works, and worth knowing."""
    WRONG = "wrong"
    NOT_CHECKED = "not checked"
    """Cannot be told while something else is wrong."""


@dataclass(frozen=True)
class Finding:
    """`found` says what is the case; `remedy`, of what is wrong, the one thing to do.

    `check` and `project` are filled in by whoever runs the check.
    """

    state: State
    found: str
    remedy: str = ""
    check: str = ""
    project: int | None = None


def ok(found: str) -> Finding:
    return Finding(State.OK, found)


def note(found: str, remedy: str = "") -> Finding:
    return Finding(State.NOTE, found, remedy)


def wrong(found: str, remedy: str) -> Finding:
    return Finding(State.WRONG, found, remedy)


def not_checked(why: str) -> Finding:
    return Finding(State.NOT_CHECKED, why)
