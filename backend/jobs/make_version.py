"""Make a version of the tasks that were pulled: encode, train, rank, and predict the head of its queue."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend import sampling
from backend.adapted_contents import contents_of
from backend.adapting import STATS, Adapted, adapted_of, said_by
from backend.controls.impossible import without_impossible
from backend.controls.scheme import LabelScheme
from backend.copied import falling_to_the_end, seen_before, with_given
from backend.errors import DamagedFile
from backend.guessing import outputs_of, regions
from backend.jobs.choosing import Lesson
from backend.jobs.encode_pool import Pool, encode_pool
from backend.jobs.head import head_of
from backend.jobs.image_pool import ProjectImages
from backend.jobs.laps import Laps
from backend.jobs.networks import companion_models, main_model, main_network
from backend.jobs.state import ProjectState
from backend.jobs.taught import scores, taught
from backend.jobs.tuning_due import taken_over
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.labelstudio.publishing import prediction
from backend.labelstudio.suggestions import others_version, said_of, with_suggestions
from backend.labelstudio.survey import doubts
from backend.settings import Settings
from backend.store.features import AtHand
from backend.store.locations import adapted_models, feature_cache
from backend.store.model_version import ModelVersion, version_name, version_number
from backend.store.tasks import StoredTask, fingerprint
from backend.store.versions import VersionStore

ADAPTED_SECONDS = 2.0
"""For what an adapted model says of the head, from its front on; the rest the version itself guesses."""
HANDED_OUT = 20
"""Tasks at the front of the last queue that may be before annotators while the next one is published."""


class VersionMaker:
    """Makes the next version of one project."""

    def __init__(
        self,
        settings: Settings,
        client: LabelStudioClient,
        state: ProjectState,
        project_id: int,
        versions: VersionStore,
        laps: Laps,
    ):
        self._settings = settings
        self._client = client
        self._state = state
        self._id = project_id
        self._versions = versions
        self._laps = laps
        self.pool: Pool | None = None
        """The texts of the version last made, as far as they were encoded."""
        self.lesson: Lesson | None = None
        """What its network was trained on; None where there were too few labels for one, and of images."""

    def make(
        self, project: Project, scheme: LabelScheme, tasks: list[StoredTask], at_hand: AtHand | None
    ) -> tuple[ModelVersion, list[dict[str, Any]]]:
        """The new version, and the predictions for the head of its queue."""
        main = scheme.main
        pool = self.pool = self._encoded(scheme, tasks, at_hand)
        self._laps.end("encode")
        every, features = tasks, pool.features
        tasks = [every[i] for i in np.flatnonzero(pool.done).tolist()]
        later = self._shuffled([every[i].id for i in np.flatnonzero(~pool.done).tolist() if every[i].waits])
        copies, labeled, targets, own = taught(main, tasks, features)
        waits = np.array([task.waits for task in tasks])
        waiting = np.flatnonzero(waits & ~copies.behind).tolist()
        behind = np.flatnonzero(copies.behind).tolist()
        together = torch.from_numpy(copies.group[labeled])
        trained = main_network(self._settings, features[labeled], targets, len(main.classes), together)
        if trained is not None and not scheme.source.is_fetched:
            self.lesson = Lesson(
                [tasks[i].text for i in labeled], targets.tolist(), together.tolist(), len(main.classes)
            )
        models = (
            *main_model(self._settings, scheme, features[labeled], targets, trained),
            *companion_models(self._settings, scheme, tasks, features),
        )
        self._laps.end("train")

        scene = sampling.make_scene(
            features[waiting],
            features[labeled],
            targets,
            n_classes=len(main.classes),
            seed=self._settings.seed,
            device=self._settings.device,
            trained=trained,
        )
        strategy = self._state.strategy or self._settings.strategy
        ranking = sampling.rank_scene(strategy, scene, self._settings.queue_head)
        self._laps.end("rank")
        queue = torch.cat(
            [torch.tensor(waiting, dtype=torch.int64)[ranking.order], torch.tensor(behind).long()]
        )
        known_keys, known_labels = copies.known(waits)
        answers = Counter(answer for task in every for answer in task.unknown)
        theirs = None if trained is not None else self._suggestions(project)
        version = ModelVersion(
            name=self._next_version(project),
            scheme=scheme,
            strategy=strategy,
            encoder=pool.encoder,
            models=models,
            scorer_head=ranking.scorer_head,
            queue_ids=torch.tensor([*(tasks[i].id for i in queue.tolist()), *later], dtype=torch.int64),
            queue_worth=falling_to_the_end(ranking, len(behind) + len(later)),
            stats={
                "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "fingerprint": fingerprint(every),
                "tasks": len(every),
                "newest_task": every[-1].id,
                "waiting": len(queue) + len(later),
                "copies": len(behind),
                "trained_on": own if trained is not None else 0,
                "labels": dict(Counter(main.classes[target] for target in targets[:own].tolist())),
                "strategy": strategy,
                "settings": self._settings.model_dump(include={"folds", "seed", "device", "queue_head"}),
                "suggestions": theirs,
                "notes": [
                    *pool.notes,
                    *ranking.notes,
                    *doubts([task.text for task in every], answers, scheme),
                    *([] if theirs is None else [said_of(theirs)]),
                ],
                **({} if trained is None else scores(trained, targets, scene)),
                **({} if trained is None else self._taken_over(scheme, pool.encoder)),
            },
            error_head=None if trained is None else scene.error_head,
            known_keys=known_keys,
            known_labels=known_labels,
        )
        touched = {task.id for task in every if task.touched}
        positions = self._to_publish(project, version.queue_ids.tolist(), touched)
        return version, self._for_head(project, version, positions, queue, tasks, features)

    def _encoded(self, scheme: LabelScheme, tasks: list[StoredTask], at_hand: AtHand | None) -> Pool:
        if scheme.source.is_fetched:
            images = ProjectImages(self._settings, self._state.redis, self._client, self._id)
            return images.pool(tasks, self._settings.seed)
        before = self._versions.names()[-1:]
        return encode_pool(
            feature_cache(self._settings, self._id, scheme.source.about),
            [task.text for task in tasks],
            [i for i, task in enumerate(tasks) if task.target is not None],
            self._settings.encode_within,
            serving=self._versions.encoder(before[0]) if before else None,
            at_hand=at_hand,
            seed=self._settings.seed,
        )

    def _for_head(
        self,
        project: Project,
        version: ModelVersion,
        positions: Tensor,
        queue: Tensor,
        tasks: list[StoredTask],
        features: Tensor,
    ) -> list[dict[str, Any]]:
        """What to import for these positions of the version's queue, int64 [n]. queue: int64 [m], rows of
        tasks and of features; behind them stand tasks that are not encoded yet: of these there is no guess.
        """
        is_encoded = positions < len(queue)
        rows = queue[positions[is_encoded]]
        chosen = [tasks[i] for i in rows.tolist()]
        predictions = self._predictions(version, positions[is_encoded], features[rows], chosen)
        predictions = without_impossible(version.scheme, predictions, (task.offered for task in chosen))
        predictions += _without_guess(version, positions[~is_encoded])
        return with_suggestions(self._client, project, version.stats["suggestions"], predictions)

    def _suggestions(self, project: Project) -> str | None:
        """The version of another model's that is shown until there is a model of ours."""
        before = self._versions.names()[-1:]
        known = self._versions.stats(before[0]).get("suggestions") if before else None
        return others_version(self._client, project, known)

    def _shuffled(self, ids: list[int]) -> list[int]:
        return np.random.default_rng(self._settings.seed).permutation(ids).tolist() if ids else []

    def _to_publish(self, project: Project, queue: list[int], touched: set[int]) -> Tensor:
        """Which positions of a queue of task ids to publish, rising: the head, and what annotators may hold.

        Label Studio sticks to a task it has handed out, or is handing out while the version changes, and
        without a prediction of the new version it would come without a pre-annotation.
        """
        position_of = {task: position for position, task in enumerate(queue)}
        head = head_of(queue, self._settings.queue_head, touched, self._client.served_first(project))
        handed_out = [task for task in self._front() if task in position_of and task not in touched]
        chosen = sorted(position_of[task] for task in {*head, *handed_out[:HANDED_OUT]})
        return torch.tensor(chosen, dtype=torch.int64)

    def _front(self) -> list[int]:
        """The queue of the published version; [] where there is none to read."""
        before = self._versions.published()
        try:
            return [] if before is None else self._versions.load(before).queue_ids.tolist()
        except DamagedFile:
            return []

    def _predictions(
        self, version: ModelVersion, positions: Tensor, features: Tensor, tasks: list[StoredTask]
    ) -> list[dict[str, Any]]:
        """What to import for these positions of the version's queue, int64 [n].

        features: float [n, D], and tasks, of these positions.
        """
        scores = sampling.queue_scores(len(version.queue_ids))[positions].tolist()
        ids = version.queue_ids[positions].tolist()
        said = outputs_of(version, features, [task.offered for task in tasks])
        sure = self._settings.show_guess_from
        texts = [task.text for task in tasks]
        said = said_by(self._adapted(version), said, texts, features, ADAPTED_SECONDS)
        guesses = regions(version, said, len(features), shown_from=sure)
        guesses = with_given(version, seen_before(version, texts), guesses)
        return [
            {"task": task_id, **prediction(version.name, score, shown)}
            for task_id, score, shown in zip(ids, scores, guesses, strict=True)
        ]

    def _taken_over(self, scheme: LabelScheme, encoder: str) -> dict[str, Any]:
        """What to tell in the stats of the adapted model that a version answers by, if one does."""
        models = adapted_models(self._settings, self._id)
        found = taken_over(self._settings, models, scheme, encoder)
        return {} if found is None else {STATS: found[0].told}

    def _adapted(self, version: ModelVersion) -> Adapted | None:
        if STATS not in version.stats:
            return None
        contents = contents_of(self._settings, self._id, version)
        return adapted_of(adapted_models(self._settings, self._id), version, contents)

    def _next_version(self, project: Project) -> str:
        """Above every number used before, even when this machine's copy of the versions was lost."""
        used = [*self._versions.names(), project.model_version or ""]
        if not self._versions.names():
            used += self._client.version_sizes(project.id)
        return version_name(1 + max((version_number(name) for name in used), default=0))


def _without_guess(version: ModelVersion, positions: Tensor) -> list[dict[str, Any]]:
    """What to import for tasks of which only the place is known. positions: int64 [n], in the queue."""
    scores = sampling.queue_scores(len(version.queue_ids))[positions].tolist()
    ids = version.queue_ids[positions].tolist()
    return [
        {"task": task_id, **prediction(version.name, score, [])}
        for task_id, score in zip(ids, scores, strict=True)
    ]
