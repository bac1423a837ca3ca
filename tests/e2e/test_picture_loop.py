"""Boxes and areas on a real Label Studio: three people's annotations order the queue by themselves, tasks
come with guesses, and a class that is renamed and images that are deleted stop nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.controls.run_length import encode
from backend.controls.runs import runs_of
from backend.demo.label_studio import LabelStudioServer
from backend.store.model_version import version_number
from tests.content import FileServer, file_server, open_to_all
from tests.e2e.installation import assert_said_by_doctor
from tests.e2e.steps import Start, retrain_told, wait_until
from tests.unit.boxed import EDGE, SIDE, picture, place

COUNT, LATE = 24, 2
"""Pictures, and those that come in the middle."""
KINDS = {"boxes": ("RectangleLabels", "rectanglelabels"), "areas": ("BrushLabels", "brushlabels")}


@pytest.fixture
def files() -> Iterator[FileServer]:
    with file_server() as server:
        server.answers |= {f"/{i}.png": open_to_all(picture(i)) for i in range(COUNT + LATE)}
        yield server


def given(kind: str, number: int, blue: str = "blue") -> dict[str, Any]:
    """The square of a picture, as an annotator marks it."""
    x, y = place(number)
    label, name = ["red" if number % 2 == 0 else blue], KINDS[kind][1]
    if kind == "boxes":
        corner = {"x": 100 * x / SIDE, "y": 100 * y / SIDE}
        value: dict[str, Any] = {
            **corner,
            "width": 100 * EDGE / SIDE,
            "height": 100 * EDGE / SIDE,
            name: label,
        }
    else:
        inside = np.zeros((SIDE, SIDE), bool)
        inside[y : y + EDGE, x : x + EDGE] = True
        value = {"format": "rle", "rle": encode(runs_of(inside), SIDE, SIDE), name: label}
    size = {"original_width": SIDE, "original_height": SIDE}
    return {"from_name": "b", "to_name": "i", "type": name, "value": value, **size}


def config(kind: str, blue: str = "blue") -> str:
    tag = KINDS[kind][0]
    labels = f'<{tag} name="b" toName="i" smart="true"><Label value="red"/><Label value="{blue}"/></{tag}>'
    return f'<View><Image name="i" value="$image"/>{labels}</View>'


@pytest.mark.parametrize("kind", KINDS)
def test_three_people_mark_pictures_while_a_label_is_renamed_and_images_are_deleted(
    label_studio: LabelStudioServer,
    run_backend: Start,
    files: FileServer,
    kind: str,
) -> None:
    """The third marks nothing blue."""
    allowed = f"127.0.0.1:{files.port}"
    backend = run_backend(RETRAIN_EVERY="20", SHOW_GUESS_FROM="0.2", CONTENT_HOSTS=allowed)
    http = label_studio.admin.http
    settings = {"sampling": "Uncertainty sampling", "maximum_annotations": 2}
    body = {"title": kind, "label_config": config(kind), **settings}
    project = http.post("/api/projects", json=body).json()["id"]
    people = [label_studio.sign_up(f"{kind}{i}").http for i in range(3)]

    def add(numbers: range) -> None:
        rows = [{"image": f"{files.url}/{i}.png"} for i in numbers]
        http.post(f"/api/projects/{project}/import", json=rows).raise_for_status()

    def numbers() -> dict[int, int]:
        """By task, the number of its picture."""
        query = {"project": project, "page_size": 100, "fields": "all"}
        tasks = http.get("/api/tasks", params=query).json()["tasks"]
        return {each["id"]: int(each["data"]["image"].split("/")[-1].split(".")[0]) for each in tasks}

    def published() -> str:
        backend.supervisor.check()
        return str(http.get(f"/api/projects/{project}/").json()["model_version"] or "")

    def predicted() -> list[dict[str, Any]]:
        found = http.get("/api/predictions", params={"project": project}).json()
        ours = [each for each in found if each["model_version"] == published()]
        return sorted(ours, key=lambda each: each["score"])

    def queue() -> list[int]:
        return [each["task"] for each in predicted()]

    def mark(tasks: list[int], blue: str) -> None:
        """Two of the three each, in turn."""
        for i, task in enumerate(tasks):
            for k in (i % 3, (i + 1) % 3):
                result = [] if k == 2 and number[task] % 2 else [given(kind, number[task], blue)]
                answer = people[k].post(f"/api/tasks/{task}/annotations/", json={"result": result})
                answer.raise_for_status()

    add(range(COUNT))
    connection = {"project": project, "url": backend.url, "title": "atlas"}
    http.post("/api/ml", json=connection).raise_for_status()
    wait_until(lambda: version_number(published()) > 0 and len(queue()) == COUNT, 180)
    order, number = queue(), numbers()
    red, blue = ([task for task in order if number[task] % 2 == rest] for rest in (0, 1))
    by_turns = [task for pair in zip(red, blue, strict=True) for task in pair]
    old, new, waiting = by_turns[:4], by_turns[4:14], by_turns[14:]
    mark(old, "blue")

    for gone in (number[old[0]], number[waiting[0]], COUNT):
        del files.answers[f"/{gone}.png"]
    add(range(COUNT, COUNT + LATE))
    http.patch(f"/api/projects/{project}/", json={"label_config": config(kind, "navy")}).raise_for_status()
    told = retrain_told(
        backend, project, lambda told: any('"blue"' in note for note in told.get("notes", []))
    )
    assert told["labels"].keys() == {"red"}
    mark(new, "navy")
    retrain_told(backend, project, lambda told: told.get("labels", {}).keys() == {"red", "navy"})
    late = set(numbers()) - set(number)
    wait_until(lambda: set(queue()) >= {*waiting, *late})
    assert [task for task in queue() if task in waiting] != [task for task in order if task in waiting]
    shown = [region for each in predicted() for region in each["result"]]
    assert {region["type"] for region in shown} == {KINDS[kind][1]}
    assert http.get(f"/api/projects/{project}/").json()["total_annotations_number"] == 28
    assert_said_by_doctor(backend, project, annotations='"blue"', tasks="answers 404", encoding="25 of 26")
