"""Texts of people who go to places, each to be marked, and a project of them."""

from __future__ import annotations

from typing import Any

from backend.web.app import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json

LABELS = '<Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>'
CONFIG = f'<View>{LABELS}<Text name="text" value="$text"/></View>'
PEOPLE = ["Anna", "Bob", "Carla", "Dmitri", "Eva", "Farid", "Greta", "Hugo"]
PLACES = ["Paris", "London", "Rome", "Oslo", "Kyoto", "Lima", "Cairo", "Delhi"]
COUNT = 32


def text_of(i: int) -> str:
    """Every fourth text has nothing to mark."""
    if i % 4 == 3:
        return f"nobody has come here on day {i} of this month"
    return f"on day {i} {PEOPLE[i % 8]} has gone to {PLACES[i // 4 % 8]} by train"


def span(text: str, word: str, label: str) -> Json:
    start = text.index(word)
    value = {"start": start, "end": start + len(word), "text": word, "labels": [label]}
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value}


def right(text: str) -> list[Json]:
    """What is to be marked in a text."""
    found = [(word, "PER") for word in PEOPLE] + [(word, "LOC") for word in PLACES]
    return [span(text, word, label) for word, label in found if word in text]


def span_project(loop: Loop) -> FakeProject:
    """COUNT texts, none annotated."""
    loop.set(encoder="lsa", queue_head=100, show_guess_from=0.5)
    project = loop.fake.create([{"text": text_of(i)} for i in range(COUNT)], label_config=CONFIG)
    loop.fake.spread(project.id)
    return project


def text(project: FakeProject, task: int) -> str:
    return str(project.tasks[task]["data"]["text"])


def mark(loop: Loop, project: FakeProject, tasks: list[int], user: int = 1) -> None:
    for task in tasks:
        loop.fake.annotate(project.id, task, right(text(project, task)), user=user)
        loop.state(project).note_changes(1)


def shown(project: FakeProject) -> dict[int, list[tuple[str, str]]]:
    """By task, the words that are marked in the version that Label Studio orders by."""
    current = project.settings["model_version"]
    return {
        each["task"]: [word_and_label(text(project, each["task"]), region) for region in each["result"]]
        for each in project.predictions
        if each["model_version"] == current
    }


def word_and_label(text: str, region: Json) -> tuple[str, str]:
    value = region["value"]
    return text[value["start"] : value["end"]], value["labels"][0]


def asked(project: FakeProject, *texts: str) -> list[Any]:
    tasks = [{"id": None, "data": {"text": each}} for each in texts]
    body = {"tasks": tasks, "project": f"{project.id}.1", "label_config": project.settings["label_config"]}
    return list(create_app().test_client().post("/predict", json=body).get_json()["results"])
