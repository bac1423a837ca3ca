"""Somebody at the pages of a running backend, without a browser: looks at a part, and presses its buttons."""

from __future__ import annotations

import re

import httpx
from redis import Redis

from backend.jobs.page_links import Invited, make_link
from backend.settings import Settings
from tests.conftest import RunningBackend


class Visit:
    """Of one project's page, by somebody who may change something."""

    def __init__(self, backend: RunningBackend, project: int):
        self._path = f"/projects/{project}"
        self._http = httpx.Client(base_url=backend.url, timeout=60, trust_env=False)
        with Redis.from_url(backend.env["REDIS_URL"]) as redis:
            link = make_link(redis, Settings(), Invited("ana", True), backend.url)
        entered = self._http.post("/projects/enter", data={"code": link.split("code=")[1]})
        assert entered.status_code == 303, entered.text

    def part(self, name: str) -> str:
        """What a part shows now, as HTML."""
        answer = self._http.get(self._path, params={"only": name}).raise_for_status()
        assert "cannot be shown" not in answer.text
        return answer.text

    def rows(self, name: str) -> list[str]:
        """The items of its list that have buttons."""
        return [row for row in self.part(name).split("<li>")[1:] if 'name="task"' in row]

    def press(self, button: str, row: str) -> None:
        """button: a part and what its form does, such as "suspects/accept"; row: the item it stands in."""
        (form,) = re.findall(rf'action="{self._path}/{button}".*?</form>', row, re.S)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        answer = self._http.post(f"{self._path}/{button}", data=fields)
        assert answer.status_code == 303, answer.text


def task_of(row: str) -> int:
    return int(row.split('name="task" value="')[1].split('"')[0])
