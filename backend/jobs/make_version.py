"""Make a version of the tasks that were pulled: encode, train, rank, and predict the head of its queue."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from backend import sampling
from backend.adapting import STATS
from backend.controls.scheme import LabelScheme
from backend.controls.weights import shares_of
from backend.copied import falling_to_the_end
from backend.fields import condition_in, fields_in
from backend.jobs.choosing import Lesson
from backend.jobs.encode_pool import Pool, encode_pool
from backend.jobs.head_made import Head
from backend.jobs.image_pool import ProjectImages
from backend.jobs.laps import Laps
from backend.jobs.networks import Learned, companion_models, main_model, main_network
from backend.jobs.orders import Ordered, learned_beside, one_order, ordered_beside
from backend.jobs.shifting import in_words, notes_on, shift_told, target_of
from backend.jobs.state import ProjectState
from backend.jobs.taught import scores, taught
from backend.jobs.tuning_due import taken_over
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.labelstudio.suggestions import others_version, said_of
from backend.labelstudio.survey import doubts
from backend.learning.domain_head import DomainHead
from backend.sampling.application import application_head
from backend.sampling.batches import labelled_at_once
from backend.settings import Settings
from backend.store.features import AtHand
from backend.store.locations import adapted_models, feature_cache
from backend.store.model_version import ModelVersion, version_name, version_number
from backend.store.reason import Reason
from backend.store.tasks import StoredTask, fingerprint
from backend.store.versions import VersionStore
from backend.why import origin_of


class Made(NamedTuple):
    """A new version, the predictions for the head of its queue, and by task why it is in there."""

    version: ModelVersion
    predictions: list[dict[str, Any]]
    reasons: dict[int, Reason]


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

    @property
    def fields(self) -> set[str]:
        """Those of the tasks' data that the order of the queue needs."""
        condition = condition_in(self._settings.target_domain)
        return {*fields_in(self._strategy), *([] if condition is None else [condition.field])}

    def make(
        self, project: Project, scheme: LabelScheme, tasks: list[StoredTask], at_hand: AtHand | None
    ) -> Made:
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
        shares = shares_of(scheme, self._settings.weights)
        others = learned_beside(
            self._settings, scheme, shares, tasks, features, torch.from_numpy(copies.group)
        )
        models = (
            *main_model(self._settings, scheme, features[labeled], targets, trained),
            *companion_models(self._settings, scheme, tasks, features, others),
        )
        self._laps.end("train")

        first = Learned(main, labeled, targets, trained)
        last, served = self._versions.names()[-1:], [tasks[i] for i in waiting]
        before = self._versions.stats(last[0]) if last else {}
        target = target_of(self._settings.target_domain, served, every, before)
        rank = partial(self._ranked, pool, tasks, waiting, target)
        scene, ranking = rank(first, shares[main.from_name])
        orders = ordered_beside(Ordered(first, shares[main.from_name], scene, ranking), others, shares, rank)
        ranking, turn = one_order(orders, self._settings.queue_head)
        names = [each.name for each in orders]
        shift = shift_told(scene, served, every, before)
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
            strategy=self._strategy,
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
                "strategy": self._strategy,
                "settings": self._settings.model_dump(include={"folds", "seed", "device", "queue_head"}),
                "suggestions": theirs,
                "notes": [
                    *pool.notes,
                    *notes_on(self._settings.target_domain, target),
                    *ranking.notes,
                    *doubts([task.text for task in every], answers, scheme),
                    *([] if theirs is None else [said_of(theirs)]),
                    *([] if shift["new_kind"] is None else [in_words(shift["new_kind"])]),
                ],
                **shift,
                **({} if trained is None else scores(trained, targets, scene)),
                **({} if trained is None else self._taken_over(scheme, pool.encoder)),
                **({} if len(orders) == 1 else {"controls": {each.name: each.told() for each in orders}}),
            },
            error_head=None if trained is None else scene.error_head,
            domain_head=None if isinstance(ranking.scorer_head, DomainHead) else application_head(scene),
            known_keys=known_keys,
            known_labels=known_labels,
            origin=origin_of(ranking, len(behind), features[waiting], self._settings.seed, names, turn),
            orders=tuple(each.kept() for each in orders) if len(orders) > 1 else (),
        )
        touched = {task.id for task in every if task.touched}
        head = Head(self._settings, self._client, project, self._versions)
        return Made(version, *head.of(version, queue, tasks, features, touched))

    @property
    def _strategy(self) -> str:
        return self._state.strategy or self._settings.strategy

    def _ranked(
        self,
        pool: Pool,
        tasks: Sequence[StoredTask],
        waiting: list[int],
        target: torch.Tensor | None,
        learned: Learned,
        share: float,
    ) -> tuple[sampling.Scene, sampling.Ranking]:
        """tasks: of the pool's rows; waiting: the rows to rank; target: see `Scene`; share: of what is
        labelled between two rankings, in (0, 1]."""
        strategy = self._strategy
        values = {name: [task.fields.get(name) for task in tasks] for name in fields_in(strategy)}
        rows = learned.rows
        scene = sampling.make_scene(
            pool.features[waiting],
            pool.features[rows],
            learned.targets,
            n_classes=len(learned.control.classes),
            batch=math.ceil(share * labelled_at_once(self._settings.retrain_every)),
            seed=self._settings.seed,
            device=self._settings.device,
            trained=learned.trained,
            blocks=pool.blocks,
            target=target,
            fields={name: ([of[i] for i in waiting], [of[i] for i in rows]) for name, of in values.items()},
        )
        return scene, sampling.rank_scene(strategy, scene, self._settings.queue_head)

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

    def _suggestions(self, project: Project) -> str | None:
        """The version of another model's that is shown until there is a model of ours."""
        before = self._versions.names()[-1:]
        known = self._versions.stats(before[0]).get("suggestions") if before else None
        return others_version(self._client, project, known)

    def _shuffled(self, ids: list[int]) -> list[int]:
        return np.random.default_rng(self._settings.seed).permutation(ids).tolist() if ids else []

    def _taken_over(self, scheme: LabelScheme, encoder: str) -> dict[str, Any]:
        """What to tell in the stats of the adapted model that a version answers by, if one does."""
        models = adapted_models(self._settings, self._id)
        found = taken_over(self._settings, models, scheme, encoder)
        return {} if found is None else {STATS: found[0].told}

    def _next_version(self, project: Project) -> str:
        """Above every number used before, even when this machine's copy of the versions was lost."""
        used = [*self._versions.names(), project.model_version or ""]
        if not self._versions.names():
            used += self._client.version_sizes(project.id)
        return version_name(1 + max((version_number(name) for name in used), default=0))
