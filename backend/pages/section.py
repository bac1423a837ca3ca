"""A part of a project's page: what it is called, what it shows, and what can be done by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Response
from redis import Redis

from backend.controls.regions import RegionControl
from backend.jobs.dispatch import Dispatcher
from backend.jobs.pull import FILE
from backend.jobs.state import ProjectState
from backend.pages.visitor import Visitor
from backend.settings import Settings
from backend.store.files import Files
from backend.store.glance import Glance
from backend.store.history import Entry, History
from backend.store.locations import project_files, version_store
from backend.store.paths import project_dir
from backend.store.study import read_study
from backend.store.tasks import TaskStore
from backend.store.versions import VersionStore


class ProjectPage:
    """What a section may ask of the project that is looked at. Made for each request; what several sections
    ask for is read once."""

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        project_id: int,
        visitor: Visitor,
        seal: str,
        query: Mapping[str, str],
    ):
        self.settings = settings
        self.dispatcher = dispatcher
        self.id = project_id
        self.visitor = visitor
        self.seal = seal
        """What the visitor's forms carry."""
        self.query = query
        """Of the address that is looked at."""

    @property
    def redis(self) -> Redis:
        return self.dispatcher.redis

    @cached_property
    def state(self) -> ProjectState:
        return self.dispatcher.state(self.id)

    @cached_property
    def files(self) -> Files:
        return project_files(self.settings, self.id)

    @cached_property
    def versions(self) -> VersionStore:
        return version_store(self.settings, self.id)

    @cached_property
    def published(self) -> str | None:
        """The name of the version that serves."""
        return self.versions.published()

    @cached_property
    def history(self) -> History:
        return History(self.files)

    @cached_property
    def past(self) -> Glance:
        """Some of all retrains there is a record of."""
        return self.history.glance()

    @cached_property
    def names(self) -> list[str]:
        """Of the versions that are kept, the oldest first."""
        return self.versions.names()

    @property
    def newest_name(self) -> str | None:
        return self.names[-1] if self.names else None

    def marks_parts(self, version: str | None) -> bool:
        """Whether it learns spans, boxes or areas, not what holds for whole items."""
        scheme = None if version is None else self.versions.scheme(version)
        return scheme is not None and isinstance(scheme.main, RegionControl)

    @cached_property
    def newest(self) -> Entry:
        """What the newest version tells of itself; {} where there is none."""
        return self.versions.stats(self.names[-1]) if self.names else {}

    @cached_property
    def study(self) -> dict[str, Any]:
        """See `read_study`. Where it knows of fewer labels than the newest version, a job makes it anew."""
        found = read_study(self.files)
        if self.newest and found.get("version") != self.newest_name and self.may_ask("study"):
            self.dispatcher.request_study(self.id)
        return found

    def may_ask(self, what: str) -> bool:
        """Whether a job may be asked for that somebody's looking wants: at most once in PAUSE seconds."""
        return bool(self.redis.set(f"atlas:project:{self.id}:asked-{what}", 1, nx=True, ex=PAUSE))

    def named(self, annotator: str) -> str:
        """What an annotator is called."""
        known = self.study.get("names", {}).get(annotator)
        return known or (f"user {annotator}" if annotator.isdecimal() else annotator)

    def texts(self, tasks: Sequence[int]) -> dict[int, str]:
        """By task, as far as this machine has a copy of them."""
        file = project_dir(self.settings.data_dir, self.id) / FILE
        if not file.exists():
            return {}
        with TaskStore(file) as store:
            return store.texts(tasks)

    @property
    def title(self) -> str:
        return self.study.get("title") or f"Project {self.id}"

    @property
    def label_studio(self) -> str:
        """Of the project, in a browser."""
        address = self.settings.label_studio_host or self.settings.label_studio_url
        return f"{address.rstrip('/')}/projects/{self.id}"

    def task_address(self, task: int) -> str:
        return f"{self.label_studio}/data?task={task}"


PAUSE = 30
Context = Callable[[ProjectPage], Mapping[str, Any]]
Action = Callable[[ProjectPage, Mapping[str, str]], str]
"""Of a form that was sent by somebody who may change something, with its fields: does what it asks for, or
has a job do it, and returns in words what was asked for. Raises AtlasError, with what to do instead."""
Answer = Callable[[ProjectPage, Mapping[str, str]], Response]
"""Of an address below the section's own, with its query: for what a script of ours fetches, or a file."""


@dataclass(frozen=True)
class Section:
    """name: its anchor; its template is `sections/NAME.html`, which sees what `context` returns and `page`.

    Listed in `sections.SECTIONS`. A form of it is sent to `/projects/N/NAME/ACTION`, and made by the macro
    `form` of `parts.html`; what `answers` has is at the same kind of address.
    script: a file in `static/` that the section needs; "" for none.
    """

    name: str
    title: str
    context: Context
    actions: Mapping[str, Action] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    script: str = ""
