"""<Pairwise> on two images: each is fetched once; which is better is learned from what one has more of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.jobs.image_asking import ask_for_images
from backend.jobs.image_failures import ImageFailures
from backend.jobs.pull import values_of_tasks
from backend.pairs import BETWEEN, pair
from backend.predicting import Predictor
from backend.store.paths import project_dir
from tests.content import FileServer, file_server
from tests.fakes.loop import Loop
from tests.fakes.mean_colour import MeanColour, install, png
from tests.fakes.project import FakeProject

IMAGES = '<Image name="a" value="$one"/><Image name="b" value="$two"/>'
XML = f'<View>{IMAGES}<Pairwise name="pw" toName="a,b"/></View>'
SHADES = [20 * i for i in range(12)]


@pytest.fixture
def files() -> Iterator[FileServer]:
    with file_server() as server:
        server.answers |= {f"/{i}.png": png(shade) for i, shade in enumerate(SHADES)}
        yield server


@pytest.fixture
def project(loop: Loop, files: FileServer, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    """Of two pictures the brighter one is better."""
    install(monkeypatch, MeanColour())
    loop.set(content_hosts=f"127.0.0.1:{files.port}", encode_within=60, show_guess_from=0)
    tasks = [
        {"one": f"{files.url}/{i}.png", "two": f"{files.url}/{j}.png"}
        for i in range(len(SHADES))
        for j in range(len(SHADES))
        if i != j
    ]
    project = loop.fake.create(tasks, label_config=XML)
    loop.fake.spread(project.id)
    return project


def better(data: dict[str, str]) -> str:
    left, right = (int(data[side].rsplit("/", 1)[1].split(".")[0]) for side in ("one", "two"))
    return "left" if left > right else "right"


def region(value: str) -> dict[str, Any]:
    return {"from_name": "pw", "to_name": "pw", "type": "pairwise", "value": {"selected": value}}


def label(loop: Loop, project: FakeProject) -> None:
    for task in list(project.tasks)[::3]:
        loop.fake.annotate(project.id, task, [region(better(project.tasks[task]["data"]))])


def test_it_is_learned_which_is_better_and_each_image_is_fetched_once(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    label(loop, project)
    done = loop.retrain(project)
    assert set(done["labels"]) == {"left", "right"}
    assert sorted(path for path, _ in files.asked) == sorted(files.answers)
    shown = {
        each["task"]: each["result"][0]["value"]["selected"]
        for each in project.predictions
        if each["model_version"] == done["model_version"]
    }
    right = [said == better(project.tasks[task]["data"]) for task, said in shown.items()]
    assert sum(right) > 0.9 * len(right)
    scheme = parse_label_config(XML)
    data = [project.tasks[task]["data"] for task in shown]
    changed = [{"one": each["two"], "two": each["one"]} for each in data]
    asked = [{"data": each} for each in (*data, *changed)]
    said = [
        each["result"][0]["value"]["selected"]
        for each in Predictor(loop.settings).predict(project.id, scheme, asked)
    ]
    assert said[: len(data)] == list(shown.values())
    assert sum(a != b for a, b in zip(said[: len(data)], said[len(data) :], strict=True)) > 0.9 * len(data)


def test_a_pair_without_one_of_its_images_stands_behind_and_is_named(
    loop: Loop, project: FakeProject, files: FileServer
) -> None:
    label(loop, project)
    del files.answers["/3.png"]
    done = loop.retrain(project)
    lacking = {task for task, row in project.tasks.items() if "/3.png" in str(row["data"])}
    waiting = {task for task in lacking if not project.tasks[task]["is_labeled"]}
    assert set(loop.queue(project)[-len(waiting) :]) == waiting
    assert f"{len(lacking)} images cannot be had" in " ".join(done["notes"])
    ask_for_images(loop.settings, loop.dispatcher, loop.client, project.id)
    known = values_of_tasks(project_dir(loop.settings.data_dir, project.id))
    assert ImageFailures(loop.redis, project.id).reasons(known).keys() == lacking
    unseen = {"one": f"{files.url}/3.png", "two": f"{files.url}/4.png"}
    scheme = parse_label_config(XML)
    assert Predictor(loop.settings).predict(project.id, scheme, [{"data": unseen}]) == [[]]


def test_what_is_compared_is_kept_in_a_manifest_and_needs_both_images() -> None:
    scheme = parse_label_config(XML)
    again = LabelScheme.from_json(scheme.as_json())
    assert again == scheme
    assert again.source.is_fetched
    assert again.text_of({"one": "/x.png", "two": "/y.png"}) == f"/x.png{BETWEEN}/y.png"
    assert again.text_of({"one": "/x.png", "two": ""}) == ""
    contents = [pair("/x.png", "/y.png"), pair("/x.png", "/z.png")]
    assert len(set(again.source.words_of(contents))) == 2
