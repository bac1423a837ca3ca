"""Make the installations of before anew: python -m tests.installed.make

The release's own code does all of it, unpacked from this clone's history and run with today's packages,
which are those of its lock: it is connected to a fake Label Studio, told of annotations, retrains, is pinned,
fails, and is stopped with work waiting. Twice: with everything in the data folder, and with a model store.
What is kept are the files and Redis's keys as that code left them, what Label Studio held, and the
predictions it answered with. The texts and labels are those of tests/golden/cases.py, drawn by this project.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Request
from redis import Redis
from rq.registry import ScheduledJobRegistry
from werkzeug.wrappers import Response

from backend.jobs.dispatch import Dispatcher
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.project import FakeProject
from tests.fakes.server import served
from tests.golden.cases import CASES, texts
from tests.installed import kept
from tests.installed.kept import COMMIT, KINDS, PROJECTS
from tests.installed.old import Release, listen, unpack

UNSEEN = ("flood after the storm", "the referee left the match", "")
"""Texts of no task."""
CONNECT = """
import sys
from backend.connecting import connect
from backend.doctor.bench import Bench
with Bench(sys.argv[1]) as bench:
    for project in sys.argv[2:]:
        connect(bench, sys.argv[1], int(project), lambda *said: None)
"""
ASK_FOR_RECONCILE = """
from backend.jobs.dispatch import Dispatcher
from backend.settings import Settings
Dispatcher.from_settings(Settings()).request_reconcile()
"""

Work = Callable[[], None]


class Maker:
    """One installation at work."""

    def __init__(self, release: Release, fake: FakeLabelStudio, redis: Redis):
        self._release, self._fake, self._redis = release, fake, redis
        self._labeled: dict[int, int] = {}

    def make(self) -> dict[str, Any]:
        """Returns what the release answers, by project."""
        release = self._release
        with release.web(), release.worker() as work:
            self._create()
            self._label_all(4)  # the release could not order several or dynamic choices before any label
            self._connect()
            work()
            self._label_all(6)
            work()
            self._pin(work)
            self._name_a_strategy(work)
            self._fail("set aside", work, times=4)
            self._fail("tried again", work, times=1)
            self._label("waiting", 7)  # a retrain and a refill that wait for a worker
            self._label("few", 2)  # a flush
            release.script(ASK_FOR_RECONCILE)
            answers = {name: self._answers(project) for name, project in PROJECTS.items()}
        release.set(RETRAIN_PAUSE="3600")
        with release.web():
            self._label("strategy", 5)  # a retrain that rests until the pause is over
        return answers

    def _create(self) -> None:
        for project_id in PROJECTS.values():
            case = CASES[KINDS[project_id]]
            data = [case.data(text) for text, _ in texts()]
            self._fake.create(data, project_id, connected=False, label_config=f"<View>{case.config}</View>")
            self._fake.spread(project_id)

    def _connect(self) -> None:
        self._release.script(CONNECT, self._release.url, *map(str, PROJECTS.values()))

    def _label_all(self, count: int) -> None:
        for name in PROJECTS:
            if name != "cold":
                self._label(name, count)

    def _label(self, name: str, count: int) -> None:
        """The next tasks, whatever the order: the webhook tells of each."""
        project = self._fake.projects[PROJECTS[name]]
        case, first = CASES[KINDS[project.id]], self._labeled.get(project.id, 0)
        for number in range(first, first + count):
            task, (_, topics) = list(project.tasks)[number], texts()[number]
            self._fake.annotate(project.id, task, case.answer(topics))
        self._labeled[project.id] = first + count

    def _pin(self, work: Work) -> None:
        project = PROJECTS["pinned"]
        self._label("pinned", 5)
        work()
        self._release.run("versions", "--project", str(project), "pin", "atlas-000002")
        self._label("pinned", 5)
        work()

    def _name_a_strategy(self, work: Work) -> None:
        project = self._fake.projects[PROJECTS["strategy"]]
        (connection,) = project.connections.values()
        connection["extra_params"] = {"strategy": "margin"}
        self._fake.reach(project, connection)
        work()

    def _fail(self, name: str, work: Work, times: int) -> None:
        """Label Studio refuses all that is asked about the project."""
        self._fake.before = _refusing(self._fake.projects[PROJECTS[name]])
        self._label(name, 5)
        for left in range(times - 1, -1, -1):
            work()
            if left:  # another try need not wait
                registry = ScheduledJobRegistry(queue=Dispatcher(self._redis, Settings()).queue)
                self._redis.zadd(registry.key, {f"retrain-{PROJECTS[name]}": 1}, xx=True)
        self._fake.before = None

    def _answers(self, project_id: int) -> Any:
        """To a /predict of all tasks and of texts that no task has."""
        project, case = self._fake.projects[project_id], CASES[KINDS[project_id]]
        tasks = [{"id": task["id"], "data": task["data"]} for task in project.tasks.values()]
        tasks += [{"data": case.data(text)} for text in UNSEEN]
        body = {
            "tasks": tasks,
            "project": f"{project_id}.0",
            "label_config": project.settings["label_config"],
        }
        return {"tasks": tasks, "results": self._release.post("/predict", body)["results"]}


def _refusing(project: FakeProject) -> Callable[[Request], Response | None]:
    def refuse(request: Request) -> Response | None:
        if request.path.startswith(f"/api/projects/{project.id}/"):
            return Response("not now", 400)
        return None

    return refuse


def make(source: Path, folder: Path, *, shared: bool) -> None:
    """One installation below `folder`, which keeps what is to be kept. shared: with a model store."""
    store = {"MODEL_STORE": f"file://{folder / 'bucket'}"} if shared else {}
    with Supervisor() as supervisor, served() as server:
        url = start_redis(supervisor, folder, dict(os.environ))
        release = Release(
            source,
            LABEL_STUDIO_URL=server.url,
            REDIS_URL=url,
            DATA_DIR=str(folder / "data"),
            **store,
        )
        fake = server.show(FakeLabelStudio())
        listen(fake, release)
        with Redis.from_url(url) as redis:
            answers = Maker(release, fake, redis).make()
            (folder / "redis.json").write_text(json.dumps(kept.dump_redis(redis)))
        (folder / "label_studio.json").write_text(json.dumps(kept.dump_label_studio(fake)))
        (folder / "answers.json").write_text(json.dumps(answers))


def main() -> None:
    with TemporaryDirectory() as scratch:
        source = unpack(COMMIT, Path(scratch) / "source")
        for name in ("folder", "bucket"):
            (Path(scratch) / "made" / name).mkdir(parents=True)
            make(source, Path(scratch) / "made" / name, shared=name == "bucket")
        kept.pack(Path(scratch) / "made")
    print(f"{kept.ARCHIVE}: {kept.ARCHIVE.stat().st_size / 1000:.0f} kB", file=sys.stderr)


if __name__ == "__main__":
    main()
