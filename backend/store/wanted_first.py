"""The tasks that somebody wants labelled next: they stand before the queue until labelled or released.

One small file beside the versions. It outlives retrains, refills and a Redis that is emptied.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace

from backend.store.files import Files
from backend.store.kept_json import UNREADABLE
from backend.store.reason import Reason

logger = logging.getLogger(__name__)

PATH = "wanted-first.json"
MOST = 100_000
"""Tasks of one wish."""
FRONT = 1e-9
"""Places before it are those of tasks that are wanted first: no other stands there, as long as the queue is
shorter than some 25 million (see `placing.between`)."""


@dataclass(frozen=True)
class Wish:
    """Tasks that were wanted at once. number: from 1, later ones stand before earlier ones; by: who asked;
    at: when, in seconds since 1970."""

    number: int
    tasks: tuple[int, ...]
    by: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Front:
    """All that stands before the queue. used: the highest number that a wish ever had; released: tasks that
    Label Studio may still have in front."""

    wishes: tuple[Wish, ...] = ()
    used: int = 0
    released: tuple[int, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether nothing stands in front, or may."""
        return not self.wishes and not self.released

    @property
    def number_of(self) -> Mapping[int, int]:
        """By task, the number of the wish that it was last in."""
        return {task: wish.number for wish in self.wishes for task in wish.tasks}

    def placed(self, places: Mapping[int, float]) -> dict[int, float]:
        """By task where it is to stand. places: by task, in (0, 1), where it would stand otherwise."""
        number_of = self.number_of
        return {
            task: front_place(number_of[task], place) if task in number_of else place
            for task, place in places.items()
        }

    def explained(self, reasons: Mapping[int, Reason]) -> dict[int, Reason]:
        """By task why it stands where it does. reasons: why it would stand where it would otherwise."""
        number_of = self.number_of
        return {task: why.as_wanted() if task in number_of else why for task, why in reasons.items()}

    def with_wish(self, tasks: Sequence[int], by: str = "", at: float = 0.0) -> Front:
        """These before all others; one that was there already moves."""
        new, number = tuple(dict.fromkeys(tasks))[:MOST], self.used + 1
        if not new:
            return self
        these = set(new)
        others = self._where(lambda wish, task: task not in these)
        released = tuple(task for task in self.released if task not in these)
        return Front((*others.wishes, Wish(number, new, by, at)), number, released)

    def without(self, tasks: Iterable[int]) -> Front:
        """These are released."""
        gone = set(tasks)
        return self._release(lambda wish, task: task in gone)

    def without_wish(self, number: int) -> Front:
        """All of a wish are released: its undo."""
        return self._release(lambda wish, task: wish.number == number)

    def among(self, waiting: AbstractSet[int]) -> Front:
        """Without tasks that no longer wait."""
        return self._where(lambda wish, task: task in waiting)

    def settled(self) -> Front:
        """Once Label Studio has no released task in front."""
        return replace(self, released=())

    def _release(self, goes: Callable[[Wish, int], bool]) -> Front:
        gone = [task for wish in self.wishes for task in wish.tasks if goes(wish, task)]
        left = self._where(lambda wish, task: not goes(wish, task))
        return replace(left, released=tuple(dict.fromkeys([*self.released, *gone])))

    def _where(self, is_kept: Callable[[Wish, int], bool]) -> Front:
        """Wishes of which nothing is left go."""
        left = (
            replace(wish, tasks=tuple(task for task in wish.tasks if is_kept(wish, task)))
            for wish in self.wishes
        )
        return replace(self, wishes=tuple(wish for wish in left if wish.tasks))


class WantedFirst:
    """Of one project. Changes are for one at a time: whoever publishes. Raises ModelStoreError where the
    store fails."""

    def __init__(self, files: Files):
        self._files = files

    def read(self) -> Front:
        """Nothing where it cannot be read, which is logged: the queue must not stop for it."""
        try:
            return _front_from(json.loads(self._files.read(PATH)))
        except FileNotFoundError:
            return Front()
        except UNREADABLE as error:
            logger.error("which tasks are wanted first cannot be read, and none is: %s: %s", PATH, error)
            return Front()

    def write(self, front: Front) -> None:
        self._files.write(PATH, json.dumps(asdict(front)).encode())


def front_place(wish: int, place: float) -> float:
    """Where a task stands that is wanted first: before the whole queue, the latest wish first, and within a
    wish in the queue's own order. The same whatever else is wanted, so that nothing has to be moved when
    some of it is labelled.

    wish: its number, from 1; place: in (0, 1), where the task would stand otherwise.
    """
    start, end = 1 / (wish + 1), 1 / wish
    return FRONT * (start + place * (end - start))


def _front_from(found: dict[str, object]) -> Front:
    """Raises KeyError, TypeError or ValueError for what `write` did not write."""
    wishes = found["wishes"]
    if not isinstance(wishes, list):
        raise TypeError("wishes is no list")
    made = tuple(_wish_from(each) for each in wishes)
    return Front(made, int(str(found["used"])), _numbers(found["released"]))


def _wish_from(found: dict[str, object]) -> Wish:
    tasks = _numbers(found["tasks"])
    return Wish(int(str(found["number"])), tasks, str(found["by"]), float(str(found["at"])))


def _numbers(found: object) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(type(each) is int for each in found):
        raise TypeError("tasks are no numbers")
    return tuple(found)
