"""Projects of the other kinds whose pages the docs show: the demo's own sentences, scenes and tiles, and its
headlines with somebody else's backend, on a Label Studio in memory, labelled by annotators who err."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backend.demo.data import HEADLINES, DemoData, marked, read
from backend.demo.drawn import drawn_tiles
from backend.demo.objects import BY_THINGS
from backend.demo.project import label_config
from backend.jobs.page_links import Invited, make_link
from backend.jobs.projecting import project_items
from backend.jobs.studying import study
from backend.jobs.wrapped_pull import pull_wrapped
from backend.running.supervisor import Supervisor
from tests.content import FileServer, file_server
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.fakes.server import served as studio_served
from tests.fakes.wrapped import FakeBackend, served
from tests.pages_served import pages_served
from tests.pictured import made_loop

MISTAKEN = {1: 0.03, 2: 0.06, 3: 0.25}
"""By annotator, how often a label of theirs is another one; half as often a part is left out."""
THEIRS_RIGHT = 0.85
"""How often the backend that is wrapped is right."""
OF_PARTS = {"spans": "spans", "boxes": "boxes", "areas": "masks"}
"""What the demo calls them."""
KINDS = ("spans", "boxes", "areas", "images", "wrapped")


@dataclass(frozen=True)
class Size:
    """tasks: of a project; rounds: retrains with labels, of so many tasks each."""

    tasks: int
    rounds: int
    each: int


SIZES = {
    "spans": Size(240, 4, 24),
    "boxes": Size(60, 2, 16),
    "areas": Size(60, 2, 18),
    "images": Size(240, 4, 24),
    "wrapped": Size(300, 4, 24),
}


@dataclass(frozen=True)
class PicturedKinds:
    """link: lets a browser in; addresses: of the projects' pages, by kind."""

    link: str
    addresses: dict[str, str]


@contextmanager
def pictured_kinds(folder: Path, kinds: Sequence[str] = KINDS) -> Iterator[PicturedKinds]:
    """They are there while the context lasts, served by this process. folder: of their data."""
    with ExitStack() as held:
        environment = held.enter_context(pytest.MonkeyPatch.context())
        supervisor, studio = held.enter_context(Supervisor()), held.enter_context(studio_served())
        files, theirs = held.enter_context(file_server()), held.enter_context(served())
        loop = made_loop(folder, environment, supervisor, studio.url)
        loop.set(
            content_hosts=f"127.0.0.1:{files.port}",
            wrapped_backends=theirs.url.removeprefix("http://"),
            wrapped_rate=1e6,
            encode_within=120,
        )
        studio.show(loop.fake)
        made = {kind: _Made(loop, kind, files, theirs, folder).project() for kind in kinds}
        url = held.enter_context(pages_served(loop.settings))
        with Redis.from_url(loop.settings.redis_url) as redis:
            link = make_link(redis, loop.settings, Invited("Ana", True), url)
        yield PicturedKinds(link, {kind: f"{url}/projects/{project.id}" for kind, project in made.items()})


class _Made:
    def __init__(self, loop: Loop, kind: str, files: FileServer, theirs: FakeBackend, folder: Path):
        self._loop, self._kind, self._size = loop, kind, SIZES[kind]
        self._files, self._theirs = files, theirs
        self._chance = random.Random(0)
        self._data = _data(kind, folder)
        self._answers: dict[int, tuple[str, str]] = {}

    def project(self) -> FakeProject:
        """Labelled in the order in which tasks are served, studied, and with a map."""
        pool = self._chance.sample(self._data.pool, self._size.tasks)
        rows = [
            {self._data.objects.name: self._stands_in_a_task(item, i)} for i, (item, _) in enumerate(pool)
        ]
        config = label_config(self._data.labels, self._data.objects, self._data.asked)
        project = self._loop.fake.create(rows, label_config=config, title=self._kind.capitalize())
        self._loop.fake.spread(project.id)
        self._answers = dict(zip(project.tasks, pool, strict=True))
        if self._kind == "wrapped":
            self._wrap(project)
        self._loop.retrain(project)
        for _ in range(self._size.rounds):
            if self._kind == "wrapped":
                pull_wrapped(project.id)
            self._label(project, self._loop.queue(project)[: self._size.each])
            self._loop.retrain(project)
        study(project.id)
        project_items(project.id)
        return project

    def _stands_in_a_task(self, item: str, number: int) -> str:
        if self._data.objects.name != "image":
            return item
        path = f"/{self._kind}-{number}.jpg"
        self._files.answers[path] = Path(item).read_bytes()
        return self._files.url + path

    def _label(self, project: FakeProject, tasks: Sequence[int]) -> None:
        """Every other one by two annotators."""
        for i, task in enumerate(tasks):
            first = 1 + i % 3
            for annotator in (first, 1 + first % 3) if i % 2 else (first,):
                regions = self._said(task, MISTAKEN[annotator])
                self._loop.fake.annotate(project.id, task, regions, user=annotator)
            self._loop.state(project).note_changes(1)

    def _said(self, task: int, mistaken: float) -> list[Json]:
        content, answer = self._answers[task]
        found: list[Json] = []
        for region in self._data.asked.regions(self._data.objects.name, answer, content):
            named = region["value"][region["type"]]
            if self._chance.random() < mistaken:
                named[:] = [self._chance.choice([each for each in self._data.labels if each != named[0]])]
            if region["type"] == "choices" or self._chance.random() >= mistaken / 2:
                found.append(region)
        return found

    def _wrap(self, project: FakeProject) -> None:
        """What it says of a task is the same whenever it is asked."""
        said = {task: self._said(task, 1 - THEIRS_RIGHT) for task in project.tasks}

        def answer(body: Any) -> Any:
            return {
                "results": [
                    {"result": said[task["id"]], "score": 0.8, "model_version": "theirs-1"}
                    for task in body["tasks"]
                ]
            }

        self._theirs.answers["/predict"] = answer
        for connection in project.connections.values():
            connection["extra_params"] = {"wraps": self._theirs.url}


def _data(kind: str, folder: Path) -> DemoData:
    """All of it to label, none held out."""
    if kind in OF_PARTS:
        return marked(OF_PARTS[kind], folder / "drawn")
    texts = read(drawn_tiles(folder / "drawn") if kind == "images" else HEADLINES)
    return DemoData(list(texts.rows), [], BY_THINGS[texts.things.many])
