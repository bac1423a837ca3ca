"""What a project's page shows and does, on the loop's jobs and a Label Studio in memory."""

from __future__ import annotations

import json
import re

import pytest

from backend.jobs.failed_jobs import FailedJobs
from backend.jobs.serving import serve_as_wished
from backend.jobs.studying import study
from backend.store.changes import Changes
from backend.store.chosen_settings import chosen, settings_of
from backend.store.figures import read_figures, write_figures
from backend.store.locations import project_files
from backend.store.study import read_study
from tests.fakes.label_studio import choice
from tests.fakes.loop import KINDS, Loop, label_of
from tests.fakes.project import FakeProject
from tests.unit.page_visits import Tags, heed_all, page_of, send, two_versions, visit

HOSTILE = [
    '<script>alert("1")</script>',
    '"><img src=x onerror=alert(1)>',
    "\u202ereversed",
    "a\x1b[2Jb",
    "{{7*7}}",
]


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return two_versions(loop)


def test_a_project_without_any_version_has_a_page(loop: Loop) -> None:
    project = loop.create(3)
    loop.state(project).note_changes(0)
    assert "Not trained yet" in page_of(visit(loop), project)


def test_the_page_says_how_good_each_class_is_and_links_to_what_is_confused(
    loop: Loop, project: FakeProject
) -> None:
    client = visit(loop)
    files = project_files(loop.settings, project.id)
    version = loop.versions(project).names()[-1]
    figures = read_figures(files, version)
    assert figures is not None
    tasks = list(project.tasks)[:3]
    figures["controls"][0]["confused"] = [{"given": "disaster", "said": "other", "count": 3, "tasks": tasks}]
    write_figures(files, version, figures)
    text = page_of(client, project)
    assert '<svg class="chart wide"' in text
    (link,) = set(re.findall(r'href="([^"]+)" aria-label="disaster taken for other: 3', text))
    listed = client.get(link.replace("&amp;", "&")).text
    assert all(f"/projects/{project.id}/data?task={task}" in listed for task in tasks)
    assert client.get(link.split("?")[0] + "?control=x").status_code == 404


