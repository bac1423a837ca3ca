"""Make a version of the tasks that were pulled: encode, train, rank, and predict the head of its queue."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from backend import sampling
from backend.adapting import STATS
from backend.combining import combining
from backend.controls.regions import RegionControl
from backend.controls.scheme import LabelScheme
from backend.controls.weights import shares_of
from backend.copied import falling_to_the_end
from backend.fields import condition_in, fields_in
from backend.jobs.auditing import Audits, audited, audits_of
from backend.jobs.choosing import Lesson
from backend.jobs.completing import Made
from backend.jobs.encode_pool import Pool, encode_pool
from backend.jobs.first_order import notes_on_unread
from backend.jobs.head_made import Head
from backend.jobs.image_pairs import pool_of_several
from backend.jobs.image_pool import ProjectImages
from backend.jobs.kept_copies import KeptCopies
from backend.jobs.laps import Laps
from backend.jobs.learned import AllLearned, learn
from backend.jobs.learners.base import Asked, Learned
from backend.jobs.material import Material, material_of
from backend.jobs.orders import Orders, ordered
from backend.jobs.ranking_on_adapted import OnAdapted
from backend.jobs.shifting import notes_on, target_of
from backend.jobs.state import ProjectState
from backend.jobs.tuning_due import are_views_wanted, digest_in, kept_views, taken_over
from backend.jobs.version_stats import VersionStats
from backend.jobs.word_pool import with_words
from backend.jobs.wrapped_head import WrappedHead
from backend.jobs.wrapped_heard import heard_of
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.labelstudio.suggestions import others_version
from backend.sampling.batches import labelled_at_once
from backend.settings import Settings
from backend.store.features import AtHand
from backend.store.image_maps import maps_for
from backend.store.locations import adapted_models, features_of, project_files
from backend.store.model_version import ModelVersion, version_name, version_number
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask
from backend.store.versions import VersionStore
from backend.store.words import words_of_project
from backend.why import origin_of


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
        self.learned: AllLearned | None = None
        """What the version last made is of."""
        self.lesson: Lesson | None = None
        """What its network was trained on; None where there were too few labels for one, and of images."""
        self.strategy = settings.strategy
        """Of the version that is made next, and of all that is read for it."""
        self.unread = 0
        """Tasks of the project that it is made without."""
        self.weights = settings.weights
        """Of the controls that order its queue, by name."""

    @property
    def fields(self) -> set[str]:
        """Those of the tasks' data that the order of the queue needs."""
        condition = condition_in(self._settings.target_domain)
        return {*fields_in(self.strategy), *([] if condition is None else [condition.field])}

    def make(
        self, project: Project, scheme: LabelScheme, tasks: list[StoredTask], at_hand: AtHand | None
    ) -> Made:
        """tasks: all of the project, by rising id."""
        pool = self.pool = self._encoded(scheme, tasks, at_hand)
        self._laps.end("encode")
        heard = None
        if self._state.wraps is not None:
            since = WrappedState(self._state.redis, self._id).since
            heard = heard_of(self._settings, self._id, tasks, since)
        audits = audits_of(project_files(self._settings, self._id), tasks)
        kept = KeptCopies(project_dir(self._settings.data_dir, self._id))
        material = material_of(scheme, tasks, pool, self._settings.seed, kept, heard, audits.tasks)
        shares = shares_of(scheme, self.weights)
        learned = learn(self._settings, material, shares)
        self.learned, self.lesson = learned, learned.main.lesson()
        self._laps.end("train")
        before, waiting = self._stats_before(), [material.tasks[i] for i in material.waiting]
        target = target_of(self._settings.target_domain, waiting, tasks, before)
        adapted = self._taken_over(material, learned.main.is_trained)
        on_adapted = self._on_adapted(scheme, adapted)
        rank = partial(self._ranked, material, target, on_adapted)
        orders = ordered(learned.main, learned.others, shares, self._settings.queue_head, rank)
        touched = {task.id for task in tasks if task.touched}
        orders, silent = self._audited(orders, material, touched, audits)
        estimated = learned.main.estimated(orders.each[0].scene, audits.tasks)
        self._laps.end("rank")
        wrapped = WrappedHead.of(self._settings, self._state, self._client, project)
        stats = adapted | self._shown(project, learned.main.is_trained, wrapped)
        stats |= {} if on_adapted is None else on_adapted.told
        name = self._next_version(project)
        version, queue = self._version(name, material, learned, orders, silent, stats)
        if estimated is not None:
            version = replace(version, error_head=estimated.error_head)
        head = Head(self._settings, self._client, project, self._versions, wrapped)
        made = head.of(version, queue, material, touched)
        told = VersionStats(self._settings, self.strategy, material, learned.main, orders, estimated, before)
        notes = notes_on_unread(len(tasks), self.unread) + notes_on(self._settings.target_domain, target)
        return Made(version, made, told, notes)

    def _stats_before(self) -> dict[str, Any]:
        """Of the version before, {} for the first."""
        last = self._versions.names()[-1:]
        return self._versions.stats(last[0]) if last else {}

    def _ranked(
        self,
        material: Material,
        target: Tensor | None,
        on_adapted: OnAdapted | None,
        learned: Learned,
        share: float,
    ) -> tuple[sampling.Scene, sampling.Ranking]:
        """target: see `Scene`; on_adapted: has what the main control's answers are ranked on; share: of
        what is labelled between two rankings, in (0, 1]."""
        strategy = self.strategy
        fields = {name: [task.fields.get(name) for task in material.tasks] for name in fields_in(strategy)}
        batch = math.ceil(share * labelled_at_once(self._settings.retrain_every))
        scene, head = learned.scene(Asked(batch, target, fields)), self._settings.queue_head
        ranking = sampling.rank_scene(strategy, scene, head)
        if on_adapted is not None and learned.control == material.scheme.main:
            ranking = on_adapted.ranking(strategy, learned, material, scene, ranking, head)
        return scene, ranking

    def _on_adapted(self, scheme: LabelScheme, adapted: dict[str, Any]) -> OnAdapted | None:
        """adapted: of `_taken_over`. None where the order is of frozen vectors."""
        digest = digest_in(adapted)
        if digest is None or not are_views_wanted(self._settings, scheme.main):
            return None
        kept = kept_views(self._settings, self._id, digest)
        return None if kept is None else OnAdapted(kept)

    def _audited(
        self, orders: Orders, material: Material, touched: set[int], audits: Audits
    ) -> tuple[Orders, Tensor]:
        """With audits in the one order, and which of its places carry no guess."""
        ids = [material.tasks[i].id for i in material.waiting]
        one, silent = audited(self._settings, orders.one, ids, touched, audits)
        return orders._replace(one=one), silent

    def _version(
        self,
        name: str,
        material: Material,
        learned: AllLearned,
        orders: Orders,
        silent: Tensor,
        stats: dict[str, Any],
    ) -> tuple[ModelVersion, Tensor]:
        """With what its head depends on, stats too; and its queue as rows of the material's tasks, int64 [n],
        without those that have no vectors."""
        ranking, scene = orders.one.ranking, orders.each[0].scene
        waiting, behind, later = material.waiting, material.behind, material.later
        ranked = torch.tensor(waiting, dtype=torch.int64)[ranking.order]
        queue = torch.cat([ranked, torch.tensor(behind).long()])
        ids = [*(material.tasks[i].id for i in queue.tolist()), *later]
        known_keys, known_labels = material.copies.known(material.waits)
        names = [each.name for each in orders.each]
        version = ModelVersion(
            name=name,
            scheme=material.scheme,
            strategy=self.strategy,
            encoder=material.pool.encoder,
            models=learned.models,
            scorer_head=ranking.scorer_head,
            queue_ids=torch.tensor(ids, dtype=torch.int64),
            queue_worth=falling_to_the_end(ranking, len(behind) + len(later)),
            stats=stats,
            error_head=scene.error_head if learned.main.is_trained else None,
            known_keys=known_keys,
            known_labels=known_labels,
            known_answers=material.first.kept_answers(material.scheme.main),
            unit_encoder=material.pool.unit_encoder,
            origin=origin_of(orders.one, len(behind), names, silent),
            orders=tuple(each.kept() for each in orders.each) if len(names) > 1 else (),
        )
        return version, queue

    def _encoded(self, scheme: LabelScheme, tasks: list[StoredTask], at_hand: AtHand | None) -> Pool:
        if scheme.source.is_fetched:
            project = self._settings, self._state.redis, self._client, self._id
            images = ProjectImages(*project, None if self._state.wraps else maps_for(scheme))
            if (several := combining(scheme.source)) is not None:
                return pool_of_several(images, tasks, self._settings.seed, *several)
            return images.pool(tasks, self._settings.seed)
        before, settings = self._versions.names()[-1:], self._settings
        texts = [task.text for task in tasks]
        first = [i for i, task in enumerate(tasks) if task.target is not None]
        pool = encode_pool(
            features_of(settings, self._id, scheme.source),
            texts,
            first,
            settings.encode_within,
            serving=self._versions.encoder(before[0]) if before else None,
            at_hand=at_hand,
            seed=settings.seed,
        )
        marks_parts = any(isinstance(control, RegionControl) for control in scheme.controls)
        if self._state.wraps is not None or not marks_parts:  # whose answers need no words of ours
            return pool
        words = words_of_project(settings, self._id)
        return with_words(pool, texts, first, words, settings.encode_within, seed=settings.seed)

    def _shown(self, project: Project, is_trained: bool, wrapped: WrappedHead | None) -> dict[str, Any]:
        """For a version's stats, whose guesses its head shows where they are not its own: those of another
        model's version, of a wrapped backend."""
        stats: dict[str, Any] = {"suggestions": None if is_trained else self._suggestions(project)}
        if wrapped is not None:
            wrapped.begin_order()
            stats |= wrapped.told
        return stats

    def _suggestions(self, project: Project) -> str | None:
        """The version of another model's that is shown until there is a model of ours."""
        return others_version(self._client, project, self._stats_before().get("suggestions"))

    def _taken_over(self, material: Material, is_trained: bool) -> dict[str, Any]:
        """What to tell in the stats of the adapted model that a version answers by, if one does."""
        if not is_trained or material.heard is not None:  # of somebody else's model nothing is adapted
            return {}
        models, pool = adapted_models(self._settings, self._id), material.pool
        found = taken_over(self._settings, models, material.scheme, pool.encoder, pool.unit_encoder)
        return {} if found is None else {STATS: found[0].told}

    def _next_version(self, project: Project) -> str:
        """Above every number used before: also when this machine's copy of the versions was lost, and where
        another backend publishes in the same project, so that no task has two predictions of one name."""
        published = self._client.version_sizes(project.id)
        used = [*self._versions.names(), project.model_version or "", *published]
        return version_name(1 + max((version_number(name) for name in used), default=0))
