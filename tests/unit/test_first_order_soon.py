"""Whoever connects a large project waits for a first order of what was read and encoded soon; all follows."""

from __future__ import annotations

import math

import pytest

from backend.controls.sources import Text
from backend.encoders.ngrams import SPACED, UNSPACED, Ngrams, _hasher, count_ngrams
from backend.jobs import first_order, pull
from backend.jobs import retrain as retraining
from backend.jobs.encoding import encode_shard
from backend.labelstudio import task_lists
from backend.store.locations import feature_cache, features_of
from tests.fakes.loop import Loop
from tests.fakes.slow_encoder import install


def test_of_a_large_project_it_is_of_the_first_tasks_and_one_of_all_follows(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_order, "SECONDS", 0.0)
    monkeypatch.setattr(pull, "BATCH", 4)
    monkeypatch.setattr(task_lists, "PAGE_SIZE", 4)
    project = loop.create(12)
    *most, last = project.tasks
    loop.label(project, last)
    done = loop.retrain(project)
    assert done["published"]
    assert set(loop.queue(project)) == set(most[:4])
    assert "a first order of the first 5 of 12 tasks; one of all follows" in done["notes"]
    assert f"retrain-{project.id}" in loop.jobs()
    done = loop.retrain(project)
    assert set(loop.queue(project)) == set(most)
    assert not [note for note in done["notes"] if "follows" in note]
    loop.dispatcher.queue.empty()
    loop.label(project, most[0])
    loop.dispatcher.queue.empty()
    loop.retrain(project)  # only what changed is read now
    assert f"retrain-{project.id}" not in loop.jobs()


def test_a_project_of_which_no_task_can_be_read_is_not_asked_for_again_and_again(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = loop.create(3)
    monkeypatch.setattr(retraining, "pull", lambda *_: [])
    assert loop.retrain(project)["reason"] == "the project has no tasks"
    assert f"retrain-{project.id}" not in loop.jobs()


def test_it_is_of_what_a_dear_encoder_has_done_in_a_while_and_the_others_encode_no_more(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.set(encoder="slow+lsa", encode_within=20, queue_head=100)
    install(monkeypatch)
    project = loop.create(80)
    done = loop.retrain(project)
    assert "10 of 80 texts are encoded, the others stand behind" in done["notes"]
    assert len(loop.queue(project)) == 80
    cache = feature_cache(loop.settings, project.id)
    assert kept(loop, project.id) == [10, 10]
    for shard in cache.waiting.shards():
        encode_shard(project.id, shard.key)
    loop.retrain(project)
    assert kept(loop, project.id) == [80, 80]


def kept(loop: Loop, project_id: int) -> list[int]:
    """Vectors of each of the encoders side by side."""
    at_hand = features_of(loop.settings, project_id, Text("text")).read()
    assert at_hand is not None
    return [len(part.kept.rows) for part in at_hand.parts]


@pytest.mark.parametrize("ngrams", [SPACED, UNSPACED])
def test_words_that_texts_share_count_as_if_each_text_were_hashed_by_itself(ngrams: Ngrams) -> None:
    texts = ["A storm, a  flood\u3000a STORM", "", " \t", "a", "ΑΣ ας İstanbul \ud800 flood", "球队 球队"]
    together = count_ngrams(texts, ngrams)
    offset = together.shape[1] // 2
    for row, text in enumerate(texts):
        clean = text.encode("utf-8", "replace").decode()
        alone = _hasher("char_wb", ngrams.chars, offset).transform([clean])
        found = together[row, offset:]
        assert found.indices.tolist() == alone.indices.tolist()
        assert found.data.tolist() == pytest.approx([1 + math.log(count) for count in alone.data])
