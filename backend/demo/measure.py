"""How good the served model is, asked over HTTP as Label Studio asks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
from sklearn.metrics import accuracy_score, f1_score

from backend.demo.data import DemoData
from backend.demo.project import DemoProject
from backend.errors import AtlasError
from backend.settings import Settings
from backend.store.locations import version_store


@dataclass(frozen=True)
class Round:
    """The state after a retrain. The scores are None before the model has seen two classes, and where parts
    are marked: of these `measured` tells how well they are found out of fold."""

    labels: int
    model_version: str
    accuracy: float | None
    macro_f1: float | None
    rare_found: int
    rare_found_random: float
    measured: dict[str, float | None] = field(default_factory=dict)

    @property
    def scores(self) -> list[float | None]:
        """As `Asked.measures` names them."""
        return list(self.measured.values()) or [self.accuracy, self.macro_f1]


def measure(
    backend_url: str,
    project: DemoProject,
    data: DemoData,
    held_out: list[str],
    version: str,
    given: list[str],
) -> Round:
    """held_out: what tasks about the held-out ones hold; given: the labels submitted so far."""
    tasks = [{"data": {data.objects.name: value}} for value in held_out]
    body = {"project": str(project.id), "label_config": project.label_config, "tasks": tasks}
    answer = httpx.post(f"{backend_url}/predict", json=body, timeout=100, trust_env=False)
    answer.raise_for_status()
    results = answer.json()["results"]
    if results and len(results) != len(tasks):
        raise AtlasError(f"{len(results)} predictions came back for {len(tasks)} tasks")
    accuracy = macro_f1 = None
    likely = [choices for item in results for choices in item["probabilities"].values()]
    if likely:  # also where no guess is sure enough to be shown
        predicted = [max(choices, key=lambda choice: choices[choice]) for choices in likely]
        truth = [label for _, label in data.held_out]
        accuracy = float(accuracy_score(truth, predicted))
        macro_f1 = float(f1_score(truth, predicted, average="macro", labels=data.labels, zero_division=0))
    return Round(
        labels=len(given),
        model_version=version,
        accuracy=accuracy,
        macro_f1=macro_f1,
        **_rare(data, given),
    )


def measure_parts(settings: Settings, project: int, data: DemoData, version: str, given: list[str]) -> Round:
    """As the backend itself tells it of a version: by siblings that never saw what they judge."""
    told = version_store(settings, project).stats(version).get("measured") or {}
    measured = {name: told.get(name) for name in data.asked.measures}
    return Round(len(given), version, None, None, **_rare(data, given), measured=measured)


def _rare(data: DemoData, given: list[str]) -> dict[str, Any]:
    """And what the same number of labels finds on average when tasks come in random order."""
    expected = round(len(given) * data.rare_share, 2)
    return {"rare_found": data.rare_in(given), "rare_found_random": expected}
