"""Somebody who looks at a project's page, without a browser, and presses its buttons."""

from __future__ import annotations

from html.parser import HTMLParser

from flask.testing import FlaskClient

from backend.jobs.heeding import heed_selection
from backend.jobs.page_links import Invited
from backend.jobs.studying import study
from backend.learning import suspects
from tests.entering import entered
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


class Tags(HTMLParser):
    """The elements of a page, and the values of their attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def visit(loop: Loop, *, may_change: bool = True) -> FlaskClient:
    return entered(loop.settings, Invited("ana", may_change))


def page_of(client: FlaskClient, project: FakeProject, query: str = "") -> str:
    answer = client.get(f"/projects/{project.id}{query}")
    assert answer.status_code == 200
    assert "cannot be shown" not in answer.text
    return answer.text


def send(client: FlaskClient, project: FakeProject, what: str, **fields: str) -> int:
    seal = page_of(client, project).split('name="seal" value="')[1].split('"')[0]
    return client.post(f"/projects/{project.id}/{what}", data={"seal": seal, **fields}).status_code


def heed_all(loop: Loop, project: FakeProject) -> list[str]:
    """Do what was asked for on the page, as workers would. Returns what they say was done."""
    keys = [each.rpartition("-")[2] for each in loop.jobs() if each.startswith(f"heed-{project.id}-")]
    said = [heed_selection(project.id, key)["said"] for key in keys]
    loop.dispatcher.upkeep.empty()
    return said


def two_versions(loop: Loop) -> FakeProject:
    """A project of 60 texts, 30 of which are labelled, and studied, by one strength of the judges."""
    loop.environment.setattr(suspects, "STRENGTHS", (3.0,))
    project = loop.create(60, labeled=20)
    loop.fake.connect(project.id)
    loop.retrain(project)
    for task in list(project.tasks)[20:30]:
        loop.label(project, task)
    loop.retrain(project)
    study(project.id)
    return project
