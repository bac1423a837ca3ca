"""The head of a new version's queue: which tasks, what is guessed of them, and why they stand there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from backend import sampling
from backend.adapted_contents import contents_of
from backend.adapting import STATS, Adapted, adapted_of, said_by
from backend.controls.impossible import without_impossible
from backend.copied import seen_before, with_given
from backend.errors import DamagedFile
from backend.guessing import outputs_of, regions
from backend.jobs.head import head_of
from backend.jobs.material import Material
from backend.jobs.wrapped_head import WrappedHead
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.labelstudio.publishing import prediction
from backend.labelstudio.suggestions import silenced, with_suggestions
from backend.said.base import Contents, Said
from backend.settings import Settings
from backend.store.locations import adapted_models, project_files
from backend.store.model_version import ModelVersion
from backend.store.reason import Reason
from backend.store.versions import VersionStore
from backend.store.wanted_first import Front, WantedFirst
from backend.why import reasons_of

ADAPTED_SECONDS = 2.0
"""For what an adapted model says of the head, from its front on; the rest the version itself guesses."""
HANDED_OUT = 20
"""Tasks at the front of the last queue that may be before annotators while the next one is published."""
Predictions = list[dict[str, Any]]


@dataclass(frozen=True)
class MadeHead:
    """predictions: what to import; front: what is wanted first. places: score by task; of the first n of
    these features: float [n, D], and what the version's models said."""

    predictions: Predictions
    front: Front
    places: dict[int, float]
    features: Tensor
    said: Sequence[Said]

    def reasons(self, version: ModelVersion) -> dict[int, Reason]:
        """By task why it is in there. version: with its domain head and its clusters."""
        scores, n = list(self.places.values()), len(self.features)
        why = reasons_of(version, scores[:n], self.features, self.said)
        why += reasons_of(version, scores[n:])
        return self.front.explained(dict(zip(self.places, why, strict=True)))


class Head:
    """Makes the head of a project's next version."""

    def __init__(
        self,
        settings: Settings,
        client: LabelStudioClient,
        project: Project,
        versions: VersionStore,
        wrapped: WrappedHead | None = None,
    ):
        """wrapped: whose answers are shown in the place of the version's own."""
        self._settings = settings
        self._client = client
        self._project = project
        self._versions = versions
        self._front = WantedFirst(project_files(settings, project.id)).read()
        self._wrapped = wrapped

    def of(self, version: ModelVersion, queue: Tensor, material: Material, touched: set[int]) -> MadeHead:
        """version: with what guesses need; queue: int64 [m], rows of the material's tasks, in its order; then
        come tasks that are not encoded yet: of these there is no guess. touched: see `head_of`.
        """
        positions = self._positions(version.queue_ids.tolist(), touched)
        is_encoded = positions < len(queue)
        rows, later = queue[positions[is_encoded]], positions[~is_encoded]
        chosen = [material.tasks[i] for i in rows.tolist()]
        places = _places(version, positions)
        units = material.units(rows.tolist()) if version.unit_encoder else None
        texts, offers = [task.text for task in chosen], [task.offered for task in chosen]
        contents = Contents(texts, material.features[rows], offers, units)
        said = outputs_of(version, contents)
        guesses = self._guessed(version, places, contents, said)
        scores = self._front.placed(places)
        predictions = [
            {"task": task, **prediction(version.name, score, shown)}
            for (task, score), shown in zip(scores.items(), [*guesses, *([[]] * len(later))], strict=True)
        ]
        offered = (task.offered for task in chosen)
        front = without_impossible(version.scheme, predictions[: len(chosen)], offered)
        predictions = [*front, *predictions[len(chosen) :]]
        return MadeHead(self._shown(version, predictions), self._front, places, contents.features, said)

    def _shown(self, version: ModelVersion, predictions: Predictions) -> Predictions:
        """With another model's regions, where these are what annotators see."""
        if self._wrapped is not None:
            return silenced(self._wrapped.shown(predictions), version.silent)
        theirs, silent = version.stats["suggestions"], version.silent
        return with_suggestions(self._client, self._project, theirs, predictions, silent)

    def _positions(self, queue: list[int], touched: set[int]) -> Tensor:
        """Which positions of a queue of task ids to publish, rising: the head, and what annotators may hold.

        Label Studio sticks to a task it has handed out, or is handing out while the version changes, and
        without a prediction of the new version it would come without a pre-annotation.
        """
        position_of = {task: position for position, task in enumerate(queue)}
        first = self._client.served_first(self._project)
        head = head_of(queue, self._settings.queue_head, touched, first, self._front.number_of)
        handed_out = [task for task in self._last_queue() if task in position_of and task not in touched]
        chosen = sorted(position_of[task] for task in {*head, *handed_out[:HANDED_OUT]})
        return torch.tensor(chosen, dtype=torch.int64)

    def _last_queue(self) -> list[int]:
        """That of the published version; [] where there is none to read."""
        before = self._versions.published()
        try:
            return [] if before is None else self._versions.load(before).queue_ids.tolist()
        except DamagedFile:
            return []

    def _guessed(
        self, version: ModelVersion, places: dict[int, float], contents: Contents, said: Sequence[Said]
    ) -> list[Predictions]:
        """Of the first n of the places, whose contents these are, what to show. said: of these."""
        texts, silent = contents.values, version.silent
        said = said_by(self._adapted(version), said, contents, ADAPTED_SECONDS)
        guesses = regions(version, said, len(texts), shown_from=self._settings.show_guess_from)
        shown = with_given(version, seen_before(version, texts), guesses, texts)
        return [[] if task in silent else each for task, each in zip(places, shown, strict=False)]

    def _adapted(self, version: ModelVersion) -> Adapted | None:
        if STATS not in version.stats:
            return None
        contents = contents_of(self._settings, self._project.id, version)
        return adapted_of(adapted_models(self._settings, self._project.id), version, contents)


def _places(version: ModelVersion, positions: Tensor) -> dict[int, float]:
    """Score by task, of these positions of the queue, int64 [n], in their order."""
    scores = sampling.queue_scores(len(version.queue_ids))[positions].tolist()
    return dict(zip(version.queue_ids[positions].tolist(), scores, strict=True))
