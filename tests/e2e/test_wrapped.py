"""A detector of somebody else's behind this backend, on a real Label Studio: its queue is ordered by where
the detector is wrong, and whatever that one does, three people go on annotating."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.generation.seq2seq import loaded
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.model_version import version_number
from backend.store.wrapped_access import WrappedAccess, keep_access
from tests.conftest import RunningBackend
from tests.e2e.installation import atlas
from tests.e2e.steps import Start, wait_until
from tests.fakes.chat import KEY, chat_served
from tests.fakes.detector import CONFIG, Detector, backend_of, picture, truth
from tests.fakes.drafts import CONFIG as DRAFTS
from tests.fakes.drafts import answer, contents, written
from tests.fakes.own_writer import make_taught_t5
from tests.fakes.wrapped import FakeBackend, served

COUNT, WEAK = 48, 6
"""Pictures, and those of a colour that the detector does not know."""


@dataclass
class Project:
    http: httpx.Client
    id: int
    pictures: dict[int, bytes]
    """By task."""
    weak: set[int]
    """Tasks that the detector fails on."""

    @property
    def version(self) -> str:
        return str(self.http.get(f"/api/projects/{self.id}/").json()["model_version"] or "")

    def queue(self) -> list[dict[str, Any]]:
        """The predictions that it is ordered by, first to label first."""
        found = self.http.get("/api/predictions", params={"project": self.id}).json()
        current = self.version
        ours = [each for each in found if each["model_version"] == current]
        return sorted(ours, key=lambda each: each["score"])

    def annotate(self, task: int, http: httpx.Client | None = None) -> int:
        body = {"result": truth(self.pictures[task])}
        answer = (http or self.http).post(f"/api/tasks/{task}/annotations/", json=body)
        answer.raise_for_status()
        return int(answer.json()["id"])

    def wait_for_version_after(self, name: str, backend: RunningBackend) -> None:
        def is_there() -> bool:
            backend.supervisor.check()
            return version_number(self.version) > version_number(name)

        wait_until(is_there, 120)


@contextmanager
def wrapping(
    label_studio: LabelStudioServer, run_backend: Start, **env: str
) -> Iterator[tuple[RunningBackend, FakeBackend, Detector, Project]]:
    detector = Detector()
    with served(backend_of(detector)) as theirs:
        allowed = theirs.url.removeprefix("http://")
        backend = run_backend(WRAPPED_BACKENDS=allowed, RETRAIN_EVERY="5", WRAPPED_RATE="0", **env)
        http = label_studio.admin.http
        body = {"title": "wrapped", "label_config": CONFIG, "sampling": "Uncertainty sampling"}
        project = int(http.post("/api/projects", json=body).json()["id"])
        colours = ["green" if i % (COUNT // WEAK) == 3 else "red" for i in range(COUNT)]
        pictures = [
            picture(i, each, background=90 if each == "green" else 150) for i, each in enumerate(colours)
        ]
        rows = [{"image": "data:image/png;base64," + b64encode(each).decode()} for each in pictures]
        http.post(f"/api/projects/{project}/import", json=rows).raise_for_status()
        listed = http.get("/api/tasks", params={"project": project, "page_size": 100, "fields": "all"}).json()
        number = {task["id"]: rows.index({"image": task["data"]["image"]}) for task in listed["tasks"]}
        connection = {"project": project, "url": backend.url, "title": "atlas"}
        connection |= {"extra_params": {"wraps": theirs.url}}
        http.post("/api/ml", json=connection).raise_for_status()
        weak = {task for task, i in number.items() if colours[i] == "green"}
        made = Project(http, project, {task: pictures[i] for task, i in number.items()}, weak)
        yield backend, theirs, detector, made


def told(theirs: FakeBackend) -> list[int]:
    """Annotations that it was told of, in order."""
    return [body["annotation"]["id"] for body in theirs.bodies("/webhook") if "annotation" in body]


def trainings(theirs: FakeBackend) -> int:
    return [body["action"] for body in theirs.bodies("/webhook")].count("START_TRAINING")


def test_the_queue_goes_where_a_detector_is_wrong_and_follows_once_it_has_learned(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    with wrapping(label_studio, run_backend) as (backend, theirs, detector, project):
        project.wait_for_version_after("", backend)
        wait_until(lambda: any(each["result"] for each in project.queue()), 90)
        queue = project.queue()
        assert all(each["result"] for each in queue)  # its boxes, under our version
        # Five that an annotator comes upon, three of them of the kind that it fails on.
        weak = [each["task"] for each in queue if each["task"] in project.weak][:3]
        others = [each["task"] for each in queue if each["task"] not in project.weak][:2]
        before = project.version
        given = [project.annotate(task) for task in (*others, *weak)]
        project.wait_for_version_after(before, backend)
        left = [each["task"] for each in queue if each["task"] not in {*weak, *others}]
        wait_until(lambda: trainings(theirs) == 1, 90)
        assert told(theirs) == given
        assert [each["task"] for each in project.queue()] != left
        # It has learned: the head's boxes are the new model's, and right.
        wait_until(lambda: detector.trainings == 1 and _are_right(project), 120)


@dataclass
class Drafting:
    """A model that writes. env: names it; writes: what it does of a text; asked: gives the texts that it was
    sent, where that is known."""

    env: dict[str, str]
    writes: Callable[[str], str]
    asked: Callable[[], list[str]] = list


@contextmanager
def behind_an_address(folder: Path) -> Iterator[Drafting]:
    with chat_served(written) as chat:
        named = {"GENERATION_URL": f"{chat.url}/v1", "GENERATION_MODEL": "tiny", "GENERATION_KEY": KEY}
        yield Drafting(named, lambda text: written(text)[0], lambda: chat.texts)


@contextmanager
def run_by_workers(folder: Path) -> Iterator[Drafting]:
    pytest.importorskip("transformers")
    model = loaded(make_taught_t5(folder / "t5"), "cpu")

    def writes(text: str) -> str:
        (found,) = model.write([text], 60)
        assert found is not None
        return found.text

    yield Drafting({"GENERATION_MODEL": str(folder / "t5")}, writes)


@pytest.mark.parametrize("named", [behind_an_address, run_by_workers])
def test_drafts_of_a_named_model_are_shown_and_the_queue_follows_five_answers(
    label_studio: LabelStudioServer,
    run_backend: Start,
    named: Callable[[Path], AbstractContextManager[Drafting]],
    tmp_path: Path,
) -> None:
    http, texts = label_studio.admin.http, contents(30, 0.2, seed=0)
    with named(tmp_path) as model:
        backend = run_backend(**model.env, RETRAIN_EVERY="5", QUEUE_HEAD="30")
        body = {"title": "drafts", "label_config": DRAFTS, "sampling": "Uncertainty sampling"}
        project = Project(http, int(http.post("/api/projects", json=body).json()["id"]), {}, set())
        rows = [{"text": each} for each in texts]
        http.post(f"/api/projects/{project.id}/import", json=rows).raise_for_status()
        asked = {"project": project.id, "page_size": 100, "fields": "all"}
        listed = http.get("/api/tasks", params=asked).json()["tasks"]
        text_of = {task["id"]: task["data"]["text"] for task in listed}
        connection = {"project": project.id, "url": backend.url, "title": "atlas"}
        connection |= {"extra_params": {"wraps": "generation"}}
        files = project_files(Settings(data_dir=backend.data_dir), project.id)
        keep_access(files, WrappedAccess("generation"))  # as `connect --wraps generation` does
        http.post("/api/ml", json=connection).raise_for_status()
        wait_until(lambda: any(each["result"] for each in project.queue()), 120)
        queue = project.queue()
        drafts = {each["task"]: each["result"][0]["value"]["text"] for each in queue if each["result"]}
        assert drafts == {task: [model.writes(text_of[task])] for task in drafts}
        before = project.version
        for each in queue[:5]:
            answered = {"result": answer(text_of[each["task"]])}
            http.post(f"/api/tasks/{each['task']}/annotations/", json=answered).raise_for_status()
        project.wait_for_version_after(before, backend)
        left = [each["task"] for each in queue[5:]]
        wait_until(lambda: [each["task"] for each in project.queue()] != left, 60)
        assert len(model.asked()) == len(set(model.asked()))
        assert KEY not in http.get("/api/ml", params={"project": project.id}).text


def _are_right(project: Project) -> bool:
    """Whether all that is shown of the weak kind is where it should be."""
    shown = {each["task"]: each["result"] for each in project.queue() if each["task"] in project.weak}
    return bool(shown) and all(
        result and result[0]["value"] == truth(project.pictures[task])[0]["value"]
        for task, result in shown.items()
    )


GARBAGE: Sequence[Callable[[Any], Any]] = (
    lambda body: (500, b"<html>Internal Server Error</html>"),
    lambda body: (200, b"<html>a page</html>"),
    lambda body: (200, b""),
    lambda body: {"results": None},
    lambda body: {"results": "none"},
    lambda body: {"results": [None for _ in body["tasks"]]},
    lambda body: [[{"result": 5, "score": "x"} for _ in body["tasks"]]],
    lambda body: {"results": [{"result": [{"id": 1}], "score": 17} for _ in body["tasks"]]},
    lambda body: {"results": [{"result": None, "model_version": {"a": []}} for _ in body["tasks"]][1:]},
    lambda body: (200, b'{"results": [{"result": [], "score": NaN}' + b"]" * 9),
)


def test_three_people_annotate_whatever_the_wrapped_backend_does(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    people = [label_studio.sign_up(f"wrapped{i}").http for i in range(3)]
    with ExitStack() as stack:
        env = {"WRAPPED_TIMEOUT": "1", "RETRAIN_WITHIN": "2"}
        backend, theirs, _, project = stack.enter_context(wrapping(label_studio, run_backend, **env))
        project.wait_for_version_after("", backend)
        made: list[int] = []

        def annotate_by_all(each: int) -> None:
            work = [threading.Thread(target=_annotate, args=(project, http, each, made)) for http in people]
            for thread in work:
                thread.start()
            for thread in work:
                thread.join()

        usual = dict(theirs.answers)
        theirs.hanging.set()
        annotate_by_all(2)
        assert "does not answer within" in diagnosis(backend, project)["found"]
        theirs.release()
        for garbage in GARBAGE:
            theirs.answers["/predict"] = garbage
            annotate_by_all(1)
        assert diagnosis(backend, project)["state"] in ("wrong", "note")
        theirs.answers |= {path: lambda body: (503, b"restarting") for path in ("/health", *usual)}
        annotate_by_all(1)
        found = diagnosis(backend, project)
        assert "503: restarting" in found["found"]
        assert found["remedy"]
        theirs.answers.clear()
        theirs.answers |= usual
        assert "answers" in diagnosis(backend, project)["found"]
        assert len(made) == 3 * (2 + len(GARBAGE) + 1)
        kept = project.http.get(f"/api/projects/{project.id}/").json()["total_annotations_number"]
        assert kept == len(made)
        wait_until(lambda: set(told(theirs)) == set(made), 120)
        assert len(told(theirs)) == len(made)  # each once, whatever it answered
        assert version_number(project.version) > 0


def diagnosis(backend: RunningBackend, project: Project) -> dict[str, str]:
    """What `doctor` says of the wrapped backend."""
    done = atlas(backend.env, "doctor", "--json", "--project", str(project.id))
    findings = json.loads(done.stdout)["findings"]
    return next(each for each in findings if each["check"] == "wrapped backend")


def _annotate(project: Project, http: httpx.Client, count: int, made: list[int]) -> None:
    """As people do: the next task, its page, submit. Raises for whatever Label Studio refuses."""
    for _ in range(count):
        task = http.get(f"/api/projects/{project.id}/next")
        task.raise_for_status()
        http.get(f"/api/tasks/{task.json()['id']}").raise_for_status()
        made.append(project.annotate(task.json()["id"], http))
