"""The first sentence of a project's page: calm where all is well, exact where it is not."""

from __future__ import annotations

import pytest

from backend.jobs.encoding_progress import Progress
from backend.pages.standing import BAD, BUSY, GOOD, PLAIN, Due, Problem, Seen, headline

IDLE = Seen(labels=137, version="atlas-000010", next_in=5, within=30)
PROGRESS = Progress("use", 100, 20, None, None)


def seen(**changed: object) -> Seen:
    return Seen(**{**vars(IDLE), **changed})


STATES: dict[str, tuple[Seen, str, str]] = {
    "up to date": (IDLE, GOOD, "Idle and up to date: all 137 labelled tasks are in atlas-000010"),
    "one label": (seen(labels=1), GOOD, "Idle and up to date: the labelled task is in atlas-000010"),
    "pinned": (
        seen(serves="atlas-000008"),
        GOOD,
        "Idle and up to date: all 137 labelled tasks are in atlas-000010; atlas-000008, which somebody keeps "
        "in service, orders the queue",
    ),
    "waiting": (
        seen(unseen=4, next_in=1),
        GOOD,
        "Waiting: next retrain after 1 more label, or 30 seconds after the first; "
        "4 labels are not learned from yet",
    ),
    "waiting for one": (
        seen(unseen=1, next_in=4, within=90),
        GOOD,
        "Waiting: next retrain after 4 more labels, or 2 minutes after the first; "
        "1 label is not learned from yet",
    ),
    "waiting without a job": (
        seen(unseen=7, next_in=0),
        GOOD,
        "Waiting: next retrain now; 7 labels are not learned from yet",
    ),
    "never trained": (
        seen(labels=None, version=""),
        PLAIN,
        "Not trained yet: the first retrain comes after 5 more labels, or 30 seconds after the first",
    ),
    "no label yet": (
        seen(labels=0),
        GOOD,
        "Idle, ready for the first labels: next retrain after 5 more labels, or 30 seconds after the first",
    ),
    "labels of one class alone": (
        seen(labels=0, answered=9),
        GOOD,
        "Idle: nothing can be learned yet, typical tasks come first",
    ),
    "training": (
        seen(training=12.4, usually=6.2),
        BUSY,
        "Training, for 12 seconds; the last retrain took 6 seconds",
    ),
    "training first": (seen(training=1.0, labels=None), BUSY, "Training, for 1 second"),
    "training, more waits": (seen(training=1.0, unseen=3, due=Due(0, False)), BUSY, "Training, for 1 second"),
    "queued": (seen(due=Due(0, False)), BUSY, "About to train, as soon as a worker is free"),
    "pausing": (seen(due=Due(5, False)), BUSY, "About to train, in 5 seconds"),
    "queued, no worker": (
        seen(due=Due(0, False), workers=0),
        BAD,
        "A retrain is due, and no worker runs that could do it",
    ),
    "tried again": (
        seen(due=Due(40, True), unseen=3),
        BAD,
        "The last retrain failed and is tried again in 40 seconds",
    ),
    "tried again, next in line": (
        seen(due=Due(0, True)),
        BAD,
        "The last retrain failed and is tried again as soon as a worker is free",
    ),
    "set aside": (
        seen(aside=3_000.0, unseen=3),
        BAD,
        "Set aside after failed retrains, for 50 minutes more",
    ),
    "encoding": (seen(encoding=PROGRESS), BUSY, "Encoding in the background: the order grows as it gets on"),
    "training while it encodes": (seen(encoding=PROGRESS, training=9.0), BUSY, "Training, for 9 seconds"),
    "not connected": (
        seen(connected=False, unseen=3),
        PLAIN,
        "Not connected: nothing is done for this project",
    ),
}


@pytest.mark.parametrize(("told", "tone", "said"), STATES.values(), ids=STATES.keys())
def test_each_state_has_its_sentence(told: Seen, tone: str, said: str) -> None:
    found = headline(told)
    assert (found.tone, found.said) == (tone, said)


@pytest.mark.parametrize("told", [state for state, *_ in STATES.values()], ids=STATES.keys())
def test_nothing_is_green_while_something_is_wrong_and_the_sentence_stays(told: Seen) -> None:
    calm, troubled = headline(told), headline(told, [Problem("No webhook arrives")])
    assert troubled.said == calm.said
    assert troubled.tone == (PLAIN if calm.tone == GOOD else calm.tone)


def test_a_sentence_that_asks_for_something_says_what_to_do() -> None:
    assert "`label-studio-atlas connect`" in headline(STATES["not connected"][0]).more
    assert "“Train now”" in headline(STATES["set aside"][0]).more
    assert headline(IDLE).more == ""