def test_an_estimate_a_forecast_and_a_goal_are_shown_where_a_version_has_them(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the audit share is 0" in page_of(visit(loop), project)
    told = {
        "trained_on": 30,
        "accuracy": 0.8,
        "estimate": {
            "accuracy": {"value": 0.91, "low": 0.88, "high": 0.935},
            "per_class": {"disaster": {"value": 0.72, "low": 0.61, "high": 0.79}},
            "audited": 60,
        },
        "forecast": {
            "at": {"45": {"value": 0.93, "low": 0.9, "high": 0.95}},
            "goal": 0.95,
            "labels_to_goal": 170,
            "advice": "going on pays: 140 more labels reach 95%",
        },
    }
    monkeypatch.setattr("backend.pages.section.VersionStore.stats", lambda *_: told)
    text = page_of(visit(loop), project)
    for said in (
        "91\u00a0%",
        "88\u00a0% to 94\u00a0%",
        "goal 95 %",
        "Going on pays: 140 more labels reach 95\u00a0%.",
    ):
        assert said in text, said
    assert "61\u00a0% to 79\u00a0%" in text.split("F1, tasks that wait")[1]
    monkeypatch.setattr(
        "backend.pages.section.VersionStore.stats", lambda *_: {**told, "estimate": {"share": 0.05}}
    )
    assert "no estimate with an interval yet" in page_of(visit(loop), project)


def test_labelled_waiting_and_disputed_tasks_make_all(loop: Loop, project: FakeProject) -> None:
    task = next(iter(project.tasks))
    right = label_of(project.tasks[task]["data"]["text"])
    loop.label(project, task, "disaster" if right == "other" else "other", user=2)
    loop.retrain(project)
    text = page_of(visit(loop), project)
    assert "29 of 60 tasks" in text
    assert "30 wait; 1 is disputed or was skipped" in text


def test_who_labelled_and_who_disagrees(loop: Loop, project: FakeProject) -> None:
    first = next(iter(project.tasks))
    loop.label(project, first, "other", user=2)
    study(project.id)
    text = page_of(visit(loop), project)
    assert "user 1" in text
    assert "user 2" in text
    disputed = text.split("Disputed tasks")[1]
    assert f"Task {first}<" in disputed


def test_who_only_looks_is_told_the_names_of_those_who_labelled_here_alone(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {1: "Ana", 2: "bo@example.org", 3: "stranger@example.org"}
    monkeypatch.setattr("backend.labelstudio.users.Users.names", lambda users: names)
    loop.label(project, next(iter(project.tasks)), "other", user=2)
    study(project.id)
    assert read_study(project_files(loop.settings, project.id))["names"] == {
        "1": "Ana",
        "2": "bo@example.org",
    }
    text = page_of(visit(loop, may_change=False), project)
    assert "bo@example.org" in text
    assert "stranger" not in text


def test_pinning_by_the_page_moves_label_studios_queue_and_is_logged_with_who(
    loop: Loop, project: FakeProject
) -> None:
    client = visit(loop)
    old, new = loop.versions(project).names()[-2:]
    assert project.settings["model_version"] == new
    assert send(client, project, "versions/pin", version=old) == 303
    assert f"serve-{project.id}" in loop.jobs()
    assert serve_as_wished(project.id) == {"model_version": old, "pinned": True}
    assert project.settings["model_version"] == old
    assert loop.queue(project)
    (change,) = Changes(project_files(loop.settings, project.id)).last(9)
    assert (change.who, old in change.what) == ("ana", True)
    assert "is pinned" in page_of(client, project)
    loop.redis.flushall()
    loop.state(project).wished_version = None
    assert send(client, project, "versions/unpin") == 303
    assert serve_as_wished(project.id) == {"model_version": new, "pinned": False}
    assert send(client, project, "versions/pin", version="atlas-999999") == 400


def test_two_versions_are_compared(loop: Loop, project: FakeProject) -> None:
    old, new = loop.versions(project).names()[-2:]
    text = page_of(visit(loop), project, f"?one={old}&other={new}")
    compared = text.split('aria-label="Two versions compared"')[1].split("</table>")[0]
    assert ">20</td>" in compared
    assert ">30</td>" in compared
    assert "+10" in compared
    assert "<td>+10 labels</td>" in text


def test_a_version_whose_files_are_gone_says_so(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = loop.versions(project).names()[-2:]
    assert "Of a version that is deleted" not in page_of(visit(loop), project)
    monkeypatch.setattr("backend.pages.section.VersionStore.names", lambda *_: [new])
    text = page_of(visit(loop), project)
    row = text.split(f'class="name">{old}<')[1].split("</tr>")[0]
    assert "deleted" in row
    assert "Pin" not in row
    assert f"as many as KEEP_VERSIONS says ({loop.settings.keep_versions})" in text


def test_the_strategy_is_named_by_the_connection_then_the_page_then_the_environment(
    loop: Loop, project: FakeProject
) -> None:
    client = visit(loop)

    def held() -> tuple[str, str]:
        row = page_of(client, project).split('for="set-strategy"')[1].split("</tr>")[0]
        value, place = re.search("<strong>(.*?)</strong>", row), re.search('"holds">(.*?)</span>', row)
        assert value is not None
        assert place is not None
        return value[1], place[1]

    assert held() == ("auto", "the environment")
    assert send(client, project, "versions/settings", strategy="margin", blind="yes") == 303
    assert held() == ("margin", "this page")
    assert settings_of(loop.settings, project.id).blind is True
    assert loop.retrain(project)["strategy"] == "margin"
    loop.state(project).strategy = "entropy"
    assert held() == ("entropy", "the connection&#39;s extra params")
    assert send(client, project, "versions/settings", strategy="no such") == 400
    assert send(client, project, "versions/settings", strategy="") == 303
    assert chosen(loop.settings, project.id) == {}


def test_blind_by_the_page_holds_for_refills(loop: Loop, project: FakeProject) -> None:
    client = visit(loop)
    assert project.settings["show_collab_predictions"] is True
    assert send(client, project, "versions/settings", blind="yes") == 303
    loop.refill(project)
    assert project.settings["show_collab_predictions"] is False
    assert send(client, project, "versions/settings", blind="no") == 303
    heed_all(loop, project)
    assert project.settings["show_collab_predictions"] is True
    loop.refill(project)
    assert project.settings["show_collab_predictions"] is True


def test_who_may_only_look_sees_no_button_that_changes_anything(loop: Loop, project: FakeProject) -> None:
    client = visit(loop, may_change=False)
    forms = [attrs for tag, attrs in Tags(page_of(client, project)).found if tag == "form"]
    posted = [form for form in forms if form.get("method") == "post"]
    assert {form["action"] for form in posted} <= {"/projects/leave"}
    assert send(client, project, "versions/unpin") == 403


def test_hostile_labels_texts_and_names_are_text(loop: Loop) -> None:
    project = loop.fake.create([f"{each} {i}" for i in range(4) for each in HOSTILE], title=HOSTILE[1])
    loop.fake.spread(project.id)
    loop.state(project).note_changes(1)
    for task in list(project.tasks)[:12]:
        for user, label in ((1, KINDS[task % 2]), (2, KINDS[task % 2]), (3, KINDS[1 - task % 2])):
            loop.fake.annotate(project.id, task, [choice(label[0])], user=user)
    loop.retrain(project)
    study(project.id)
    files = project_files(loop.settings, project.id)
    found = json.loads(files.read("study.json"))
    found["names"] = dict(zip("123", HOSTILE, strict=False))
    files.write("study.json", json.dumps(found).encode())
    version = loop.versions(project).names()[-1]
    classes = [
        {"name": each, "support": 5, "precision": 0.5, "recall": 0.5, "f1": 0.5, "right": 2}
        for each in HOSTILE
    ]
    pairs = [{"given": HOSTILE[0], "said": HOSTILE[1], "count": 2, "tasks": list(project.tasks)[:2]}]
    told = {"control": HOSTILE[4], "kind": "choice", "judged": 9, "classes": classes, "confused": pairs}
    write_figures(files, version, {"controls": [told]})
    FailedJobs(loop.redis, project.id).note("retrain", HOSTILE[0])
    client = visit(loop)
    text = page_of(client, project)
    link = next(
        str(attrs["href"]) for tag, attrs in Tags(text).found if "confused?" in str(attrs.get("href"))
    )
    for shown in (text, client.get(link).text, client.get("/projects").text):
        tags = Tags(shown).found
        scripts = [str(attrs.get("src")) for tag, attrs in tags if tag == "script"]
        assert all(each.startswith("/projects/static/") for each in scripts)
        assert not [
            tag for tag, attrs in tags if tag == "img" or any(name.startswith("on") for name in attrs)
        ]
        assert not [tag for tag, attrs in tags if "style" in attrs]
        assert not set(shown) & {"\u202e", "\x1b"}
    assert "{{7*7}}" in text


def test_a_page_asks_label_studio_for_nothing(loop: Loop, project: FakeProject) -> None:
    client = visit(loop)
    before = len(loop.fake.requests)
    page_of(client, project)
    client.get("/projects")
    assert len(loop.fake.requests) == before
