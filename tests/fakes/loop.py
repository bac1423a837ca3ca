"""The loop's jobs, called here and now, on a fake Label Studio and a real Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from redis import Redis
from rq.registry import ScheduledJobRegistry

from backend.jobs.dispatch import Dispatcher
from backend.jobs.reconcile import reconcile
from backend.jobs.refill import refill
from backend.jobs.retrain import retrain
from backend.jobs.state import ProjectState
from backend.labelstudio.administration import Administration
from backend.settings import Settings
from backend.store.locations import project_files, version_store
from backend.store.reason import AUDIT
from backend.store.served import ServedHeads
from backend.store.versions import VersionStore
from tests.fakes.label_studio import FakeLabelStudio, choice
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json

KINDS = (("disaster", "storm flood quake fire"), ("other", "tea book song game"))
"""Labels, and words that only their texts have."""


def texts(count: int) -> list[str]:
    """Of the two kinds in turn, no two alike."""
    words = [kind.split() for _, kind in KINDS]
    return [f"{words[i % 2][i // 2 % 4]} {words[i % 2][i // 8 % 4]} number {i}" for i in range(count)]


def label_of(text: str) -> str:
    """The label of one of `texts`."""
    return next(label for label, words in KINDS if text.split()[0] in words)


@dataclass
class Loop:
    """`set` changes settings as the environment would."""

    fake: FakeLabelStudio
    redis: Redis
    environment: pytest.MonkeyPatch
    clients: list[Administration] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings()

    def set(self, **settings: Any) -> None:
        for name, value in settings.items():
            self.environment.setenv(name.upper(), str(value))

    @property
    def client(self) -> Administration:
        if not self.clients:
            self.clients.append(Administration.from_settings(self.settings))  # type: ignore[arg-type]
        return self.clients[0]

    @property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(self.redis, self.settings)

    def state(self, project: FakeProject) -> ProjectState:
        return ProjectState(self.redis, project.id)

    def versions(self, project: FakeProject) -> VersionStore:
        return version_store(self.settings, project.id)

    def create(self, count: int, *, labeled: int = 0, **settings: Any) -> FakeProject:
        """A project of `texts` made some hours ago, the first few of which have their label."""
        project = self.fake.create(texts(count), **settings)
        for task in list(project.tasks)[:labeled]:
            self.label(project, task)
        self.fake.spread(project.id)
        return project

    def label(self, project: FakeProject, task: int, label: str | None = None, user: int = 1) -> Json:
        """An annotation, and the webhook's note of it; the label that fits the text unless told."""
        right = label or label_of(project.tasks[task]["data"]["text"])
        told = self.fake.annotate(project.id, task, [choice(right)], user=user)
        self.state(project).note_changes(1)
        return told

    def retrain(self, project: FakeProject) -> dict[str, Any]:
        return retrain(project.id)

    def refill(self, project: FakeProject) -> dict[str, Any]:
        return refill(project.id)

    def reconcile(self, project: FakeProject) -> str:
        return reconcile()[str(project.id)]

    def queue(self, project: FakeProject) -> list[int]:
        """The tasks as Label Studio serves them, without those that have no prediction of its version."""
        current = project.settings["model_version"]
        scored = {each["task"] for each in project.predictions if each["model_version"] == current}
        return [task for task in project.queue(user=1) if task in scored]

    def drawn(self, project: FakeProject) -> set[int]:
        """Tasks of the queue's head that were drawn at random."""
        files = project_files(self.settings, project.id)
        served = ServedHeads(files).read(project.settings["model_version"]) or {}
        return {task for task, reason in served.items() if reason.how == AUDIT}

    def jobs(self) -> set[str]:
        """Ids of the jobs that wait, for a worker or for their time."""
        dispatcher = self.dispatcher
        queues = (dispatcher.queue, dispatcher.upkeep, dispatcher.tuning, dispatcher.encoding)
        return {
            each
            for queue in queues
            for each in (*queue.get_job_ids(), *ScheduledJobRegistry(queue=queue).get_job_ids())
        }
