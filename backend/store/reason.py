"""Why a task stood where it did in the queue: what is told of it, and kept with its label."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

PICKED = "picked"
AUDIT = "audit"
BEHIND = "behind"
COPY = "copy"
UNREAD = "unread"
LATE = "late"
UNSERVED = "unserved"
WANTED = "wanted"
UNKNOWN = "unknown"
HOWS = {
    PICKED: "chosen by the strategy",
    AUDIT: "drawn at random from all that waited, to measure how right the model is",
    BEHIND: "behind those that were chosen, by the strategy's own number or by margin",
    COPY: "of the same content as another task, and so behind all others",
    UNREAD: "not encoded yet, in random order",
    LATE: "came after the ranking, and was placed by what the model said of it",
    UNSERVED: "not in the head of the queue that was published then: somebody else chose it",
    WANTED: "somebody wanted it labelled next, whatever the order",
    UNKNOWN: "of before it was kept why",
}
"""How a task came to its place, and what that means."""
NOBODY = "none"
"""The strategy of what no strategy placed."""
_BY_CHANCE = (AUDIT, "random")
"""How a task came to its place, or by which strategy, where chance alone decided."""


@dataclass(frozen=True)
class Reason:
    """how: one of HOWS; strategy: the name of what placed it; version: whose queue it was.

    control: for whose sake it was placed, of those that order the queue.
    place: in that queue, from 1, `of` so many; round: in which the strategy chose it, from 1.
    p_wrong: that the model's guess is wrong, by the error head; p_application: that it comes from what is
    still unlabelled, by the domain head; doubt: 1 less the margin of the two likeliest classes;
    all in [0, 1].
    cluster: of the tasks that waited which are alike, from 1, the largest first.
    chance: with which a draw for this place would have brought this task: 1 where none was random.
    Each is None where nothing can say it.
    """

    how: str
    strategy: str = NOBODY
    version: str | None = None
    control: str | None = None
    place: int | None = None
    of: int | None = None
    round: int | None = None
    p_wrong: float | None = None
    p_application: float | None = None
    doubt: float | None = None
    cluster: int | None = None
    chance: float | None = None

    @property
    def is_by_chance(self) -> bool:
        return self.how in _BY_CHANCE or self.strategy in _BY_CHANCE

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_wanted(self) -> Reason:
        """Of a task that somebody wanted labelled next: no strategy and no draw brought it."""
        return replace(self, how=WANTED, strategy=NOBODY, round=None, chance=None)

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> Reason:
        """From what `as_json` gave; what a later release may add is left out. Raises TypeError otherwise."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in described.items() if name in known})


NAMES = tuple(each.name for each in fields(Reason))
