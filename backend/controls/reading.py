"""A task's parts, read so that no single task's content can stop what is done with all the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from backend.controls.base import Control
from backend.controls.scheme import LabelScheme
from backend.controls.votes import Vote, votes_of

logger = logging.getLogger(__name__)

NAMED = 5
"""Tasks that a message names."""
REASON_CHARACTERS = 200
Part = TypeVar("Part")


def text_in(scheme: LabelScheme, data: Any) -> tuple[str, str | None]:
    """A task's text, and None; or "", and why it cannot be read."""
    return attempt("its text", lambda: _utf8(scheme.text_of(data)), "")


def votes_in(
    controls: tuple[Control, ...], annotations: list[Any], content: str = ""
) -> tuple[dict[str, tuple[Vote, ...]], str | None]:
    """The votes on a task by control, and None; or those that can be read, and why others cannot.

    content: the task's text. An answer that holds half a surrogate pair can neither be stored nor shown: it
    is no vote.
    """
    votes: dict[str, tuple[Vote, ...]] = {}
    none: tuple[Vote, ...] = ()
    problem = None
    for control in controls:
        cast, failed = attempt("its annotations", partial(votes_of, annotations, control, content), none)
        fine = tuple(vote for vote in cast if _is_utf8(vote.label))
        if len(fine) < len(cast):
            failed = f"a label of {control.from_name} holds half a surrogate pair, which is no character"
        problem = problem or failed
        if fine:
            votes[control.from_name] = fine
    return votes, problem


def attempt(what: str, read: Callable[[], Part], otherwise: Part) -> tuple[Part, str | None]:
    """What `read` returns, and None; or `otherwise`, and why: whatever it is, one task alone has it."""
    try:
        return read(), None
    except Exception as error:  # kept, logged and shown by `doctor`
        reason = f"{what}: {type(error).__name__}: {error}"
        logger.debug("%s", reason, exc_info=error)
        return otherwise, reason[:REASON_CHARACTERS]


def unreadable_in_words(problems: Mapping[Any, str]) -> str:
    """problems: at least one; by task, why it cannot be read."""
    named = [f"task {task} ({reason})" for task, reason in list(problems.items())[:NAMED]]
    if len(problems) > NAMED:
        named.append(f"and {len(problems) - NAMED} more")
    verb = "1 task cannot be read and counts as empty" if len(problems) == 1 else ""
    return f"{verb or f'{len(problems)} tasks cannot be read and count as empty'}: {', '.join(named)}"


def _utf8(text: str) -> str:
    text.encode()
    return text


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
        return True
    except UnicodeEncodeError:
        return False
