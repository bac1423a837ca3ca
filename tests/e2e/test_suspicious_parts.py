"""Boxes and areas that are marked wrong, on a running project's page and a real Label Studio: they are
listed, one is sent back and served to somebody else, and what is called right stays so over a retrain."""

from __future__ import annotations

from typing import Any

import pytest

from backend.demo.label_studio import LabelStudioServer, User
from tests.conftest import RunningBackend
from tests.content import FileServer, file_server
from tests.e2e.steps import Start, wait_until
from tests.e2e.test_picture_loop import KINDS, config, given, open_to_all
from tests.e2e.visiting import Visit, task_of
from tests.unit.boxed import picture

COUNT, LABELLED = 28, 22
WRONG = (4, 10)
"""Numbers of red squares that are marked as blue."""


class Marked:
    """A project of COUNT pictures, connected; the first LABELLED marked by its administrator."""

    def __init__(self, server: LabelStudioServer, backend: RunningBackend, files: FileServer, kind: str):
        self._http, self._backend, self._kind = server.admin.http, backend, kind
        settings = {
            "title": f"wrong {kind}",
            "label_config": config(kind),
            "sampling": "Uncertainty sampling",
        }
        self.id = int(self._http.post("/api/projects", json=settings).raise_for_status().json()["id"])
        rows = [{"image": f"{files.url}/{i}.png"} for i in range(COUNT)]
        self._http.post(f"/api/projects/{self.id}/import", json=rows).raise_for_status()
        query = {"project": self.id, "page_size": COUNT, "fields": "all"}
        found = self._http.get("/api/tasks", params=query).json()["tasks"]
        self.tasks = sorted(each["id"] for each in found)
        for number in range(LABELLED):
            self.mark(number)
        connection = {"project": self.id, "url": backend.url, "title": "atlas"}
        self._ml = self._http.post("/api/ml", json=connection).raise_for_status().json()["id"]

    def mark(self, number: int, http: Any = None) -> None:
        said = given(self._kind, number)
        if number in WRONG and http is None:
            said["value"][KINDS[self._kind][1]] = ["blue"]
        path = f"/api/tasks/{self.tasks[number]}/annotations/"
        (http or self._http).post(path, json={"result": [said]}).raise_for_status()

    def published(self) -> str:
        self._backend.supervisor.check()
        return str(self._http.get(f"/api/projects/{self.id}/").json()["model_version"] or "")

    def retrained(self) -> None:
        """By its button in Label Studio, once another version serves."""
        before = self.published()
        self._http.post(f"/api/ml/{self._ml}/train").raise_for_status()
        wait_until(lambda: self.published() > before, 240)

    def change(self, **settings: object) -> None:
        self._http.patch(f"/api/projects/{self.id}/", json=settings).raise_for_status()

    def served_first(self) -> bool:
        return bool(self._http.get(f"/api/projects/{self.id}/").json()["show_overlap_first"])


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_parts_are_listed_one_is_sent_back_and_what_is_called_right_stays_so(
    label_studio: LabelStudioServer, run_backend: Start, kind: str
) -> None:
    with file_server() as files:
        files.answers |= {f"/{i}.png": open_to_all(picture(i)) for i in range(COUNT)}
        backend = run_backend(CONTENT_HOSTS=f"127.0.0.1:{files.port}", AUDIT_SHARE="0")
        project = Marked(label_studio, backend, files, kind)
        wait_until(lambda: project.published() != "", 240)
        page = Visit(backend, project.id)
        second = label_studio.sign_up(f"second-{kind}")
        right, wrong = (project.tasks[number] for number in WRONG)

        def rows(task: int) -> list[str]:
            listed = (row for row in page.rows("suspects") if "/suspects/accept" in row)
            return [row for row in listed if task_of(row) == task]

        wait_until(lambda: bool(rows(right) and rows(wrong)), 240)
        for task in (right, wrong):
            assert all(f"<bdi>{label}</bdi>" in rows(task)[0] for label in ("blue", "red"))
        while found := rows(right):  # its label, and perhaps the one that is missing there
            page.press("suspects/accept", found[0])
        page.press("suspects/send-back", rows(wrong)[0])
        assert not rows(wrong)
        is_served_to_the_second(project, page, second, wrong)

        project.mark(WRONG[1], second.http)
        project.retrained()
        wait_until(lambda: "<h3>Sent back" not in page.part("suspects"), 240)
        assert not rows(right)


def is_served_to_the_second(project: Marked, page: Visit, second: User, task: int) -> None:
    """Also where somebody saved the project as it was before."""
    wait_until(lambda: "Label Studio serves it to somebody else" in page.part("suspects"), 120)
    project.change(show_overlap_first=False)
    wait_until(project.served_first, 120)
    served = second.http.get(f"/api/projects/{project.id}/next").raise_for_status().json()
    assert served["id"] == task
