"""Where models are too poor to say which labels are wrong, that is said, and no list cries wolf; who said
what is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from backend.controls.config import parse_label_config
from backend.controls.votes import Vote
from backend.jobs.project_tabs import SUSPICIOUS, tasks_of_tabs
from backend.jobs.sayers import with_sayers
from backend.jobs.studying import study
from backend.results.too_poor import is_too_poor, told_of
from backend.store.locations import project_files
from backend.store.study import read_study, write_study
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.page_visits import page_of, two_versions, visit
from tests.unit.schemes import single
from tests.unit.span_scenes import CONFIG, right, text_of


@pytest.mark.parametrize(
    ("judged", "contradicted", "by_lot", "poor"),
    [
        (177, 136, None, True),  # boxes by a detector of mAP 12 %
        (177, 123, None, False),
        (148, 17, None, False),
        (100, 43, 50, True),  # two classes of as many labels: hardly better than lots
        (100, 43, 75, False),  # four classes
        (100, 15, 28, False),  # a rare class
        (5, 0, 0, False),  # of one class
        (5, 4, 0, True),
        (0, 0, 0, False),
    ],
)
def test_models_that_contradict_nearly_as_much_as_lots_would_are_too_poor(
    judged: int, contradicted: int, by_lot: int | None, poor: bool
) -> None:
    assert is_too_poor(judged, contradicted, by_lot) is poor
    said = told_of(judged, contradicted, by_lot)
    assert ("too poor yet to say" in said) is poor
    assert ("would give" in said) is not poor


SUSPECT = {"text": "t", "label": ["other"], "p_label": 0.1, "instead": ["disaster"], "p_instead": 0.93}
OPINION = {"text": "t", "votes": [["other"], ["disaster"]], "likeliest": ["disaster"], "p_likeliest": 0.61}


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return two_versions(loop)


def kept(loop: Loop, project: FakeProject, **changed: Any) -> None:
    files = project_files(loop.settings, project.id)
    write_study(files, {**read_study(files), "names": {"3": "Bo"}, **changed})


def part(loop: Loop, project: FakeProject, name: str) -> str:
    section = page_of(visit(loop), project).split(f'id="{name}"')[1].split("</section>")[0]
    return " ".join(section.replace("\u00a0", " ").split())


def test_a_suspicious_label_says_who_said_what_and_how_sure_the_models_are(
    loop: Loop, project: FakeProject
) -> None:
    one, other, last = list(project.tasks)[:3]
    rows = [{**SUSPECT, "task": one, "who": ["3", "4"]}, {**SUSPECT, "task": other, "who": []}]
    opinions = [{**OPINION, "task": one, "who": ["3", "4"]}, {**OPINION, "task": last, "who": ["4", "3"]}]
    kept(loop, project, suspects=rows, opinions=opinions)
    text = part(loop, project, "suspects")
    assert (
        '<bdi>Bo</bdi> and <bdi>user 4</bdi> said <span class="given"><bdi>other</bdi></span>; '
        'the models say <strong><bdi>disaster</bdi></strong> <span class="more">93 %</span>' in text
    )
    assert 'Annotators said <span class="given">' in text
    assert "10 %" not in text
    text = part(loop, project, "opinions")
    assert (
        "<bdi>Bo</bdi> said <bdi>other</bdi>, <bdi>user 4</bdi> said <bdi>disaster</bdi>, likeliest is"
        in text
    )
    assert text.count("61 %") == 1  # of the other one the percentage stands under Suspicious labels
    assert "61 %" in text.split(f"Task {last}<")[1]


def test_a_list_of_poor_models_is_held_back_and_says_why(loop: Loop, project: FakeProject) -> None:
    task = next(iter(project.tasks))
    rows = [{**SUSPECT, "task": task, "who": ["3"]}]
    kept(loop, project, suspects=rows, judged=30, contradicted=9, by_lot=15)
    text = part(loop, project, "suspects")
    assert "Of 30 labels the models would give 9 another." in text
    assert "<details>" not in text
    assert "Show these in Label Studio" in text
    assert tabs(loop, project)[SUSPICIOUS] == [task]
    kept(loop, project, suspects=rows, judged=30, contradicted=13, by_lot=15)
    text = part(loop, project, "suspects")
    assert "too poor yet to say which labels are wrong: they contradict 13 of 30" in text
    assert "<details><summary>What they contradict most, all the same</summary>" in text
    assert "Show these in Label Studio" not in text
    assert "No label looks wrong" not in text
    assert tabs(loop, project)[SUSPICIOUS] == []


def tabs(loop: Loop, project: FakeProject) -> Mapping[str, Any]:
    return tasks_of_tabs(loop.settings, project.id, read_study(project_files(loop.settings, project.id)))


def test_a_study_names_who_said_so_and_by_how_much_lots_would_contradict(
    loop: Loop, project: FakeProject
) -> None:
    task = list(project.tasks)[25]
    loop.label(project, task, "other" if project.tasks[task]["data"]["text"] else "", user=7)
    study(project.id)
    found = read_study(project_files(loop.settings, project.id))
    assert (found["judged"], found["by_lot"]) == (30, 15)
    assert {who for row in found["suspects"] for who in row["who"]} <= {"1", "7"}
    assert all(row["who"] for row in found["suspects"])
    assert all(len(row["who"]) == len(row["votes"]) for row in found["opinions"])


def test_who_marked_a_part_is_whoever_has_its_label_and_of_one_that_nobody_marked_all() -> None:
    control = parse_label_config(CONFIG).main
    full = control.read(right(text_of(0)), text_of(0))
    bare = control.read([], text_of(0))
    assert full is not None
    assert bare is not None
    label = cast(Any, control).labels_in(full)[0]
    votes = {1: (Vote("3", full), Vote("4", bare))}
    rows = [{"task": 1, "place": [0, 2], "label": given} for given in ([label], [], ["no such"])]
    told = with_sayers(control, {"suspects": [*rows, {**rows[0], "task": 9}]}, votes)["suspects"]
    assert [row["who"] for row in told] == [["3"], ["3", "4"], [], []]


def test_votes_that_have_changed_since_name_nobody() -> None:
    control = single("mood", "a", "b")
    rows = [{"task": 1, "votes": [["a"], ["b"]]}, {"task": 2, "votes": [["a"]]}]
    votes = {1: (Vote("3", "a"), Vote("4", "b")), 2: (Vote("3", "b"),)}
    told = with_sayers(control, {"opinions": rows, "opinions_refused": "x"}, votes)
    assert [row["who"] for row in told["opinions"]] == [["3", "4"], []]
    assert told["opinions_refused"] == "x"
    whole = with_sayers(control, {"suspects": [{"task": 1, "place": [], "label": ["b"]}]}, votes)
    assert whole["suspects"][0]["who"] == ["4"]
