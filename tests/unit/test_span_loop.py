"""A project of spans: learned word by word, ordered, guessed and placed as whole texts are."""

from __future__ import annotations

from typing import Any

import pytest

from backend.doctor import examine
from backend.doctor.encoder import encoder
from backend.doctor.finding import State
from backend.doctor.layers import layers
from backend.doctor.project import label_config
from backend.jobs import taught, word_pool
from backend.jobs.encoding import encode_shard
from backend.results.collect import collect
from backend.results.labels import collect_labels
from backend.store.words import waiting_words, words_of_project
from backend.web.app import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json

LABELS = '<Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>'
CONFIG = f'<View>{LABELS}<Text name="text" value="$text"/></View>'
PEOPLE = ["Anna", "Bob", "Carla", "Dmitri", "Eva", "Farid", "Greta", "Hugo"]
PLACES = ["Paris", "London", "Rome", "Oslo", "Kyoto", "Lima", "Cairo", "Delhi"]
COUNT = 32


def text_of(i: int) -> str:
    """Every fourth text has nothing to mark."""
    if i % 4 == 3:
        return f"nobody has come here on day {i} of this month"
    return f"on day {i} {PEOPLE[i % 8]} has gone to {PLACES[i // 4 % 8]} by train"


def span(text: str, word: str, label: str) -> Json:
    start = text.index(word)
    value = {"start": start, "end": start + len(word), "text": word, "labels": [label]}
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value}


def right(text: str) -> list[Json]:
    """What is to be marked in a text."""
    found = [(word, "PER") for word in PEOPLE] + [(word, "LOC") for word in PLACES]
    return [span(text, word, label) for word, label in found if word in text]


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    loop.set(encoder="lsa", queue_head=100, show_guess_from=0.5)
    project = loop.fake.create([{"text": text_of(i)} for i in range(COUNT)], label_config=CONFIG)
    loop.fake.spread(project.id)
    return project


def text(project: FakeProject, task: int) -> str:
    return str(project.tasks[task]["data"]["text"])


def mark(loop: Loop, project: FakeProject, tasks: list[int], user: int = 1) -> None:
    for task in tasks:
        loop.fake.annotate(project.id, task, right(text(project, task)), user=user)
        loop.state(project).note_changes(1)


def shown(project: FakeProject) -> dict[int, list[tuple[str, str]]]:
    """By task, the words that are marked in the version that Label Studio orders by."""
    current = project.settings["model_version"]
    return {
        each["task"]: [_told(text(project, each["task"]), region) for region in each["result"]]
        for each in project.predictions
        if each["model_version"] == current
    }


def _told(text: str, region: Json) -> tuple[str, str]:
    value = region["value"]
    return text[value["start"] : value["end"]], value["labels"][0]


def asked(project: FakeProject, *texts: str) -> list[Any]:
    tasks = [{"id": None, "data": {"text": each}} for each in texts]
    body = {"tasks": tasks, "project": f"{project.id}.1", "label_config": project.settings["label_config"]}
    return list(create_app().test_client().post("/predict", json=body).get_json()["results"])


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
        task: [_told(text(project, task), each) for each in right(text(project, task))] for task in found
    }
    hits = sum(len(set(found[task]) & set(expected[task])) for task in found)
    assert hits > sum(map(len, expected.values())) / 2
    scores = [region["score"] for each in project.predictions for region in each["result"]]
    assert min(scores) >= 0.5
    ids = [[region["id"] for region in each["result"]] for each in project.predictions]
    assert all(len(set(each)) == len(each) for each in ids)
    assert loop.versions(project).stats(done["model_version"])["measured"] == done["measured"]


def test_an_unseen_text_is_marked_and_a_copy_gets_what_was_given(loop: Loop, project: FakeProject) -> None:
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    new, copy = f"yesterday {PEOPLE[0]} was in {PLACES[1]} again", text_of(0)
    marked, same = asked(project, new, copy)
    assert _told(new, marked["result"][0]) == (PEOPLE[0], "PER")
    assert [_told(copy, each) for each in same["result"]] == [(PEOPLE[0], "PER"), (PLACES[0], "LOC")]
    assert [each["score"] for each in same["result"]] == [1.0, 1.0]
    assert 0 < marked["score"] < same["score"] < 1  # the copy stands behind


