"""Somebody at the pages of a running backend, without a browser: looks at a part, and presses its buttons."""

from __future__ import annotations

import re
from typing import Any

import httpx
from redis import Redis

from backend.jobs.page_links import Invited, make_link
from backend.settings import Settings
from tests.conftest import RunningBackend


class Visit:
    """Of one project's page, by somebody who may change something."""

    def __init__(self, backend: RunningBackend, project: int):
        self._path, self._url, self._cookies = f"/projects/{project}", backend.url, httpx.Cookies()
        with Redis.from_url(backend.env["REDIS_URL"]) as redis:
            link = make_link(redis, Settings(), Invited("ana", True), backend.url)
        entered = self._ask("POST", "/projects/enter", data={"code": link.split("code=")[1]})
        self._cookies = entered.cookies
        assert entered.status_code == 303, entered.text

    def part(self, name: str) -> str:
        """What a part shows now, as HTML."""
        answer = self._ask("GET", self._path, params={"only": name}).raise_for_status()
        assert "cannot be shown" not in answer.text
        return answer.text

    def rows(self, name: str) -> list[str]:
        """The items of its list that have buttons."""
        return [row for row in self.part(name).split("<li>")[1:] if 'name="task"' in row]

    def press(self, button: str, row: str) -> None:
        """button: a part and what its form does, such as "suspects/accept"; row: the item it stands in."""
        (form,) = re.findall(rf'action="{self._path}/{button}".*?</form>', row, re.S)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        answer = self._ask("POST", f"{self._path}/{button}", data=fields)
        assert answer.status_code == 303, answer.text

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """On a connection that is closed with the answer: nobody says when a visit ends."""
        with httpx.Client(base_url=self._url, cookies=self._cookies, timeout=60, trust_env=False) as http:
            return http.request(method, path, **given)


def task_of(row: str) -> int:
    return int(row.split('name="task" value="')[1].split('"')[0])
