"""The words of a project of spans: encoded, kept within bounds, and told of by `doctor`."""

from __future__ import annotations

import pytest

from backend.doctor import examine
from backend.doctor.encoder import encoder
from backend.doctor.finding import State
from backend.doctor.layers import layers
from backend.doctor.project import label_config
from backend.jobs import word_pool
from backend.jobs.encoding import encode_shard
from backend.store.words import waiting_words, words_of_project
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.span_scenes import COUNT, mark, span_project, text_of


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    return span_project(loop)


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
