"""The pages of a running project in a real Chromium: no error, nothing that keeps people from using them, and
what they change in a real Label Studio with scripts switched off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.jobs.page_links import Invited, make_link
from backend.settings import Settings
from tests import axe
from tests.browser import MISSING, Browser, browser
from tests.conftest import RunningBackend
from tests.e2e.steps import (
    DATA,
    LABELS,
    TEXTS,
    Start,
    annotate,
    follow_queue,
    scores,
    tasks_of,
    wait_until,
)
from tests.entering import enter_by

HOSTILE = "<script>document.title = 'taken'</script><b onmouseover=alert(1)>\u202ereversed</b>"
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path) as found:
        yield found


def link(backend: RunningBackend, *, may_change: bool = True) -> str:
    with Redis.from_url(backend.env["REDIS_URL"]) as redis:
        return make_link(redis, Settings(), Invited(f"ana {HOSTILE}", may_change), backend.url)


def project_of(server: LabelStudioServer, backend: RunningBackend) -> DemoProject:
    """Two versions, of hostile texts among others, and a label that two annotators do not agree about."""
    texts = [*TEXTS[:38], f"{HOSTILE} storm", f"{HOSTILE} tea"]
    project = DemoProject(server.admin.http, f"news {HOSTILE}"[:50], DATA.labels, texts)
    project.connect(backend.url)
    project.wait_for_version_after("", backend.supervisor.check)
    version = project.model_version()
    chosen = [*tasks_of(project, "disaster")[:4], *tasks_of(project, "other")[:6]]
    for task in chosen:
        annotate(server, task, LABELS[project.task_ids.index(task)])
    project.wait_for_version_after(version, backend.supervisor.check)
    return project


def test_pages_run_no_text_keep_nobody_out_and_move_the_queue(
    label_studio: LabelStudioServer, run_backend: Start, opened: Browser
) -> None:
    backend = run_backend(ENCODER="lsa")
    project = project_of(label_studio, backend)
    address = f"{backend.url}/projects/{project.id}"

    assert httpx.get(address).status_code == 401
    opened.go(address)
    assert opened.run("return document.querySelector('h1').innerText") == "Who are you?"
    assert axe.serious_faults(opened) == []
    opened.console()  # has that 401

    enter_by(opened, link(backend))
    opened.wait("return location.pathname === '/projects' && document.querySelector('table')")
    assert axe.serious_faults(opened) == []
    opened.go(address)
    opened.wait("return document.querySelectorAll('section.card h2').length > 5")
    for section in ("How good", "Who", "The map", "Suspicious labels", "Versions and settings"):
        assert section in opened.run("return document.body.innerText")
    for dark in (False, True):
        opened.dark(dark)
        assert axe.serious_faults(opened) == []
    wait_until(lambda: "news" in httpx.get(address, headers={"Cookie": cookie(opened)}).text)
    opened.go(address)
    assert opened.run("return document.title").startswith("news")  # no text or name has run
    opened.cdp("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    assert opened.run("return document.documentElement.scrollWidth") <= 390
    errors = [line for line in opened.console() if line.startswith(("SEVERE", "WARNING"))]
    assert errors == []

    opened.cdp("Emulation.setScriptExecutionDisabled", value=True)
    opened.go(address)
    newest = project.model_version()
    opened.press("//form[contains(@action, '/versions/pin')]//button[contains(., 'Roll back')]")
    wait_until(lambda: project.model_version() != newest)
    before = project.model_version()
    assert before < newest
    served = follow_queue(label_studio, project)
    assert {each["model_version"] for each in served["predictions"]} == {before}
    assert served["id"] == min(scores(project, before).items(), key=lambda each: each[1])[0]
    assert json.loads((backend.data_dir / f"projects/{project.id}/published.json").read_text())["pinned"]


def cookie(opened: Browser) -> str:
    (held,) = opened.cdp("Network.getAllCookies")["cookies"]
    assert held["httpOnly"]
    assert held["sameSite"] == "Strict"
    return f"{held['name']}={held['value']}"
