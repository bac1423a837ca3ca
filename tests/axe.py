"""axe-core, which looks for what keeps people from using a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.browser import Browser

SERIOUS = {"serious", "critical"}


def script() -> Path | None:
    """None where it is not installed."""
    spec = find_spec("axe_playwright_python")
    return None if spec is None or spec.origin is None else Path(spec.origin).with_name("axe.min.js")


def serious_faults(browser: Browser) -> list[str]:
    """Of the page that is open: what it is, and where."""
    file = script()
    assert file is not None, "axe is missing: pip install --no-deps -r requirements-axe.lock"
    # By the DevTools protocol, which no page's policy stops.
    browser.cdp("Runtime.evaluate", expression=file.read_text())
    found = browser.cdp("Runtime.evaluate", expression="axe.run()", awaitPromise=True, returnByValue=True)
    violations: list[dict[str, Any]] = found["result"]["value"]["violations"]
    return [_told(each) for each in violations if each["impact"] in SERIOUS]


def _told(violation: dict[str, Any]) -> str:
    node = violation["nodes"][0]
    return f"{violation['id']} ({violation['impact']}): {node['html'][:200]} {node['failureSummary']}"
