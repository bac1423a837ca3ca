"""The retrain: pull, encode, train, rank, publish."""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

import numpy as np
import torch
from redis import Redis
from torch import Tensor

from backend import sampling
from backend.copied import falling_to_the_end, seen_before, with_given
from backend.errors import DamagedFile, LabelConfigError, NotFound
from backend.guessing import outputs_of, regions
from backend.jobs.dispatch import Dispatcher
from backend.jobs.head import head_of, switch
from backend.jobs.lock import ProjectLock
from backend.jobs.pinning import is_held
from backend.jobs.pull import pull
from backend.jobs.state import ProjectState
from backend.jobs.taught import labeled as labeled_of
from backend.jobs.taught import scores, taught
from backend.jobs.told import in_words
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.impossible import without_impossible
from backend.labelstudio.label_config import parse_label_config
from backend.labelstudio.project import Project
from backend.labelstudio.publishing import HeadChanged, import_head, prediction
from backend.labelstudio.scheme import LabelScheme
from backend.labelstudio.suggestions import others_version, said_of, with_suggestions
from backend.labelstudio.survey import doubts
from backend.learning.network import LayeredNetwork
from backend.learning.training import Trained, train, train_choices, train_network
from backend.settings import Settings
from backend.store.features import AtHand, FeatureCache
from backend.store.leftovers import sweep
from backend.store.paths import exclusive, project_dir
from backend.store.places import feature_cache, version_store
from backend.store.tasks import StoredTask, fingerprint
from backend.store.versions import ModelVersion, version_name, version_number

logger = logging.getLogger(__name__)

GONE = "Label Studio has no such project, or hides it from our user"
PUBLISH_ATTEMPTS = 3
"""Tasks may be deleted between the pull and the import; then both are done again."""
HANDED_OUT = 20
"""Tasks at the front of the last queue that may be before annotators while the next one is published."""


