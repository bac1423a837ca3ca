"""A project of spans: learned word by word, ordered and placed as whole texts are."""

from __future__ import annotations

import pytest

from backend.results.collect import collect
from backend.results.labels import collect_labels
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.span_scenes import (
    CONFIG,
    COUNT,
    PEOPLE,
    PLACES,
    asked,
    mark,
    right,
    shown,
    span_project,
    text,
    text_of,
    word_and_label,
)


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return span_project(loop)


def test_a_first_order_then_spans_with_their_own_scores(loop: Loop, project: FakeProject) -> None:
    done = loop.retrain(project)
    assert done["published"]
    before = loop.queue(project)
    assert len(before) == COUNT
    assert not any(shown(project).values())
    mark(loop, project, before[:12])
    done = loop.retrain(project)
    assert done["published"]
    assert done["trained_on"] == 12
    assert done["labels"].keys() == {"PER", "LOC"}
    assert done["measured"]["f1"] > 0.5
    assert loop.queue(project) != before[12:]
    found = shown(project)
    expected = {
        task: [word_and_label(text(project, task), each) for each in right(text(project, task))]
        for task in found
    }
    hits = sum(len(set(found[task]) & set(expected[task])) for task in found)
    assert hits > sum(map(len, expected.values())) / 2
    scores = [region["score"] for each in project.predictions for region in each["result"]]
    assert min(scores) >= 0.5
    ids = [[region["id"] for region in each["result"]] for each in project.predictions]
    assert all(len(set(each)) == len(each) for each in ids)
    assert loop.versions(project).stats(done["model_version"])["measured"] == done["measured"]


@pytest.mark.parametrize(
    "strategy", ["margin", "auto", "atlas", "random", "bald", "margin within 50% by clusters"]
)
def test_a_late_task_takes_its_place_by_a_refill(loop: Loop, project: FakeProject, strategy: str) -> None:
    loop.set(strategy=strategy)
    mark(loop, project, list(project.tasks)[:20])
    assert loop.retrain(project)["published"]
    loop.fake.add_tasks(project.id, [{"text": f"tomorrow {PEOPLE[5]} will see {PLACES[6]}"}])
    loop.refill(project)
    late = max(project.tasks)
    assert late in loop.queue(project)
    assert shown(project).keys() >= {late}


def test_annotators_who_disagree_teach_what_they_agree_on(loop: Loop, project: FakeProject) -> None:
    project.settings["maximum_annotations"] = 2
    tasks = list(project.tasks)[:12]
    mark(loop, project, tasks, user=1)
    for task in tasks:
        words = [each for each in right(text(project, task)) if each["value"]["labels"] == ["PER"]]
        loop.fake.annotate(project.id, task, words, user=2)
    loop.state(project).note_changes(12)
    done = loop.retrain(project)
    assert done["trained_on"] == 12
    assert done["labels"].keys() == {"PER"}


def test_a_class_that_is_renamed_makes_a_new_version_and_old_ones_fall_silent(
    loop: Loop, project: FakeProject
) -> None:
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    project.settings["label_config"] = CONFIG.replace('"PER"', '"PERSON"')
    assert asked(project, text_of(30)) == []
    done = loop.retrain(project)
    assert done["published"]
    assert done["labels"].keys() == {"LOC"}
    assert any('label: "PER"' in note for note in done["notes"])


def test_choices_beside_spans_are_learned_as_before_and_spans_are_guessed_too(loop: Loop) -> None:
    both = '<Choices name="kind" toName="text"><Choice value="trip"/><Choice value="none"/></Choices>'
    loop.set(encoder="lsa", show_guess_from=0)
    config = CONFIG.replace("<Text", both + "<Text")
    project = loop.fake.create([{"text": text_of(i)} for i in range(COUNT)], label_config=config)
    loop.fake.spread(project.id)
    for i, task in enumerate(list(project.tasks)[:20]):
        kind = {"from_name": "kind", "to_name": "text", "type": "choices"}
        chosen = {**kind, "value": {"choices": ["none" if i % 4 == 3 else "trip"]}}
        loop.fake.annotate(project.id, task, [chosen, *right(text(project, task))])
    done = loop.retrain(project)
    assert done["published"]
    assert done["accuracy"] is not None
    current = project.settings["model_version"]
    names = {
        r["from_name"] for p in project.predictions if p["model_version"] == current for r in p["result"]
    }
    assert names == {"kind", "label"}


def test_labels_and_guesses_are_exported_in_words(loop: Loop, project: FakeProject) -> None:
    tasks = list(project.tasks)
    mark(loop, project, tasks[:20])
    loop.retrain(project)
    rows = {row.task: row for row in collect(loop.settings, loop.client, project.id).rows}
    assert rows[tasks[0]].labels == {"label": ["1 PER", "1 LOC"]}
    assert rows[tasks[3]].labels == {"label": []}  # there is nothing to mark
    assert "label" not in rows[tasks[30]].labels
    assert sorted(rows[tasks[30]].guesses["label"].choices) == ["1 LOC", "1 PER"]
    assert 0 < rows[tasks[30]].guesses["label"].confidence < 1
    told = collect_labels(loop.settings, loop.client, project.id)
    assert len(told.rows) + told.disputed == 20
    assert {tuple(row.labels["label"]) for row in told.rows} == {("1 PER", "1 LOC"), ()}
