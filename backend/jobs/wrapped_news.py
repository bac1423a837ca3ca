"""Whether a wrapped backend has learned without a word: many keep their version, whatever they learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.foreign import Foreign
from backend.wrapped.prediction import WrappedPrediction

PROBED = 4
"""Tasks that it is asked about once more, and then again."""
SECONDS = 10.0


def answers_otherwise(
    client: LabelStudioClient,
    backend: Foreign,
    kept: WrappedPredictions,
    state: WrappedState,
    tasks: Sequence[int],
) -> bool:
    """Whether it says something else of tasks than when it was last asked, and the same when it is asked
    twice: one that draws lots has not learned. tasks: that wait. Raises WrappedBackendError."""
    before = {i: each for i, each in kept.newest(tasks).items() if each.made >= state.since}
    asked = list(client.waiting_by_id(state.id, list(before)[:PROBED]))
    if not asked:
        return False
    now, again = (_said(backend, state, asked) for _ in range(2))
    return now == again and any(now[i] != _of(before[i]) for i in now)


def _said(backend: Foreign, state: WrappedState, tasks: Sequence[dict[str, Any]]) -> dict[int, Any]:
    answer = backend.predict(tasks, seconds=SECONDS, version=state.version)
    return {each.task: _of(each) for each in answer.predictions if each is not None}


def _of(said: WrappedPrediction) -> Any:
    """Without ids of regions, which many draw by lot."""
    regions = [{name: each for name, each in region.items() if name != "id"} for region in said.result]
    return regions, said.score
