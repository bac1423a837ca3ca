"""Two controls move one queue, by the weights that the connection names, on a real Label Studio."""

from __future__ import annotations

import random

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from tests.conftest import RunningBackend
from tests.e2e.steps import Start, scores, wait_until
from tests.fakes.label_studio import choice

CONFIG = """<View><Text name="text" value="$text"/>
<Choices name="mood" toName="text"><Choice value="glad"/><Choice value="sad"/></Choices>
<Choices name="topic" toName="text"><Choice value="sea"/><Choice value="hill"/></Choices></View>"""
KINDS = {
    "mood": {"glad": "sunny happy bright cheerful", "sad": "gloomy tearful bleak sorry"},
    "topic": {"sea": "wave boat harbour tide", "hill": "ridge summit path valley"},
}
CLEAR, EACH = 24, 12


def written(rng: random.Random, number: int, unclear: str | None) -> tuple[str, dict[str, str]]:
    """A text, and what it is; of the unclear control it has words of both kinds."""
    words, kinds = [f"note{number}"], {}
    for control, by_kind in KINDS.items():
        kinds[control] = rng.choice(list(by_kind))
        said = list(by_kind) if control == unclear else [kinds[control]] * 2
        words += [rng.choice(by_kind[kind].split()) for kind in said for _ in range(2)]
    return " ".join(words), kinds


def test_two_controls_move_one_queue_by_the_connections_weights(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend: RunningBackend = run_backend(STRATEGY="margin", RECONCILE_EVERY="30")
    http, rng = label_studio.admin.http, random.Random(5)
    unclear = [None] * CLEAR + ["mood"] * EACH + ["topic"] * EACH + [None] * EACH
    rows = [written(rng, number, which) for number, which in enumerate(unclear)]
    body = {"title": "two controls", "label_config": CONFIG}
    made = http.post("/api/projects", json=body)
    made.raise_for_status()
    number = int(made.json()["id"])
    path = f"/api/projects/{number}/import?return_task_ids=true"
    tasks = http.post(path, json=[{"text": text} for text, _ in rows]).json()["task_ids"]
    project = DemoProject(http, "two controls", [], [], (number, tasks))
    for task, (_, kinds) in list(zip(tasks, rows, strict=True))[:CLEAR]:
        result = [choice(kind, control) for control, kind in kinds.items()]
        http.post(f"/api/tasks/{task}/annotations/", json={"result": result}).raise_for_status()
    which = dict(zip(tasks, unclear, strict=True))
    connection = {"project": number, "url": backend.url, "title": "atlas"}
    model = http.post("/api/ml", json=connection).json()["id"]

    def first(version: str) -> list[str | None]:
        """What is unclear of the first tasks of the queue."""
        placed = scores(project, version)
        return [which[task] for task in sorted(placed, key=lambda task: placed[task])[:8]]

    alone = project.wait_for_version_after("", backend.supervisor.check)
    assert first(alone).count("mood") >= 6  # the first control's doubts

    refused = http.patch(
        f"/api/ml/{model}", json={**connection, "extra_params": {"control_weights": "mood=1,stance=1"}}
    )
    assert refused.status_code == 400
    assert "the controls that are learned of this project: mood, topic" in refused.text
    weighed = {**connection, "extra_params": {"control_weights": {"mood": 1, "topic": 3}}}
    http.patch(f"/api/ml/{model}", json=weighed).raise_for_status()
    wait_until(lambda: first(project.model_version()).count("topic") == 6, 180)
    assert first(project.model_version()).count("mood") == 2
