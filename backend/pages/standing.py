"""What a project's loop does, in one calm and exact sentence, and what is wrong with it, each since when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from backend.jobs.encoding_progress import Progress
from backend.pages.words import counted, span, whole

GOOD, BUSY, BAD, PLAIN = "good", "busy", "bad", ""
"""The colour of the dot before a sentence, which says nothing that the sentence does not."""


@dataclass(frozen=True)
class Due:
    """A retrain that waits. seconds: until it is due, 0 where only a worker has to take it; again: the last
    try failed."""

    seconds: float
    again: bool


@dataclass(frozen=True)
class Seen:
    """What is known when somebody looks.

    labels: labelled tasks that the newest version learned from, None while there is none; answered: tasks
    that have an answer and are not among these; serves: the version that orders the queue instead of the
    newest one, None where that does; unseen: changes that no retrain has seen; next_in: how many more bring
    one; within: seconds after the first of them; workers: that are alive; training: for how many seconds it
    does; usually: how many the last one took; aside: seconds until a project that fails is tried again.
    """

    connected: bool = True
    labels: int | None = None
    version: str = ""
    answered: int = 0
    serves: str | None = None
    unseen: int = 0
    next_in: int = 0
    within: float = 0
    workers: int = 1
    training: float | None = None
    usually: float | None = None
    due: Due | None = None
    aside: float | None = None
    encoding: Progress | None = None


@dataclass(frozen=True)
class Headline:
    """said: without a stop; more: what is to be done about it, with code between backticks."""

    tone: str
    said: str
    more: str = ""


@dataclass(frozen=True)
class Problem:
    """since: in seconds since 1970; None where that is not known."""

    said: str
    since: float | None = None


def headline(seen: Seen, problems: Collection[Problem] = ()) -> Headline:
    """Green only where nothing is wrong: what is, stands on lines of its own."""
    told = _at_work(seen) or _at_rest(seen)
    return replace(told, tone=PLAIN) if problems and told.tone == GOOD else told


def _at_work(seen: Seen) -> Headline | None:
    """None where nothing is done or about to be."""
    if not seen.connected:
        return Headline(
            PLAIN,
            "Not connected: nothing is done for this project",
            "Label Studio has no connection to this backend: `label-studio-atlas connect` makes one.",
        )
    if seen.training is not None:
        usually = f"; the last retrain took {span(seen.usually)}" if seen.usually else ""
        return Headline(BUSY, f"Training, for {span(seen.training)}{usually}")
    if seen.aside is not None:
        return Headline(
            BAD,
            f"Set aside after failed retrains, for {span(seen.aside)} more",
            "A new label may bring a try before that. Once the cause is mended, “Train now” brings one.",
        )
    if seen.due is not None:
        return _due(seen.due, seen.workers)
    if seen.encoding is not None:
        return Headline(BUSY, "Encoding in the background: the order grows as it gets on")
    return None


def _due(due: Due, workers: int) -> Headline:
    when = f"in {span(due.seconds)}" if due.seconds else "as soon as a worker is free"
    if due.again:
        return Headline(BAD, f"The last retrain failed and is tried again {when}")
    if not workers:
        return Headline(BAD, "A retrain is due, and no worker runs that could do it")
    return Headline(BUSY, f"About to train, {when}")


def _at_rest(seen: Seen) -> Headline:
    if seen.unseen:
        new = f"{counted(seen.unseen, 'label')} {'is' if seen.unseen == 1 else 'are'} not learned from yet"
        return Headline(GOOD, f"Waiting: next retrain {_next(seen)}; {new}")
    if seen.labels is None:
        return Headline(PLAIN, f"Not trained yet: the first retrain comes {_next(seen)}")
    if not seen.labels and seen.answered:
        return Headline(GOOD, "Idle: nothing can be learned yet, typical tasks come first")
    if not seen.labels:
        return Headline(GOOD, f"Idle, ready for the first labels: next retrain {_next(seen)}")
    tasks = f"all {whole(seen.labels)} labelled tasks are" if seen.labels > 1 else "the labelled task is"
    serves = f"; {seen.serves}, which somebody keeps in service, orders the queue" if seen.serves else ""
    return Headline(GOOD, f"Idle and up to date: {tasks} in {seen.version}{serves}")


def _next(seen: Seen) -> str:
    if not seen.next_in:
        return "now"
    return f"after {counted(seen.next_in, 'more label')}, or {span(seen.within)} after the first"
