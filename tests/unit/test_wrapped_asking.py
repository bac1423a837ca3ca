"""Asking a wrapped backend in batches: within its rate, once for each task, whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.errors import WrappedSlow
from backend.jobs import wrapped_asking
from backend.store.files import Files
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.prediction import WrappedPrediction


class Quick:
    """A backend and a store in memory, by a clock of their own."""

    def __init__(self, clock: wrapped_asking.Clock, store: WrappedPredictions | None = None):
        self.asked: list[int] = []
        outer = self

        class Backend:
            def predict(self, tasks: Any, *, seconds: float, version: Any) -> Any:
                outer.asked += [task["id"] for task in tasks]
                clock.rest(len(tasks) / 100)
                found = [WrappedPrediction(task["id"], "v", (), 0.1, clock.now()) for task in tasks]
                return wrapped_asking.Answer(list(found))

        class Store:
            def add(self, predictions: Any) -> None:
                pass

        class State:
            version = "v"
            problems = None

            def works(self) -> None:
                pass

            def note_silent(self, tasks: Any, seconds: int) -> None:
                pass

            def answered(self, version: str, now: float) -> bool:
                return False

        parts: tuple[Any, ...] = (Backend(), store or Store(), State())
        self.asking = wrapped_asking.Asking(
            *parts, lambda ids: [{"id": i} for i in ids], most=32, seconds=10, clock=clock
        )


def test_the_pool_is_asked_about_at_no_more_than_the_rate() -> None:
    now = [0.0]
    clock = wrapped_asking.Clock(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
    work = Quick(clock)
    work.asking.ask(range(200), rate=20)
    assert len(work.asked) == 200
    assert now[0] == pytest.approx(200 / 20, rel=0.05)


def test_one_that_hangs_is_waited_for_twice_at_most() -> None:
    work = Quick(wrapped_asking.Clock(lambda: 0.0, lambda seconds: None))
    sizes: list[int] = []

    def hang(tasks: Any, **more: Any) -> Any:
        sizes.append(len(tasks))
        raise WrappedSlow("hangs")

    work.asking._backend.predict = hang  # type: ignore[method-assign]
    with pytest.raises(WrappedSlow):
        work.asking.ask(range(100))
    assert sizes == [4, 1]


def test_a_kill_in_the_midst_costs_one_batch(tmp_path: Path) -> None:
    """What was answered before is kept, and not asked for again."""
    kept = WrappedPredictions(Files(tmp_path))
    work = Quick(wrapped_asking.Clock(lambda: 1.0, lambda seconds: None), kept)
    predict = work.asking._backend.predict

    def killed(tasks: Any, **more: Any) -> Any:
        if len(work.asked) > 100:
            raise KeyboardInterrupt
        return predict(tasks, **more)

    work.asking._backend.predict = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        work.asking.ask(range(300))
    again = Quick(
        wrapped_asking.Clock(lambda: 1.0, lambda seconds: None), WrappedPredictions(Files(tmp_path))
    )
    again.asking.ask(kept.lacking(range(300)))
    assert sorted(work.asked + again.asked) == list(range(300))
    assert WrappedPredictions(Files(tmp_path)).lacking(range(300)) == []
