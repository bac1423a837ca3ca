"""The page of a project of each kind in a real Chromium: shown whole, usable by everybody, on a phone, and
without scripts."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from backend.jobs.page_links import Invited, make_link
from backend.pages.sections import SECTIONS
from tests import axe
from tests.browser import MISSING, SECONDS, Browser, browser
from tests.content import file_server
from tests.entering import enter_by
from tests.fakes.loop import Loop
from tests.fakes.wrapped import served
from tests.pages_served import pages_served
from tests.unit.every_kind import EveryKind, made_quickly
from tests.unit.squares import COUNT, picture

pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")
PHONE = 390
TOLD = {
    "texts": ("disaster", "What is taken for what", "Has the data shifted?"),
    "several controls": ("glad", "Not measured: topic"),
    "images": ("red", "blue", "What is taken for what"),
    "spans": ("PER", "LOC", "F1"),
    "boxes": ("red", "blue", "mAP@0.5"),
    "areas": ("red", "blue", "IoU"),
    "pairs": ("left", "right"),
    "stars": ("Has the data shifted?",),
    "numbers": ("no classes",),
    "free text": ("free texts have none",),
    "wrapped": ("disaster", "other"),
}
"""What the part “How good” says of each kind, among others."""


FOCUSABLE = """
    const focusable = [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
    )].filter(each => each.checkVisibility() && !each.disabled && each.tabIndex >= 0)
"""
WATCHED = """
    window.reached = []
    document.addEventListener("focusin", event => reached.push(event.target))
    window.unmarked = []
    document.addEventListener("focusin", ({target}) => {
        if (getComputedStyle(target).outlineStyle === "none") unmarked.push(target.outerHTML.slice(0, 150))
    })
"""


def in_page(opened: Browser, expression: str) -> Any:
    """Its value once the whole page has come, also where the page's own scripts are switched off."""
    until = monotonic() + SECONDS
    whole = f"document.readyState === 'complete' ? {expression} : undefined"
    while (
        "value"
        not in (asked := opened.cdp("Runtime.evaluate", expression=whole, returnByValue=True))["result"]
    ):
        assert monotonic() < until, f"{expression}: {asked}"
    return asked["result"]["value"]


def faults(opened: Browser, address: str, told: tuple[str, ...]) -> list[str]:
    """What is wrong with a page."""
    opened.set_width(1280)
    opened.go(address)
    found = axe.serious_faults(opened)
    opened.dark()
    found += [f"in the dark: {each}" for each in axe.serious_faults(opened)]
    opened.dark(False)
    found += faults_by_keyboard(opened)
    found += [line for line in opened.console() if line.startswith(("SEVERE", "WARNING"))]
    shown = in_page(opened, "document.getElementById('how-good').innerText")
    found += [f"{each!r} is not told in {shown[:500]!r}" for each in told if each not in shown]
    opened.set_width(PHONE)
    width = in_page(opened, "document.documentElement.scrollWidth")
    return [*found, *([f"{width} pixels wide on a phone"] if width > PHONE else [])]


def faults_by_keyboard(opened: Browser) -> list[str]:
    """All that can be pressed or filled in is reached by the Tab key, in its order, and one sees where one
    is."""
    count = opened.run(f"{WATCHED}{FOCUSABLE}return focusable.length")
    opened.tab(count)
    passed = "focusable.map((each, i) => reached[i] === each ? '' : each.outerHTML.slice(0, 150))"
    order = opened.run(f"{FOCUSABLE}return {passed}")
    unreached = [each for each in order if each]
    found = [f"{len(unreached)} not reached in turn, first {unreached[0]}"] if unreached else []
    return [*found, *(f"one does not see the focus on {each}" for each in opened.run("return unmarked"))]


def faults_without_scripts(opened: Browser, address: str) -> list[str]:
    opened.go(address)
    text = in_page(opened, "document.body.innerText")
    sections = in_page(opened, "document.querySelectorAll('section.card h2').length")
    return [
        *(["it cannot be shown"] if "cannot be shown" in text else []),
        *([f"{sections} parts"] if sections != len(SECTIONS) else []),
        *([] if "is drawn by a script" in text else ["nothing in the map's place"]),
    ]


def test_the_page_of_each_kind_is_whole_for_everybody(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made_quickly(monkeypatch)
    with file_server() as files, served() as theirs:
        files.answers |= {f"/{i}.png": picture(i) for i in range(COUNT)}
        loop.set(
            content_hosts=f"127.0.0.1:{files.port}",
            wrapped_backends=theirs.url.removeprefix("http://"),
            wrapped_rate=1e6,
            encode_within=60,
            queue_head=100,
        )
        projects = EveryKind(loop, files, theirs).made()
        with pages_served(loop.settings) as url, browser(tmp_path) as opened:
            with Redis.from_url(loop.settings.redis_url) as redis:
                enter_by(opened, make_link(redis, loop.settings, Invited("ana", True), url))
            assert axe.serious_faults(opened) == []
            addresses = {name: f"{url}/projects/{project.id}" for name, project in projects.items()}
            found = {name: faults(opened, addresses[name], TOLD[name]) for name in addresses}
            opened.cdp("Emulation.setScriptExecutionDisabled", value=True)
            for name, address in addresses.items():
                found[name] += faults_without_scripts(opened, address)
    assert {name: each for name, each in found.items() if each} == {}
