"""A headless Chromium, driven over the WebDriver protocol (W3C) by Debian's chromedriver: no package is
needed for it."""

from __future__ import annotations

import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from backend.demo.label_studio import free_port

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = None if CHROMIUM and DRIVER else "no Chromium: apt-get install chromium chromium-driver"
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1400,1000",
]
SECONDS = 60.0
ENTER, TAB = "\ue007", "\ue004"


class Browser:
    """http: of one session."""

    def __init__(self, http: httpx.Client):
        self._http = http

    def go(self, url: str) -> None:
        self._http.post("url", json={"url": url}).raise_for_status()

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that a script returns in the page."""
        answer = self._http.post("execute/sync", json={"script": script, "args": arguments})
        assert answer.is_success, answer.text
        return answer.json()["value"]

    def wait(self, script: str, *arguments: Any) -> Any:
        """The first value of the script's that is not empty; what the page shows where none comes."""
        until = time.monotonic() + SECONDS
        while not (found := self.run(script, *arguments)):
            if time.monotonic() > until:
                shown = self.run("return location.href + '\\n' + document.body.innerText")
                raise AssertionError(f"{script} stays {found!r} on {shown[:2000]}")
            time.sleep(0.3)
        return found

    def drag(self, points: Sequence[tuple[int, int]]) -> None:
        """With the left button, by a mouse: through these points of the window, in CSS pixels."""
        (x, y), *rest = points
        move = {"type": "pointerMove", "duration": 20}
        acts: list[dict[str, Any]] = [{**move, "x": x, "y": y}, {"type": "pointerDown", "button": 0}]
        acts += [{**move, "x": x, "y": y} for x, y in rest]
        acts.append({"type": "pointerUp", "button": 0})
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": acts}
        self._http.post("actions", json={"actions": [mouse]}).raise_for_status()

    def screenshot(self, path: Path) -> None:
        path.write_bytes(b64decode(self._http.get("screenshot").json()["value"]))

    def cdp(self, command: str, **parameters: Any) -> Any:
        """Of the Chrome DevTools protocol."""
        answer = self._http.post("goog/cdp/execute", json={"cmd": command, "params": parameters})
        assert answer.is_success, answer.text
        return answer.json()["value"]

    def set_width(self, width: int) -> None:
        """Of the window, in CSS pixels; below 600 it is a phone's."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.cdp("Emulation.setDeviceMetricsOverride", **size)

    def picture(self, path: Path, *, width: int, height: int, dark: bool = False) -> None:
        """Of the page that is open, from its top, as a window of this width shows it."""
        self.dark(dark)
        self.set_width(width)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(b64decode(shot["data"]))

    def press(self, xpath: str) -> None:
        """The first button that it finds, by the keyboard alone."""
        found = self._http.post("element", json={"using": "xpath", "value": xpath})
        assert found.is_success, found.text
        (element,) = found.json()["value"].values()
        answer = self._http.post(f"element/{element}/value", json={"text": ENTER})
        assert answer.is_success, answer.text

    def tab(self, times: int) -> None:
        """Press the Tab key, from where the focus is."""
        keys = [{"type": kind, "value": TAB} for _ in range(times) for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": keys}
        self._http.post("actions", json={"actions": [keyboard]}).raise_for_status()

    def dark(self, is_dark: bool = True) -> None:
        """What the pages take the visitor to prefer."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme])

    def console(self) -> list[str]:
        """What was written to the console since it was last asked, as "LEVEL: message"."""
        answer = self._http.post("se/log", json={"type": "browser"})
        assert answer.is_success, answer.text
        return [f"{each['level']}: {each['message']}" for each in answer.json()["value"]]

    def log_in(self, label_studio: str, email: str, password: str) -> None:
        self.go(f"{label_studio}/user/login/")
        self.run(
            "document.querySelector('input[name=email]').value = arguments[0];"
            "document.querySelector('input[name=password]').value = arguments[1];"
            "document.querySelector('#login-form').submit()",
            *(email, password),
        )
        self.wait("return !location.pathname.includes('login')")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """folder: of its profile and its log."""
    assert DRIVER is not None
    assert CHROMIUM is not None
    port = free_port(0)
    with (folder / "chromedriver.log").open("wb") as log:
        driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, driver)
        profile = [*OPTIONS, "--window-size=1400,1000", f"--user-data-dir={folder / 'profile'}"]
        chrome = {"binary": CHROMIUM, "args": profile}
        wanted = {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}
        asked = {"capabilities": {"alwaysMatch": wanted}}
        answer = httpx.post(f"{url}/session", json=asked, timeout=60, trust_env=False)
        assert answer.is_success, answer.text
        session = f"{url}/session/{answer.json()['value']['sessionId']}/"
        with httpx.Client(base_url=session, timeout=60, trust_env=False) as http:
            try:
                yield Browser(http)
            finally:
                http.delete(session.rstrip("/")).raise_for_status()  # and with it Chromium's processes
    finally:
        driver.terminate()
        driver.wait(20)


def _wait_for(url: str, driver: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            if httpx.get(f"{url}/status", trust_env=False).json()["value"]["ready"]:
                return
        except (httpx.HTTPError, KeyError):
            pass
        assert driver.poll() is None, "chromedriver has ended"
        assert time.monotonic() < until, "chromedriver is not ready"
        time.sleep(0.1)
