"""Adapting the layers that words are read from, as a job: spans are guessed by them where they find more."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.adapted_spans import adapted_spans
from backend.controls.config import parse_label_config
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.layers import layers
from backend.encoders.word_marks import word_marks
from backend.encoders.word_registry import find_word_encoder
from backend.errors import DamagedFile
from backend.jobs.fine_tuning import fine_tune
from backend.learning.adapted_tagger_or_not import Counts, counted, f1, jackknife, without_each
from backend.learning.tagger import Tagger
from backend.predicting import Predictor
from backend.store.locations import adapted_models
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.span_scenes import CONFIG, PEOPLE, PLACES, mark, shown, text_of
from tests.unit.tiny_bert import tiny_encoder

COUNT, LABELED = 64, 40
TELLING = ["on", "day", "has", "gone", "to", "by", "train", "nobody", "come", "here", "of", "this", "month"]


@pytest.fixture
def project(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    """Whose words a tiny BERT reads, whose adapted layers are taken whatever they gain. Of the labelled texts
    every fifth has nothing marked, wrongly, so that nobody finds all."""
    reader = tiny_encoder([*TELLING, *PEOPLE, *PLACES]).words()
    monkeypatch.setattr("backend.encoders.word_registry._in_layers", lambda name: reader)
    monkeypatch.setattr("backend.learning.adapted_or_not.Compared.is_better", True)
    loop.set(encoder="lsa", queue_head=100, show_guess_from=0)
    project = loop.fake.create([{"text": text_of(i)} for i in range(COUNT)], label_config=CONFIG)
    labelled = list(project.tasks)[:LABELED]
    mark(loop, project, [task for i, task in enumerate(labelled) if i % 5])
    for task in labelled[::5]:
        loop.fake.annotate(project.id, task, [], user=1)
    loop.fake.spread(project.id)
    return project


def stats(loop: Loop, project: FakeProject) -> dict[str, Any]:
    return loop.versions(project).stats(loop.versions(project).published() or "")


def asked(loop: Loop, project: FakeProject) -> dict[int, list[tuple[str, str, float]]]:
    """What a fresh web process marks in the tasks at the head of the queue, and how sure it is."""
    tasks = {task: project.tasks[task]["data"]["text"] for task in loop.queue(project)}
    made = Predictor(loop.settings).predict(
        project.id,
        parse_label_config(CONFIG),
        [{"id": task, "data": {"text": text}} for task, text in tasks.items()],
    )
    regions = {task: each["result"] for task, each in zip(tasks, made, strict=True)}
    return {
        task: [
            (tasks[task][each["value"]["start"] : each["value"]["end"]], label, each["score"])
            for each in found
            for label in each["value"]["labels"]
        ]
        for task, found in regions.items()
    }


def test_auto_adapts_what_reads_words_and_the_next_version_marks_spans_by_it(
    loop: Loop, project: FakeProject
) -> None:
    loop.retrain(project)
    assert f"finetune-{project.id}" in loop.jobs()
    order, before = loop.queue(project), asked(loop, project)
    told = fine_tune(project.id)
    assert (told["layers"], told["labels"]) == ("last", LABELED)
    assert "F1 of spans on held-out texts" in told["said"]
    assert asked(loop, project) == before  # a version says the same as ever
    loop.retrain(project)
    assert loop.queue(project) == order  # which is the frozen words'
    assert stats(loop, project)["adapted"]["digest"] == told["digest"]
    found = asked(loop, project)
    assert {task: [each[:2] for each in of] for task, of in found.items()} == shown(project)
    assert found != before
    with Bench() as bench:
        assert layers(ProjectBench(bench, project.id)).found.startswith(told["said"])
    (file,) = (loop.settings.data_dir / "projects" / str(project.id) / "adapted").glob("*.safetensors")
    file.unlink()
    assert asked(loop, project) == before


def test_a_model_that_is_saved_marks_the_same_and_fits_its_own_encoder_alone(
    loop: Loop, project: FakeProject
) -> None:
    loop.retrain(project)
    model = adapted_models(loop.settings, project.id).load(fine_tune(project.id)["digest"])
    assert isinstance(model.network, Tagger)
    assert model.encoder.startswith("lsa")
    assert not torch.equal(model.network.sureness, torch.tensor([0.0, 1.0], dtype=torch.float64))
    for words in (None, find_word_encoder("hashed")):
        with pytest.raises(DamagedFile, match="another encoder of words"):
            adapted_spans(model, model.network, words, ("PER", "LOC"))


def test_where_words_have_no_layers_it_is_said_once(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.set(encoder="lsa")
    project = loop.fake.create([{"text": text_of(i)} for i in range(COUNT)], label_config=CONFIG)
    mark(loop, project, list(project.tasks)[:LABELED])
    loop.retrain(project)
    loop.dispatcher.tuning.empty()
    assert fine_tune(project.id)["said"] == "FINE_TUNE=auto, encoder hashed:words: no layers to adapt"
    mark(loop, project, list(project.tasks)[LABELED : LABELED + 2])
    loop.retrain(project)
    assert f"finetune-{project.id}" not in loop.jobs()


def test_f1_is_over_all_texts_and_its_error_grows_with_what_one_text_changes() -> None:
    marks = word_marks("Anna met Bob here")
    item = torch.tensor([0] * len(marks) + [1] * len(marks))
    tags = torch.tensor([1, 0, 1, 0, 0, 0, 1, 2])
    logits = torch.nn.functional.one_hot(torch.tensor([1, 0, 0, 0, 0, 0, 1, 2]), 3) * 9.0
    counts = counted(logits, item, 2, tags)
    assert [each.tolist() for each in counts] == [[1, 1], [1, 1], [2, 1]]
    assert float(f1(counts)) == pytest.approx(4 / 5)
    assert without_each(counts).tolist() == pytest.approx([1, 2 / 3])
    even = Counts(torch.ones(50).double(), torch.full((50,), 2.0), torch.full((50,), 2.0))
    uneven = even._replace(right=torch.cat([torch.full((25,), 2.0), torch.zeros(25)]).double())
    assert jackknife(without_each(even)) == pytest.approx(0, abs=1e-9)
    assert jackknife(without_each(uneven)) == pytest.approx(0.5 / 50**0.5, rel=0.05)
