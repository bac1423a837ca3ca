"""What is done on a project's page with labels and versions: judged, sent back, taken along."""

from __future__ import annotations

import csv
import re
import zipfile
from io import BytesIO

import pytest

from backend.jobs.studying import study
from backend.store.changes import Changes
from backend.store.locations import project_files
from backend.store.study import read_study, write_study
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject
from tests.unit.page_visits import heed_all, page_of, send, two_versions, visit


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return two_versions(loop)


def test_a_suspicious_label_is_accepted_once_or_sent_back_and_taken_off_again(
    loop: Loop, project: FakeProject
) -> None:
    for task in list(project.tasks)[30:34]:
        right = label_of(project.tasks[task]["data"]["text"])
        loop.label(project, task, "disaster" if right == "other" else "other")
    loop.retrain(project)
    study(project.id)
    client = visit(loop)
    listed = re.findall(r'name="task" value="(\d+)"', page_of(client, project))
    assert listed
    one, other = listed[0], next(each for each in listed if each != listed[0])
    assert send(client, project, "suspects/accept", task=one) == 303
    assert send(client, project, "suspects/send-back", task=other) == 303
    text = page_of(client, project).split('id="suspects"')[1].split("</section>")[0]
    assert f'value="{one}"' not in text
    assert "to be opened in Label Studio" in text.split(f"Task {other}<")[1]
    assert heed_all(loop, project) == ["1 task waits for one more annotator, before any new task"]
    assert project.queue(user=2)[0] == int(other)
    assert int(other) not in project.queue(user=1)
    study(project.id)
    text = page_of(client, project)
    assert "serves it to somebody else" in text.split(f"Task {other}<")[1]
    loop.label(project, int(other), user=2)
    study(project.id)
    assert "<h3>Sent back" not in page_of(client, project)
    assert send(client, project, "suspects/send-back", task=one) == 303
    assert send(client, project, "suspects/undo", task=one) == 303
    assert "<h3>Sent back" not in page_of(client, project)
    assert send(client, project, "suspects/accept", task="0") == 400


def test_a_second_opinion_is_asked_for_or_said_not_to_be_needed_and_who_said_so_is_logged(
    loop: Loop, project: FakeProject
) -> None:
    for task in list(project.tasks)[:3]:
        right = label_of(project.tasks[task]["data"]["text"])
        loop.label(project, task, "disaster" if right == "other" else "other", user=2)
    study(project.id)
    client = visit(loop)

    def listed() -> list[str]:
        section = page_of(client, project).split('id="opinions"')[1].split("</section>")[0]
        return list(dict.fromkeys(re.findall(r'name="task" value="(\d+)"', section)))

    one, other = listed()[:2]
    assert {int(one), int(other)} < set(list(project.tasks)[:3])
    assert send(client, project, "opinions/accept", task=one) == 303
    assert send(client, project, "opinions/send-back", task=other) == 303
    assert not {one, other} & {*listed()}
    heed_all(loop, project)
    assert project.queue(user=3)[0] == int(other)
    assert send(client, project, "opinions/accept", task="0") == 400
    settled, sent = Changes(project_files(loop.settings, project.id)).last(9)
    assert {settled.who, sent.who} == {"ana"}
    assert one in settled.what + sent.what
    loop.label(project, int(one), user=3)  # what was settled has changed
    study(project.id)
    assert one in listed()


def test_a_label_on_both_lists_says_so_and_is_called_right_once(loop: Loop, project: FakeProject) -> None:
    files = project_files(loop.settings, project.id)
    found = read_study(files)
    one, other = (str(task) for task in list(project.tasks)[:2])
    doubted = {"text": "t", "label": ["other"], "p_label": 0.1, "instead": ["disaster"], "p_instead": 0.9}
    worth = {"text": "t", "votes": [["other"]], "likeliest": ["disaster"], "p_likeliest": 0.6}
    for name, row in (("suspects", doubted), ("opinions", worth)):
        found[name] = [{**row, "task": int(task)} for task in (one, other)]
    write_study(files, found)
    client = visit(loop)

    def section(name: str) -> str:
        return page_of(client, project).split(f'id="{name}"')[1].split("</section>")[0]

    for name, place in (("suspects", "Second opinions"), ("opinions", "Suspicious labels")):
        assert section(name).count(f"also under {place}") == 2
        assert section(name).count("“other” is right</button>") == 2
    assert "simpler models than the one that serves" in section("suspects")
    assert send(client, project, "suspects/accept", task=one) == 303
    assert send(client, project, "opinions/accept", task=other) == 303
    for name in ("suspects", "opinions"):
        assert f"Task {one}<" not in section(name)
        assert f"Task {other}<" not in section(name)


def test_how_many_second_opinions_are_worth_more_counts_what_is_listed(
    loop: Loop, project: FakeProject
) -> None:
    study(project.id)
    files = project_files(loop.settings, project.id)
    found = read_study(files)
    row = {"text": "t", "votes": [["other"], ["disaster"]], "likeliest": ["other"], "p_likeliest": 0.6}
    found["opinions"] = [{**row, "task": task, "above": task <= 15} for task in range(1, 21)]
    write_study(files, {**found, "opinions_in_all": 23})
    text = page_of(visit(loop), project).split('id="opinions"')[1].split("</section>")[0]
    assert "The first 15 of these are worth more" in text
    assert "8 more</summary>" in text
    assert "The first 20 of 23." in text
    assert text.count("Leave as it is</button>") == 20


def test_a_version_and_labels_with_their_reasons_are_taken_along_by_who_may_change(
    loop: Loop, project: FakeProject
) -> None:
    client, name = visit(loop), loop.versions(project).names()[0]
    archive = f"/projects/{project.id}/versions/version.zip?version={name}"
    with zipfile.ZipFile(BytesIO(client.get(archive).data)) as zipped:
        assert {"model.safetensors", "manifest.json", "report.html"} <= {
            path.removeprefix(f"{name}/") for path in zipped.namelist()
        }
        report = zipped.read(f"{name}/report.html").decode()
    assert "of 20 labels" in report
    assert "<script" not in report
    labels = f"/projects/{project.id}/versions/labels.csv"
    assert client.get(labels).status_code == 404
    assert send(client, project, "versions/export-labels") == 303
    heed_all(loop, project)
    assert "Download labels" in page_of(client, project)
    rows = list(csv.DictReader(client.get(labels).text.splitlines()))
    assert len(rows) == 30
    assert {"label", "why_how"} <= rows[0].keys()
    assert client.get(archive.replace(name, "atlas-999999")).status_code == 404
    looks = visit(loop, may_change=False)
    assert looks.get(archive).status_code == looks.get(labels).status_code == 403


def test_the_history_is_downloaded_whole_and_no_cell_is_a_formula(loop: Loop, project: FakeProject) -> None:
    answer = visit(loop).get(f"/projects/{project.id}/versions/history.csv")
    assert answer.mimetype == "text/csv"
    assert len(answer.text.splitlines()) == 3