def retrain(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns what was done, as JSON."""
    settings = Settings()
    if settings.torch_threads:
        torch.set_num_threads(settings.torch_threads)
    with Redis.from_url(settings.redis_url) as redis:
        state, dispatcher = ProjectState(redis, project_id), Dispatcher(redis, settings)
        with ProjectLock(redis, project_id, settings.worker_lost_after).held() as lock:
            state.begin_try()
            client = LabelStudioClient.from_settings(settings)
            sweep(project_dir(settings.data_dir, project_id))
            work = Retrain(settings, client, state, project_id, lock)
            result = work.run()
            state.retrained(work.seen)
        if result["published"]:
            dispatcher.request_clearing(project_id)
        # Used up meanwhile; an older version goes on serving; or there are clusters to mark.
        older_serves = not result["published"] and "model_version" in result
        clusters = result["published"] and settings.queue_clusters
        if state.head_is_low or older_serves or clusters:
            dispatcher.request_refill(project_id)
    logger.info("%s", in_words(result))
    return result


class Retrain:
    """One retrain of one project."""

    def __init__(
        self,
        settings: Settings,
        client: LabelStudioClient,
        state: ProjectState,
        project_id: int,
        lock: ProjectLock,
    ):
        self._settings = settings
        self._lock = lock
        self._client = client
        self._state = state
        self._id = project_id
        self._directory = project_dir(settings.data_dir, project_id)
        self._versions = version_store(settings, project_id)
        self.seen = 0
        """Changes that Label Studio had told of before the pull: later ones may or may not be in it."""
        self._started = time.monotonic()
        self._seconds: dict[str, float] = {}

    def run(self) -> dict[str, Any]:
        for attempt in range(1, PUBLISH_ATTEMPTS + 1):
            try:
                return self._run()
            except HeadChanged as error:
                logger.warning("%s (attempt %d of %d)", error, attempt, PUBLISH_ATTEMPTS)
                if attempt == PUBLISH_ATTEMPTS:
                    raise
            except NotFound:
                return _nothing(GONE)
            except LabelConfigError as error:
                return _nothing(str(error))
        raise AssertionError("unreachable")

    def _run(self) -> dict[str, Any]:
        self.seen = self._state.changes
        project = self._client.project(self._id, counted=False)
        self._state.label_config = project.label_config
        scheme = parse_label_config(project.label_config, self._settings.queue_control)
        with ThreadPoolExecutor(1) as beside:
            encoder = beside.submit(self._features(scheme).read)  # while Label Studio takes its time
            tasks = pull(self._client, project, scheme, self._directory)
            at_hand = encoder.result()
        self._lap("pull")
        if not tasks:
            return _nothing("the project has no tasks")
        given = {scheme.from_name: [task.target for task in tasks if task.target]}
        for companion in scheme.companions:
            given[companion.from_name] = [
                task.others[companion.from_name] for task in tasks if companion.from_name in task.others
            ]
        scheme = scheme.with_labels(given)
        with ThreadPoolExecutor(1) as beside:
            # Reconcile looks only now and then, but a hold put on before an annotation is to count at once.
            asked = beside.submit(self._client.wishes, self._id)  # takes its time, though not ours
            version, predictions = self._learn(project, scheme, tasks, at_hand)
            self._versions.save(version)
            self._lap("save")
            self._state.held_by_label_studio = not asked.result().updates
        published = self._publish(project, version, predictions)
        return {
            "published": published and bool(predictions),
            "model_version": version.name,
            "head": len(predictions),
            **version.stats,
            "seconds": self._seconds,
        }

    def _publish(self, project: Project, version: ModelVersion, predictions: list[dict[str, Any]]) -> bool:
        """Unless another version is to stay. While nobody else changes what Label Studio orders by."""
        with exclusive(self._directory, "publish"):
            # First: a publication that fails is tried again, with another version each time.
            self._features(version.scheme).forget_all_but(self._versions.prune(self._settings.keep_versions))
            if is_held(self._versions, self._state, version.scheme):
                return False
            self._lock.check()
            if predictions:
                import_head(self._client, project, version.name, predictions)
                self._lap("import")
            if is_held(self._versions, self._state, version.scheme):  # pinned from another machine
                return False
            self._lock.check()
            # Before the switch, which comes back as a webhook at once: it must find what it tells of.
            self._versions.set_published(version.name)
            if predictions:
                switch(self._client, project, version.name, blind=self._settings.blind)
                self._lap("switch")
            head, waiting = self._settings.queue_head, version.stats["waiting"]
            self._state.refill_at(self.seen + max(1, head // 2) if waiting > head else None)
            return True

    def _learn(
        self, project: Project, scheme: LabelScheme, tasks: list[StoredTask], at_hand: AtHand | None
    ) -> tuple[ModelVersion, list[dict[str, Any]]]:
        """The new version, and the predictions for the head of its queue."""
        features, encoder = self._features(scheme).encode([task.text for task in tasks], at_hand)
        self._lap("encode")
        copies, labeled, targets, own = taught(scheme, tasks, features)
        waits = np.array([task.waits for task in tasks])
        waiting = np.flatnonzero(waits & ~copies.behind).tolist()
        behind = np.flatnonzero(copies.behind).tolist()
        together = torch.from_numpy(copies.group[labeled])
        trained = self._train(features[labeled], targets, len(scheme.labels), together)
        choices = self._train_choices(scheme, features[labeled], targets)
        companions = self._train_companions(scheme, tasks, features)
        self._lap("train")

        scene = sampling.make_scene(
            features[waiting],
            features[labeled],
            targets,
            n_classes=len(scheme.labels),
            seed=self._settings.seed,
            device=self._settings.device,
            trained=trained,
        )
        strategy = self._state.strategy or self._settings.strategy
        ranking = sampling.rank_scene(strategy, scene, self._settings.queue_head)
        self._lap("rank")
        queue = torch.cat(
            [torch.tensor(waiting, dtype=torch.int64)[ranking.order], torch.tensor(behind).long()]
        )
        known_keys, known_labels = copies.known(waits)
        answers = Counter(answer for task in tasks for answer in task.unknown)
        theirs = None if trained is not None else self._suggestions(project)
        version = ModelVersion(
            name=self._next_version(project),
            scheme=scheme,
            strategy=strategy,
            encoder=encoder,
            network=None if trained is None else trained.network.cpu(),
            head=ranking.head,
            queue_ids=torch.tensor([tasks[i].id for i in queue.tolist()], dtype=torch.int64),
            queue_worth=falling_to_the_end(ranking, len(behind)),
            stats={
                "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "fingerprint": fingerprint(tasks),
                "tasks": len(tasks),
                "newest_task": tasks[-1].id,
                "waiting": len(queue),
                "copies": len(behind),
                "trained_on": own if trained is not None else 0,
                "labels": dict(Counter(scheme.labels[target] for target in targets[:own].tolist())),
                "strategy": strategy,
                "settings": self._settings.model_dump(include={"folds", "seed", "device", "queue_head"}),
                "suggestions": theirs,
                "notes": [
                    *ranking.notes,
                    *doubts([task.text for task in tasks], answers, scheme),
                    *([] if theirs is None else [said_of(theirs)]),
                ],
                **({} if trained is None else scores(trained, targets, scene)),
            },
            companions=companions,
            choices=choices,
            error_head=None if trained is None else scene.error_head,
            known_keys=known_keys,
            known_labels=known_labels,
        )
        places = self._to_publish(project, version.queue_ids.tolist(), tasks)
        rows = queue[places]
        texts = [tasks[i].text for i in rows.tolist()]
        predictions = self._predictions(version, places, features[rows], texts)
        predictions = without_impossible(scheme, predictions, (tasks[i].offered for i in rows.tolist()))
        return version, with_suggestions(self._client, project, theirs, predictions)

    def _suggestions(self, project: Project) -> str | None:
        """The version of another model's that is shown until there is a model of ours."""
        before = self._versions.names()[-1:]
        known = self._versions.stats(before[0]).get("suggestions") if before else None
        return others_version(self._client, project, known)

    def _features(self, scheme: LabelScheme) -> FeatureCache:
        # Of other texts needs another encoder.
        return feature_cache(self._settings, self._id, scheme.content.about)

    def _to_publish(self, project: Project, queue: list[int], tasks: list[StoredTask]) -> Tensor:
        """Which places of a queue of task ids to publish: the head, and what annotators may have before them.

        Label Studio sticks to a task it has handed out, or is handing out while the version changes, and
        without a prediction of the new version it would come without a pre-annotation.
        """
        place_of = {task: place for place, task in enumerate(queue)}
        touched = {task.id for task in tasks if task.touched}
        head = head_of(queue, self._settings.queue_head, touched, self._client.served_first(project))
        handed_out = [task for task in self._front() if task in place_of and task not in touched][:HANDED_OUT]
        chosen = sorted(place_of[task] for task in {*head, *handed_out})
        return torch.tensor(chosen, dtype=torch.int64)

    def _front(self) -> list[int]:
        """The queue of the published version; [] where there is none to read."""
        before = self._versions.published()
        try:
            return [] if before is None else self._versions.load(before).queue_ids.tolist()
        except DamagedFile:
            return []

    def _train_companions(
        self, scheme: LabelScheme, tasks: list[StoredTask], features: Tensor
    ) -> tuple[tuple[LabelScheme, LayeredNetwork], ...]:
        """A network each for the other controls with labels of two classes. No head needs their verdicts."""
        made = []
        for companion in scheme.companions:
            name = companion.from_name
            labeled, targets = labeled_of(companion, [task.others.get(name) for task in tasks])
            if len(targets.unique()) > 1:
                seed, device = self._settings.seed, self._settings.device
                network = self._train_choices(companion, features[labeled], targets) or train_network(
                    features[labeled], targets, len(companion.labels), seed=seed, device=device
                )
                made.append((companion, network.cpu()))
        return tuple(made)

    def _train_choices(self, scheme: LabelScheme, features: Tensor, targets: Tensor) -> LayeredNetwork | None:
        """How likely each choice is; None where only one may be given, or there is one class of them."""
        if not scheme.several or len(targets.unique()) < 2:
            return None
        given = torch.from_numpy(scheme.membership())[targets]
        return train_choices(features, given, seed=self._settings.seed, device=self._settings.device).cpu()

    def _train(self, features: Tensor, targets: Tensor, n_classes: int, together: Tensor) -> Trained | None:
        """None while there are labels of fewer than two classes."""
        if len(targets.unique()) < 2:
            return None
        return train(
            features,
            targets,
            n_classes,
            folds=self._settings.folds,
            together=together,
            seed=self._settings.seed,
            device=self._settings.device,
        )

    def _predictions(
        self, version: ModelVersion, places: Tensor, features: Tensor, texts: list[str]
    ) -> list[dict[str, Any]]:
        """What to import for these places of the version's queue, int64 [n]; features: float [n, D]."""
        scores = sampling.places(len(version.queue_ids))[places].tolist()
        ids = version.queue_ids[places].tolist()
        said, sure = outputs_of(version, features), self._settings.show_guess_from
        guesses = regions(version, said, len(features), shown_from=sure)
        guesses = with_given(version, seen_before(version, texts), guesses)
        return [
            {"task": task_id, **prediction(version.name, score, shown)}
            for task_id, score, shown in zip(ids, scores, guesses, strict=True)
        ]

    def _next_version(self, project: Project) -> str:
        """Above every number used before, even when this machine's copy of the versions was lost."""
        used = [*self._versions.names(), project.model_version or ""]
        if not self._versions.names():
            used += self._client.version_sizes(project.id)
        return version_name(1 + max((version_number(name) for name in used), default=0))

    def _lap(self, stage: str) -> None:
        now = time.monotonic()
        self._seconds[stage] = round(now - self._started, 3)
        self._started = now


def _nothing(reason: str) -> dict[str, Any]:
    return {"published": False, "reason": reason}
