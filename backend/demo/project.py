"""The demo's project in Label Studio, seen through Label Studio's own API alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from backend.demo.asked import CLASSES, Asked
from backend.demo.objects import Objects, TextObjects
from backend.errors import AtlasError

TEXT = TextObjects()
PUBLISH_SECONDS = 180
"""How long a new version may take to appear before the demo gives up."""


def label_config(labels: list[str], objects: Objects = TEXT, asked: Asked = CLASSES) -> str:
    shown = f'<{objects.tag} name="{objects.name}" value="${objects.name}"/>'
    return f"<View>{shown}{asked.controls(objects.name, labels)}</View>"


@dataclass(frozen=True)
class Prediction:
    task: int
    score: float | None
    model_version: str


class DemoProject:
    """A project to label, acted on as one user. Made new, with texts or files of images, or `known` by its
    number and tasks."""

    def __init__(
        self,
        http: httpx.Client,
        title: str,
        labels: list[str],
        texts: list[str],
        known: tuple[int, list[int]] | None = None,
        objects: Objects = TEXT,
        asked: Asked = CLASSES,
    ):
        self._http = http
        self.objects = objects
        self.asked = asked
        self.label_config = label_config(labels, objects, asked)
        self.task_ids: list[int]
        if known is not None:
            self.id, self.task_ids = known
            return
        settings = {"title": title, "label_config": self.label_config, "sampling": "Uncertainty sampling"}
        self.id = int(self._post("/api/projects", settings)["id"])
        self.task_ids = objects.add(http, self.id, texts)

    def connect(self, backend_url: str) -> None:
        """Connect a backend as the Model page does; Label Studio registers the webhook along with it."""
        self._post("/api/ml", {"project": self.id, "url": backend_url, "title": "by hand"})

    def connect_again(self, backend_url: str) -> None:
        """To a backend that may have moved since: what led to its former address goes."""
        present = self._get("/api/ml", project=self.id)
        if backend_url in [connection["url"] for connection in present]:
            return
        hooks = self._get("/api/webhooks/", project=self.id)
        former = [f"/api/webhooks/{hook['id']}/" for hook in hooks]
        former += [f"/api/ml/{connection['id']}" for connection in present]  # with a slash at its end: 404
        for path in former:
            self._http.delete(path).raise_for_status()
        self.connect(backend_url)

    def exists(self) -> bool:
        return self._http.get(f"/api/projects/{self.id}/").status_code == 200

    def labelled_tasks(self) -> set[int]:
        """Ids of the tasks that have all the labels they need."""
        found = self._get(
            "/api/tasks", project=self.id, page_size=100_000, fields="task_only", include="id,is_labeled"
        )
        return {task["id"] for task in found["tasks"] if task["is_labeled"]}

    def model_version(self) -> str:
        return self._get(f"/api/projects/{self.id}/").get("model_version") or ""

    def wait_for_version_after(self, version: str, check: Callable[[], None]) -> str:
        """The first published version that is not `version`. `check` raises when waiting is pointless."""
        deadline = time.monotonic() + PUBLISH_SECONDS
        while time.monotonic() < deadline:
            current = self.model_version()
            if current != version and current.startswith("atlas-"):
                return current
            check()
            time.sleep(0.2)
        raise AtlasError(
            f"no version newer than {version or 'none'} was published within {PUBLISH_SECONDS} s. All parts "
            "run: the machine may be too busy. What was done is kept, so start the demo again"
        )

    def predictions(self, version: str) -> list[Prediction]:
        """Label Studio's stored predictions of a version, lowest score first."""
        raw = self._get("/api/predictions", project=self.id)
        found = [
            Prediction(item["task"], item["score"], item["model_version"])
            for item in raw
            if item["model_version"] == version
        ]
        return sorted(found, key=lambda item: -1.0 if item.score is None else item.score)

    def is_labeled(self, task: int) -> bool:
        return bool(self._get(f"/api/tasks/{task}/")["is_labeled"])

    def _get(self, path: str, **params: Any) -> Any:
        answer = self._http.get(path, params=params)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, body: Any) -> Any:
        answer = self._http.post(path, json=body)
        if answer.is_error:
            raise AtlasError(f"Label Studio refused {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()
