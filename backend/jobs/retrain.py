"""The retrain: pull, make a version of what was pulled, publish it."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from redis import Redis

from backend.controls.any_config import parse_config
from backend.controls.scheme import LabelScheme
from backend.errors import LabelConfigError, NotFound
from backend.jobs.answered import answered
from backend.jobs.choosing import Lesson, hand_out, is_choice_due
from backend.jobs.completing import Made
from backend.jobs.dispatch import Dispatcher
from backend.jobs.encode_pool import Pool
from backend.jobs.encoding import note_pool
from backend.jobs.figures import keep_figures
from backend.jobs.first_order import seconds_to_pull, unread
from backend.jobs.front import note_published
from backend.jobs.head import switch
from backend.jobs.job_settings import job_settings
from backend.jobs.keep_history import complete_history, keep_history
from backend.jobs.laps import Laps
from backend.jobs.lock import ProjectLock
from backend.jobs.make_version import VersionMaker
from backend.jobs.outdated import outdated
from backend.jobs.pinning import is_held
from backend.jobs.project_tabs import are_tabs_wanted
from backend.jobs.pull import pull
from backend.jobs.recording import record_labels
from backend.jobs.state import ProjectState
from backend.jobs.summary import in_words
from backend.jobs.tuning_due import digest_in, is_due
from backend.jobs.version_stats import settings_told
from backend.jobs.weighing import weights_for
from backend.jobs.wished import take_over
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.connection import Wishes
from backend.labelstudio.project import Project
from backend.labelstudio.publishing import HeadChanged, import_head
from backend.settings import Settings
from backend.store.chosen_settings import settings_of
from backend.store.features import AtHand, FeatureCache
from backend.store.leftovers import sweep
from backend.store.locations import adapted_models, features_of, project_files, version_store
from backend.store.model_version import ModelVersion
from backend.store.paths import exclusive, project_dir
from backend.store.served import ServedHeads
from backend.store.tasks import StoredTask
from backend.store.wanted_first import WantedFirst

logger = logging.getLogger(__name__)

NO_PROJECT = "Label Studio has no such project, or hides it from our user"
UNCHANGED = "the annotations changed nothing that is learned; the queue is brought up to date"
PUBLISH_ATTEMPTS = 3
"""Tasks may be deleted between the pull and the import; then both are done again."""


def retrain(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns what was done, as JSON."""
    settings = settings_of(job_settings(), project_id)
    with Redis.from_url(settings.redis_url) as redis:
        state, dispatcher = ProjectState(redis, project_id), Dispatcher(redis, settings)
        with ProjectLock(redis, project_id, settings.worker_lost_after).held() as lock:
            state.begin_try()
            with LabelStudioClient.from_settings(settings) as client:
                sweep(project_dir(settings.data_dir, project_id))
                complete_history(settings, project_id)
                work = Retrain(settings, client, state, project_id, lock)
                try:
                    result = work.run()
                finally:
                    if work.pool is not None:
                        note_pool(dispatcher, project_id, work.pool)
                state.retrained(work.seen)
                keep_history(settings, project_id, result)
        if work.is_to_be_made_of_all:
            dispatcher.demand_retrain(project_id)
        if result["published"]:
            dispatcher.request_clearing(project_id)
            if are_tabs_wanted(project_files(settings, project_id)):
                dispatcher.request_study(project_id)
            if state.wraps is not None:
                dispatcher.request_wrapped_pull(project_id)
                dispatcher.request_forwarding(project_id)
            if work.wants_fine_tuning:
                dispatcher.request_fine_tune(project_id)
            if work.lesson is not None and is_choice_due(settings, project_id, work.lesson):
                hand_out(settings, dispatcher, project_id, work.lesson)
        # Used up meanwhile; an older version goes on serving, or is what would be made; clusters to mark;
        # tasks are wanted first, or no longer.
        older_serves = not result["published"] and "model_version" in result
        clusters = result["published"] and settings.queue_clusters
        front = work.front_changed
        if state.head_is_low or older_serves or clusters or front or result.get("reason") == UNCHANGED:
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
        self.wants_fine_tuning = False
        """Whether the version that was published has labels enough, or enough more, to adapt layers to."""
        self.front_changed = False
        """Whether other tasks are wanted first by now than the published version has in front."""
        self._laps = Laps()
        self._maker = VersionMaker(settings, client, state, project_id, self._versions, self._laps)

    @property
    def pool(self) -> Pool | None:
        """The tasks' texts as far as they were encoded; None where it did not come to that."""
        return self._maker.pool

    @property
    def is_to_be_made_of_all(self) -> bool:
        """Whether this was a first order of a part of the tasks."""
        return self._maker.unread > 0

    @property
    def lesson(self) -> Lesson | None:
        """What was trained on; None where there were too few labels."""
        return self._maker.lesson

    def run(self) -> dict[str, Any]:
        for attempt in range(1, PUBLISH_ATTEMPTS + 1):
            try:
                return self._run()
            except HeadChanged as error:
                logger.warning("%s (attempt %d of %d)", error, attempt, PUBLISH_ATTEMPTS)
                if attempt == PUBLISH_ATTEMPTS:
                    raise
            except NotFound:
                return _nothing(NO_PROJECT)
            except LabelConfigError as error:
                if self._state.wraps is None and self._heed(self._client.wishes(self._id)):
                    continue  # what cannot be learned here another ML backend may answer
                return _nothing(str(error))
        raise AssertionError("unreachable")

    def _run(self) -> dict[str, Any]:
        may_rest = self._state.annotations_alone
        self.seen = self._state.changes
        project = self._client.project(self._id, counted=False)
        wraps = self._state.wraps is not None
        scheme, tasks, at_hand = self._pull(project, wraps)
        if not tasks:
            return _nothing("the project has no tasks")
        scheme = answered(scheme, tasks, wraps)
        if may_rest and self._is_up_to_date(scheme, tasks) and not self._heed(self._client.wishes(self._id)):
            # Under the last version's numbers, which hold: who asks what is learned is answered.
            return {**self._versions.stats(self._versions.names()[-1]), **_nothing(UNCHANGED)}
        made, wishes = self._make(project, scheme, tasks, at_hand)
        version, published = self._publish(project, made, wishes)
        self._look_at(version, published)
        return {
            "published": published and bool(made.head.predictions),
            "model_version": version.name,
            "head": len(made.head.predictions),
            **version.stats,
            "seconds": self._laps.seconds,
        }

    def _pull(self, project: Project, wraps: bool) -> tuple[LabelScheme, list[StoredTask], AtHand | None]:
        """What is asked, the tasks, the vectors at hand. The maker is told the strategy and the weights."""
        self._state.label_config = project.label_config
        self._maker.strategy = self._state.strategy or self._settings.strategy
        scheme = parse_config(project.label_config, self._settings.queue_controls, wraps=wraps)
        self._maker.weights = weights_for(self._settings, scheme, self._state.weights)
        with ThreadPoolExecutor(1) as beside:
            at_hand = beside.submit(self._kept, scheme)  # while Label Studio takes its time
            has_order = bool(self._versions.names())
            seconds = seconds_to_pull(has_order=has_order)
            tasks = pull(self._client, project, scheme, self._directory, self._maker.fields, seconds)
            self._maker.unread = unread(project, len(tasks), has_order=has_order)
            found = scheme, tasks, at_hand.result()
        record_labels(project_files(self._settings, self._id), self._versions, tasks)
        self._laps.end("pull")
        return found

    def _make(
        self, project: Project, scheme: LabelScheme, tasks: list[StoredTask], at_hand: AtHand | None
    ) -> tuple[Made, Wishes]:
        """A version with its head, and what the project's connection asks for, read meanwhile."""
        with ThreadPoolExecutor(1) as beside:
            # Reconcile looks only now and then, but a hold put on before an annotation is to count at once.
            asked = beside.submit(self._client.wishes, self._id)  # takes its time, though not ours
            made = self._maker.make(project, scheme, tasks, at_hand)
            wishes = asked.result()
            self._heed(wishes)
        return made, wishes

    def _look_at(self, version: ModelVersion, published: bool) -> None:
        """Keeps the figures that its page shows; finds whether layers are to be adapted to its labels."""
        if self._maker.learned is not None:
            keep_figures(self._settings, self._id, version.name, self._maker.learned)
        models = adapted_models(self._settings, self._id)
        self.wants_fine_tuning = published and is_due(self._settings, models, version)

    def _heed(self, wishes: Wishes) -> bool:
        """Returns whether another order is asked for: then a version of the one before is not the last."""
        if take_over(self._state, wishes) is None:
            return False
        self._state.note_changes(1)
        self._state.want_version()
        return True

    def _is_up_to_date(self, scheme: LabelScheme, tasks: list[StoredTask]) -> bool:
        """Whether the newest version is what would be made now, and serves."""
        if outdated(self._versions, scheme, tasks) is not None:
            return False
        newest = self._versions.names()[-1]
        stats = self._versions.stats(newest)
        same_settings = stats.get("settings") == settings_told(self._settings)
        is_served = newest == self._versions.published() or is_held(self._versions, self._state, scheme)
        return is_served and same_settings and stats.get("strategy") == self._maker.strategy

    def _publish(self, project: Project, made: Made, wishes: Wishes) -> tuple[ModelVersion, bool]:
        """The whole version, which is kept, and whether it serves: not where another one is to stay. While
        nobody else changes what Label Studio orders by.

        wishes: of the connections as they were shortly before."""
        with exclusive(self._directory, "publish"), ThreadPoolExecutor(1) as beside:
            importing = None
            if not is_held(self._versions, self._state, made.version.scheme):
                self._lock.check()
                head = self._client, project, made.version.name, made.head.predictions
                importing = beside.submit(import_head, *head)
            version = made.completed()  # while Label Studio takes its time
            self._keep(version)
            self._laps.end("save")
            if importing is None:
                return version, False
            importing.result()
            if made.head.predictions:
                self._laps.end("import")
            if is_held(self._versions, self._state, version.scheme):  # pinned from another machine
                return version, False
            if wishes.are_several and self._client.wishes(self._id).lacks_any_of(wishes.addresses):
                return version, False  # it may be ours that is gone: the order is the other backend's then
            self._lock.check()
            self._serve(project, made, version)
            return version, True

    def _serve(self, project: Project, made: Made, version: ModelVersion) -> None:
        """By the whole version, whose head Label Studio has."""
        files = project_files(self._settings, self._id)
        # Before anybody can be served by it.
        ServedHeads(files).write(version.name, made.head.reasons(version))
        # Before the switch, which comes back as a webhook at once: it must find what it tells of.
        self._versions.set_published(version.name)
        if made.head.predictions:
            switch(self._client, project, version.name, blind=self._settings.blind)
            self._laps.end("switch")
        head, waiting = self._settings.queue_head, version.stats["waiting"]
        self._state.refill_at(self.seen + max(1, head // 2) if waiting > head else None)
        ranked = set(version.queue_ids.tolist())
        self.front_changed = note_published(WantedFirst(files), made.head.front, ranked)

    def _keep(self, version: ModelVersion) -> None:
        """And forget the oldest: also where its publication fails, which is tried again with another one."""
        self._versions.save(version)
        used = self._versions.prune(self._settings.keep_versions)
        wanted = {self.pool.wanted} if self.pool is not None else set()
        self._features(version.scheme).forget_all_but(used | wanted)
        kept = (digest_in(self._versions.stats(name)) for name in self._versions.names())
        adapted_models(self._settings, self._id).forget_all_but(filter(None, kept))

    def _kept(self, scheme: LabelScheme) -> AtHand | None:
        return None if scheme.source.is_fetched else self._features(scheme).read()

    def _features(self, scheme: LabelScheme) -> FeatureCache:
        # Of other texts needs another encoder.
        return features_of(self._settings, self._id, scheme.source)


def _nothing(reason: str) -> dict[str, Any]:
    return {"published": False, "reason": reason}
