"""Everything fails at random while three annotators work; afterwards nothing is lost and nothing is left.

CHAOS_SECONDS says for how long, CHAOS_SEED repeats a run's decisions, CHAOS_REPORT takes what was done.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

from backend.demo.label_studio import LabelStudioServer, User
from backend.demo.project import DemoProject
from tests.e2e.aftermath import problems
from tests.e2e.cluster import Cluster, clusters
from tests.e2e.monkey import PARTS, Monkey, processes_of
from tests.e2e.steps import DATA, follow_queue, new_project

SECONDS = float(os.environ.get("CHAOS_SECONDS", "40"))
SEED = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
LABELS_WANTED = 250
"""At most about so many, however long it takes."""
HEAL_SECONDS = 300
TEXTS = DATA.pool[:300]
LABEL_OF = dict(DATA.pool)


class Annotator(threading.Thread):
    """Labels what is served; now and then skips, corrects, deletes, or imports and deletes tasks."""

    def __init__(self, user: User, project: DemoProject, seed: int):
        super().__init__(daemon=True)
        self.done: Counter[str] = Counter()
        self.ended = threading.Event()
        self._http = user.http
        self._project = project
        self._random = random.Random(seed)
        self._mine: list[tuple[int, str]] = []

    def run(self) -> None:
        pause = max(0.5, 3 * SECONDS / LABELS_WANTED)
        while not self.ended.wait(self._random.uniform(0.5, 1.5) * pause):
            deed = self._random.choices(
                [self._label, self._skip, self._correct, self._remove, self._add_tasks, self._drop_task],
                [20, 2, 2, 1, 1, 1],
            )[0]
            try:
                deed()
                self.done[deed.__name__.strip("_")] += 1
            except (httpx.HTTPError, LookupError):  # Label Studio's own database may be busy; nothing to do
                self.done["failed"] += 1

    def _label(self, **more: object) -> None:
        task = self._get(f"/api/projects/{self._project.id}/next")
        label = LABEL_OF[task["data"]["text"]]
        made = self._post(f"/api/tasks/{task['id']}/annotations/", {"result": [_region(label)], **more})
        self._mine.append((made["id"], label))

    def _skip(self) -> None:
        self._label(was_cancelled=True)
        self._mine.pop()

    def _correct(self) -> None:
        number, label = self._random.choice(self._mine)
        other = next(name for name in DATA.labels if name != label)
        self._http.patch(f"/api/annotations/{number}/", json={"result": [_region(other)]}).raise_for_status()

    def _remove(self) -> None:
        removed = self._random.choice(self._mine)  # an IndexError where there is none yet
        self._mine.remove(removed)
        number, _ = removed
        self._http.delete(f"/api/annotations/{number}/").raise_for_status()

    def _add_tasks(self) -> None:
        texts = self._random.sample(TEXTS, 5)
        tasks = [{"data": {"text": text}} for text, _ in texts]
        self._post(f"/api/projects/{self._project.id}/import", tasks)

    def _drop_task(self) -> None:
        task = self._get(
            "/api/tasks", project=self._project.id, page_size=1, page=self._random.randint(1, 50)
        )
        self._http.delete(f"/api/tasks/{task['tasks'][0]['id']}/").raise_for_status()

    def _get(self, path: str, **params: object) -> dict:
        answer = self._http.get(path, params=params)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, body: object) -> dict:
        answer = self._http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()


def _region(label: str) -> dict:
    return {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}


def test_nothing_is_lost_and_nothing_is_left(label_studio: LabelStudioServer, tmp_path: Path) -> None:
    print(f"\nCHAOS_SEED={SEED}")
    project = new_project(label_studio, "chaos", [text for text, _ in TEXTS])
    team = [Annotator(label_studio.sign_up(f"chaos{i}-{SEED}"), project, SEED + 1 + i) for i in range(3)]
    with clusters(tmp_path, label_studio) as cluster:
        cluster.start(*PARTS)
        project.connect(cluster.road.url)
        project.wait_for_version_after("", lambda: None)
        for annotator in team:
            annotator.start()
        monkey = Monkey(cluster, SEED)
        monkey.rage(SECONDS)
        for annotator in team:
            annotator.ended.set()
            annotator.join()
        seconds = _heal(cluster, project, monkey)
        served = follow_queue(label_studio, project, team[0]._http)["id"]
        _report(monkey, team, seconds, cluster, project)
        assert served in {item.task for item in project.predictions(project.model_version())}
        cluster.stop_all()
        assert not processes_of(cluster.data_dir)


def _heal(cluster: Cluster, project: DemoProject, monkey: Monkey) -> float:
    """Seconds until all is as it should be."""
    start = time.monotonic()
    while left := problems(cluster, project):
        assert time.monotonic() < start + HEAL_SECONDS, (f"CHAOS_SEED={SEED}", left)
        monkey.revive()
        time.sleep(1)
    return time.monotonic() - start


def _report(
    monkey: Monkey, team: list[Annotator], seconds: float, cluster: Cluster, project: DemoProject
) -> None:
    told = {
        "seed": SEED,
        "seconds": SECONDS,
        "injected": dict(sorted(monkey.counts.items())),
        "annotators": dict(sum((annotator.done for annotator in team), Counter())),
        "healed_after_seconds": round(seconds, 1),
        "last_version": project.model_version(),
        "redis_keys": sorted(key.decode() for key in cluster.redis.scan_iter()),
    }
    text = json.dumps(told, indent=2)
    print(text)
    if "CHAOS_REPORT" in os.environ:
        Path(os.environ["CHAOS_REPORT"]).write_text(text + "\n")