def test_an_answer_too_long_to_keep_leaves_a_copy_to_the_model(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taught, "KEPT_CHARACTERS", 10)
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    (found,) = asked(project, text_of(0))
    assert (PEOPLE[0], "PER") in [_told(text_of(0), each) for each in found["result"]]
    assert all(each["score"] < 1 for each in found["result"])


def test_what_stands_elsewhere_too_is_put_beside_a_span_under_the_hand_and_nothing_else(
    loop: Loop, project: FakeProject
) -> None:
    """Label Studio takes all that is answered into the annotation."""
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    told = text_of(30)
    long = f"{told}; the trains. Each train, the train"
    body = {"tasks": [{"id": 1, "data": {"text": told}}], "project": f"{project.id}.1"}
    body["label_config"] = project.settings["label_config"]
    client = create_app().test_client()
    drawn = {"context": {"result": [span(told, "train", "LOC")]}}
    assert client.post("/predict", json={**body, "params": drawn}).get_json() == {"results": []}
    marked = span(long, "the train", "PER")
    marked["value"] |= {"start": len(long) - 9, "end": len(long)}
    body["tasks"] = [{"id": 1, "data": {"text": long}, "drafts": [{"result": [marked]}]}]
    (answer,) = client.post("/predict", json={**body, "params": drawn}).get_json()["results"]
    assert [_told(long, each) for each in answer["result"]] == [("train", "LOC")]
    assert answer["result"][0]["value"]["start"] == long.index("Each train") + 5
    for other in (None, {"context": None}, {"context": {"result": [{"from_name": "x"}, None]}}, "odd"):
        assert client.post("/predict", json={**body, "params": other}).get_json()["results"][0]["result"]


def test_a_text_that_differs_by_a_letter_is_no_copy(loop: Loop, project: FakeProject) -> None:
    """Its spans lie elsewhere."""
    mark(loop, project, list(project.tasks)[:20])
    loop.retrain(project)
    shifted = f"  {text_of(0)}"
    (found,) = asked(project, shifted)
    assert (PEOPLE[0], "PER") in [_told(shifted, each) for each in found["result"]]


def test_why_a_task_is_served_is_told(loop: Loop, project: FakeProject) -> None:
    mark(loop, project, list(project.tasks)[:20])
    loop.set(strategy="transfer_uncertainty")
    loop.retrain(project)
    (found,) = asked(project, f"yesterday {PEOPLE[3]} was in {PLACES[2]}")
    assert found["why"]["doubt"] is not None
    assert 0 <= found["why"]["doubt"] <= 1


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


def test_what_a_retrain_has_no_time_for_workers_read(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.encoders.word_hashes import HashedWords

    monkeypatch.setattr(HashedWords, "is_cheap", False)
    loop.set(encode_within=0)
    done = loop.retrain(project)
    assert done["published"]
    assert "of 32 texts are encoded" in str(done["notes"])
    words = waiting_words(loop.settings, project.id)
    (shard,) = words.shards()
    assert f"encode-{project.id}-{shard.key}" in loop.jobs()
    assert encode_shard(project.id, shard.key)["left"] == 0
    assert not words.shards()
    assert f"retrain-{project.id}" in loop.jobs()
    assert "are encoded" not in str(loop.retrain(project)["notes"])


def test_more_words_than_there_is_room_for_stand_behind(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_pool, "MOST_WORDS", 100)
    mark(loop, project, list(project.tasks)[:4])
    done = loop.retrain(project)
    assert done["published"]
    assert done["trained_on"] == 4
    kept = words_of_project(loop.settings, project.id).find([text_of(i) for i in range(COUNT)])
    assert 4 < len(kept.blocks) < COUNT


def test_words_of_another_encoder_go(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    words = words_of_project(loop.settings, project.id)
    (path,) = words.files.paths()
    words.files.write(path.replace(words.name, "minilm~3a~words-0a1b2c3d"), words.files.read(path))
    loop.retrain(project)
    assert words.files.paths() == [path]


def test_doctor_says_what_is_learned_and_what_reads_the_words(loop: Loop, project: FakeProject) -> None:
    loop.retrain(project)
    with examine.Bench() as bench:
        asked = examine.ProjectBench(bench, project.id)
        config, read, tuned = label_config(asked), encoder(asked), layers(asked)
    assert config.found == '"label" on "text": spans of PER, LOC'
    assert read.state is State.NOTE
    assert "hashed:words for their words" in read.found
    assert "ENCODER" in read.remedy or "install" in read.remedy
    assert tuned.state is State.OK


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
