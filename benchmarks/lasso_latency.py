"""From a lasso on the page's map to the re-ordered queue of a real Label Studio.

Starts a fresh Label Studio, the backend and a headless Chromium, labels some tasks, and waits for the map.
Then, several times each, for a small lasso and for one around half of the map: draws it by the mouse, presses
"Label these next", and stops when an annotator who has not asked before is served one of the chosen tasks,
once the page has said that they stand first. "Undo" is pressed in between.

Usage: python -m benchmarks.lasso_latency [TASKS] [REPEATS]
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from redis import Redis

from backend.demo.data import load
from backend.demo.environment import install_label_studio
from backend.demo.label_studio import LabelStudioServer, free_port, start_label_studio
from backend.demo.project import DemoProject
from backend.jobs.page_links import Invited, make_link
from backend.running.backend import inherited_environment, start_backend
from backend.running.embedded_redis import running_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from tests.browser import Browser, browser
from tests.e2e.steps import annotate
from tests.entering import enter_by

LABELS = 30
MAP_SECONDS = 600.0
SHARES = {"a small lasso": 0.15, "half of the map": 0.5}
"""Of the map's height that a lasso has; each is as wide as the map."""
CANVAS = "document.getElementById('map-canvas')"
SAID = "return document.getElementById('map-said').innerText.includes(arguments[0])"


def main(tasks: int = 10_000, repeats: int = 5) -> None:
    data, draw = load(None, 0), random.Random(0)
    rows = [
        (f"{a}; {b}", label) for (a, label), (b, _) in (draw.choices(data.pool, k=2) for _ in range(tasks))
    ]
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor:
        server = start_label_studio(
            supervisor, install_label_studio(Settings().cache_dir), Path(folder) / "ls", free_port(0)
        )
        settings = Settings(data_dir=Path(folder) / "atlas", port=free_port(0))
        settings.data_dir.mkdir()
        env = {
            **inherited_environment(),
            "LABEL_STUDIO_URL": server.url,
            "LABEL_STUDIO_API_KEY": server.access_token(),
            "REDIS_URL": "",
        }
        start_backend(supervisor, settings, env, logs=settings.data_dir)
        project = DemoProject(server.admin.http, "lasso", data.labels, [text for text, _ in rows])
        for task, (_, label) in list(zip(project.task_ids, rows, strict=True))[:LABELS]:
            annotate(server, task, label)
        url = f"http://localhost:{settings.port}"
        project.connect(url)
        project.wait_for_version_after("", supervisor.check)
        with browser(Path(folder)) as opened:
            with Redis.from_url(str(running_redis(settings.data_dir))) as redis:
                enter_by(opened, make_link(redis, settings, Invited("bench", True), url))
            open_map(opened, f"{url}/projects/{project.id}")
            for name, share in SHARES.items():
                took = [lassoed(opened, server, project, share, f"{name} {i}") for i in range(repeats)]
                print(told(name, took))


def open_map(opened: Browser, address: str) -> None:
    until = time.monotonic() + MAP_SECONDS
    while True:
        opened.go(address)
        time.sleep(3)
        if opened.run(f"return {CANVAS} && document.getElementById('map-root').dataset.drawn"):
            return
        assert time.monotonic() < until, "no map was made"


def lassoed(
    opened: Browser, server: LabelStudioServer, project: DemoProject, share: float, turn: str
) -> tuple[float, float, int]:
    """Seconds until the page says that the chosen stand first, and until one is served; how many were
    chosen."""
    annotator = server.sign_up("".join(turn.split()))
    opened.run(f"{CANVAS}.scrollIntoView({{behavior: 'instant', block: 'center'}})")
    box = f"const box = {CANVAS}.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]"
    left, top, width, height = opened.run(box)
    corners = [(0.02, 0.5), (0.5, 0.5), (0.98, 0.5), (0.98, 0.5 + share), (0.5, 0.5 + share)]
    corners += [(0.02, 0.5 + share), (0.02, 0.5)]
    opened.drag([(int(left + x * width), int(top + min(y, 0.98) * height)) for x, y in corners])
    chosen = {int(each) for each in opened.run("return document.getElementById('map-tasks').value").split()}
    assert chosen, "nothing lies within the lasso"
    began = time.perf_counter()
    opened.run("document.getElementById('map-first').click()")
    wait_for(opened, "stand first")
    said = time.perf_counter() - began
    served = annotator.http.get(f"/api/projects/{project.id}/next").raise_for_status().json()["id"]
    took = time.perf_counter() - began
    assert served in chosen, f"task {served} was served, which was not chosen"
    opened.run("document.querySelector('#map-said button').click()")
    wait_for(opened, "back to their places")
    return said, took, len(chosen)


def wait_for(opened: Browser, words: str) -> None:
    until = time.monotonic() + 120
    while not opened.run(SAID, words):
        assert time.monotonic() < until, opened.run("return document.getElementById('map-said').innerText")
        time.sleep(0.05)


def told(name: str, took: list[tuple[float, float, int]]) -> str:
    said, served, chosen = zip(*took, strict=True)
    return (
        f"{name}, {round(statistics.median(chosen)):,} tasks: the page says so after "
        f"{statistics.median(said):.2f} s, one is served after {statistics.median(served):.2f} s "
        f"(median of {len(took)}; {max(served):.2f} at most; asked: 5 at most)"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
