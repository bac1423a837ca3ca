"""The map in a real browser: a lasso re-orders a real Label Studio's queue, and its tab shows the tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.jobs.page_links import Invited, make_link
from backend.settings import Settings
from tests.browser import MISSING, Browser, browser
from tests.conftest import RunningBackend
from tests.e2e.steps import Start, annotate, follow_queue, trained_project, wait_until
from tests.entering import enter_by

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
TASKS = 60
BOX = "const box = document.getElementById('map-canvas').getBoundingClientRect();"
"""In the window."""


def open_map(found: Browser, backend: RunningBackend, project: DemoProject) -> None:
    with Redis.from_url(backend.env["REDIS_URL"]) as redis:
        settings = Settings(redis_url=backend.env["REDIS_URL"])
        enter_by(found, make_link(redis, settings, Invited("ann", True), backend.url))
    found.go(f"{backend.url}/projects/{project.id}")
    found.wait("const map = document.getElementById('map-root'); return map && map.dataset.drawn")
    found.run("document.getElementById('map-canvas').scrollIntoView({behavior: 'instant', block: 'center'})")


def lasso_half(found: Browser) -> list[int]:
    """Around the left half of the map; returns the tasks that the page takes to be in it."""
    left, top, width, height = found.run(f"{BOX} return [box.left, box.top, box.width, box.height]")
    corners = [(0.02, 0.02), (0.5, 0.02), (0.5, 0.5), (0.5, 0.98), (0.02, 0.98), (0.02, 0.5), (0.02, 0.03)]
    found.drag([(int(left + x * width), int(top + y * height)) for x, y in corners])
    found.wait("return document.getElementById('map-said').innerText.includes('selected')")
    return [int(task) for task in found.run("return document.getElementById('map-tasks').value").split()]


def press(found: Browser, button: str, until: str) -> None:
    found.run("document.getElementById(arguments[0]).click()", button)
    found.wait("return document.getElementById('map-said').innerText.includes(arguments[0])", until)


def test_a_lasso_is_what_label_studio_serves_next_over_a_retrain_until_released(
    label_studio: LabelStudioServer, run_backend: Start, tmp_path: Path
) -> None:
    backend = run_backend(RETRAIN_EVERY="1", QUEUE_HEAD="20")
    project = trained_project(label_studio, backend, "map", TASKS)
    with browser(tmp_path) as found:
        open_map(found, backend, project)
        chosen = set(lasso_half(found))
        assert 5 < len(chosen) < TASKS - 5
        press(found, "map-first", "stand first")
        first = follow_queue(label_studio, project)["id"]
        assert first in chosen
        wait_until(lambda: stand_first(project, chosen))

        version = project.model_version()
        annotate(label_studio, first, "other")
        project.wait_for_version_after(version, backend.supervisor.check)
        served = follow_queue(label_studio, project)["id"]
        assert served in chosen - {first}

        press(found, "map-show", "Data Manager")
        shown = found.run("return document.querySelector('#map-said a').href")
        tab = shown.split("tab=")[1]
        listed = label_studio.admin.http.get("/api/tasks", params={"view": tab, "page_size": 100}).json()
        assert {task["id"] for task in listed["tasks"]} == chosen
        found.log_in(label_studio.url, label_studio.admin.email, label_studio.admin.password)
        found.go(shown)
        found.wait("return document.body.innerText.includes('Selected on the map')")

        found.go(f"{backend.url}/projects/{project.id}")
        found.wait("return document.querySelector('.map-wishes button') !== null")
        found.run("document.querySelector('.map-wishes button').click()")
        found.wait("return document.body.innerText.includes('back to their places')")
        wait_until(lambda: not in_front(project))


def stand_first(project: DemoProject, chosen: set[int]) -> bool:
    """Whether all of the chosen that are published stand before the others: a refill moves the last."""
    queue = [item.task for item in project.predictions(project.model_version())]
    wanted = [task for task in queue if task in chosen]
    return queue[: len(wanted)] == wanted


def in_front(project: DemoProject) -> list[int]:
    """Tasks that stand before the whole queue."""
    found = project.predictions(project.model_version())
    return [item.task for item in found if item.score is not None and item.score < 1e-6]
