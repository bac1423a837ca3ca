"""The map's section: what its page shows, what its script fetches, and what its buttons ask for."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from backend.jobs.heeding import heed_selection
from backend.jobs.page_links import Invited
from backend.jobs.projecting import project_items
from backend.jobs.rare_finds import rare_classes
from backend.jobs.selections import FIRST, Selection, Selections
from backend.jobs.studying import study
from backend.learning import projection
from backend.store.item_map import header_of
from backend.store.label_record import LabelledFor, LabelRecord
from backend.store.locations import project_files
from backend.store.reason import Reason
from tests.entering import entered
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject

HOSTILE = "<script>alert(1)</script>\u202eflood"


@pytest.fixture
def project(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    """Whose map is made."""
    monkeypatch.setattr(projection, "EARLY", 25)
    monkeypatch.setattr(projection, "LATE", 25)
    project = loop.create(20, labeled=8)
    loop.fake.add_tasks(project.id, [HOSTILE])
    loop.retrain(project)
    project_items(project.id)
    return project


def visitor(loop: Loop, *, may_change: bool = True, who: str = "ann") -> FlaskClient:
    return entered(loop.settings, Invited(who, may_change))


def seal(page: str) -> str:
    found = re.search(r'name="seal" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def test_the_page_tells_of_the_map_and_its_script_gets_it(loop: Loop, project: FakeProject) -> None:
    client = visitor(loop)
    page = client.get(f"/projects/{project.id}").text
    assert "21 items" in page
    assert "/projects/static/map.js" in page
    content = client.get(f"/projects/{project.id}/map/data").data
    assert header_of(content)["items"] == 21
    with client.get("/projects/static/map.js") as script:
        assert script.status_code == 200


def test_a_map_that_is_not_up_to_date_is_asked_for_by_looking_at_the_page(
    loop: Loop, project: FakeProject
) -> None:
    client = visitor(loop)
    client.get(f"/projects/{project.id}")
    assert f"map-{project.id}" not in loop.jobs()
    loop.label(project, loop.queue(project)[0])
    client.get(f"/projects/{project.id}")
    assert f"map-{project.id}" in loop.jobs()


def test_what_is_hovered_over_is_told_as_text(loop: Loop, project: FakeProject) -> None:
    task = max(project.tasks)
    told = visitor(loop).get(f"/projects/{project.id}/map/item?task={task}").get_json()
    assert told == {"text": "<script>alert(1)</script>\\u202eflood"}
    assert visitor(loop).get(f"/projects/{project.id}/map/item?task=x").get_json() == {}


def test_a_lasso_is_done_by_a_job_and_its_page_can_follow(loop: Loop, project: FakeProject) -> None:
    client = visitor(loop)
    page = client.get(f"/projects/{project.id}").text
    wanted = loop.queue(project)[-2:]
    key = "0123456789abcdef"
    form = {"seal": seal(page), "tasks": " ".join(map(str, wanted)), "key": key}
    answer = client.post(f"/projects/{project.id}/map/first", data=form)
    assert answer.status_code == 303
    assert f"heed-{project.id}-{key}" in loop.jobs()
    assert client.get(f"/projects/{project.id}/map/asked?key={key}").get_json()["said"] == ""
    heed_selection(project.id, key)
    told = client.get(f"/projects/{project.id}/map/asked?key={key}").get_json()
    assert "2 tasks stand first" in told["said"]
    assert loop.queue(project)[:2] == wanted
    listed = client.get(f"/projects/{project.id}").text
    assert "ann" in listed
    assert "Release" in listed
    release = {"seal": seal(listed), "wish": str(told["wish"])}
    assert client.post(f"/projects/{project.id}/map/release", data=release).status_code == 303


@pytest.mark.parametrize("tasks", ["", "1; DROP", "-1", "0", "<b>"])
def test_what_is_no_list_of_tasks_is_refused_in_words(loop: Loop, project: FakeProject, tasks: str) -> None:
    client = visitor(loop)
    form = {"seal": seal(client.get(f"/projects/{project.id}").text), "tasks": tasks}
    answer = client.post(f"/projects/{project.id}/map/first", data=form)
    assert answer.status_code == 400
    assert "12 15 80" in answer.text


def test_who_may_only_look_changes_nothing(loop: Loop, project: FakeProject) -> None:
    client = visitor(loop, may_change=False)
    page = client.get(f"/projects/{project.id}").text
    assert "Label these next" not in page
    form = {"seal": seal(page), "tasks": "1", "key": "0123456789abcdef"}
    assert client.post(f"/projects/{project.id}/map/first", data=form).status_code == 403
    assert Selections(loop.redis, project.id).read("0123456789abcdef") is None


def test_a_job_is_kept_of_who_asked(loop: Loop, project: FakeProject) -> None:
    client = visitor(loop, who="eve <i>")
    form = {"seal": seal(client.get(f"/projects/{project.id}").text), "tasks": "1", "key": "ab" * 8}
    client.post(f"/projects/{project.id}/map/first", data=form)
    kept = Selections(loop.redis, project.id).read("ab" * 8)
    assert kept is not None
    assert (kept.kind, kept.by, kept.tasks) == (FIRST, "eve <i>", (1,))


def test_before_any_label_nothing_is_said_of_doubts(loop: Loop) -> None:
    project = loop.create(12)
    loop.retrain(project)
    page = visitor(loop).get(f"/projects/{project.id}").text
    section = page[page.index('id="next"') : page.index('id="map"')]
    assert "There is no model to ask yet" in section
    assert "leave in doubt" not in section


def test_what_comes_next_is_told_with_why(loop: Loop, project: FakeProject) -> None:
    client = visitor(loop)
    page = client.get(f"/projects/{project.id}").text
    section = page[page.index('id="next"') :]
    first = loop.queue(project)[0]
    assert f"?task={first}" in section
    assert section.index(f"?task={first}") < section.index(f"?task={loop.queue(project)[1]}")
    assert f"{first}</a> is first. Why: " in section
    assert "Each covers most of what the tasks chosen before it leave in doubt" in section
    assert "covers more of what is in doubt than any other task" in section
    assert "&lt;script&gt;alert(1)" in section
    key = loop.dispatcher.request_heed(project.id, Selection(FIRST, (loop.queue(project)[-1],)))
    wanted = loop.queue(project)[-1]
    heed_selection(project.id, key)
    section = client.get(f"/projects/{project.id}").text
    assert section.index(f"?task={wanted}") < section.index(f"?task={first}")


def test_rare_classes_are_told_once_chance_brought_enough(loop: Loop, project: FakeProject) -> None:
    files, tasks = project_files(loop.settings, project.id), sorted(project.tasks)
    study(project.id)
    assert "Not known yet" in visitor(loop).get(f"/projects/{project.id}").text
    reasons = [Reason("picked", "margin"), Reason("audit")]
    for i in range(8, 20):
        loop.label(project, tasks[i], "other")
    loop.retrain(project)
    rows = [LabelledFor(task, i, reasons[i % 2]) for i, task in enumerate(tasks)]
    LabelRecord(files).add(rows)
    study(project.id)
    page = visitor(loop).get(f"/projects/{project.id}").text
    assert "Of 10 labelled tasks drawn at random</th>" in page  # of 10 or 11 that the record has
    told = page.split('aria-label="Rare classes"')[1].split("</table>")[0]
    assert "<bdi>disaster</bdi>" in told
    assert "<bdi>other</bdi>" not in told


def test_a_class_is_rare_that_has_fewer_labels_than_the_mean() -> None:
    assert rare_classes(["a"] * 9 + ["b"] * 3 + ["c"] * 2 + ["d"] * 2) == ["c", "d", "b"]
    assert rare_classes(["a", "b"]) == rare_classes([]) == []
