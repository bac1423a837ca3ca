"""Which encoder serves a project with ENCODER=auto: what it begins with, and what its labels decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import backend.doctor.examine  # noqa: F401  it registers the checks
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import Finding, State
from backend.encoders import registry
from backend.encoders.english import is_english
from backend.encoders.packaged import Packaged
from backend.encoders.weights import Weights
from backend.jobs.choosing import choose_encoder, is_better
from backend.jobs.pinning import pin
from backend.loaded import load_version
from backend.store.encoder_choice import read_choice
from backend.store.locations import encoder_of, project_files
from tests.fakes.loop import KINDS, Loop
from tests.fakes.project import FakeProject
from tests.fakes.worker import WorkerHere

WORDS = [word for _, words in KINDS for word in words.split()]
GONE = Packaged(Weights("no-such-package", "1.0", {"a/file": "0"}), "nowhere")


class Telling:
    """Knows the words that tell the classes apart, or nothing at all."""

    pretrained = True
    dims = len(WORDS)

    def __init__(self, knows: bool):
        self._knows = knows

    def fit(self, texts: Sequence[str], *, seed: int = 0) -> Telling:
        return self

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Telling:
        return self

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"digest": np.array([self._knows])}

    def encode(self, texts: Sequence[str]) -> Tensor:
        counts = [[float(self._knows and text.split().count(word)) for word in WORDS] for text in texts]
        return torch.tensor(counts).reshape(-1, len(WORDS))


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """`use` knows nothing, `lsa` all, `minilm` is not installed."""
    monkeypatch.setitem(registry.ENCODERS, "use", Telling(False))
    monkeypatch.setitem(registry.ENCODERS, "lsa", Telling(True))
    monkeypatch.setitem(registry.ENCODERS, "minilm", GONE)
    monkeypatch.setattr(registry, "BEGINNINGS", ("use", "lsa"))
    return monkeypatch


def project_of(loop: Loop, labeled: int) -> FakeProject:
    loop.set(encoder="auto", queue_head=20)
    return loop.create(80, labeled=labeled)


def served_by(loop: Loop, project: FakeProject) -> str:
    name = loop.versions(project).encoder(project.settings["model_version"])
    assert name is not None
    return name.split("-")[0]


def told(project: FakeProject) -> Finding:
    """By doctor."""
    with Bench() as bench:
        return CHECKS["encoder"].function(ProjectBench(bench, project.id))


def test_auto_begins_with_the_pretrained_encoder_where_its_weights_are(
    loop: Loop, encoders: pytest.MonkeyPatch
) -> None:
    project = project_of(loop, labeled=4)
    loop.retrain(project)
    assert served_by(loop, project) == "use"


def test_auto_is_lsa_where_there_are_no_weights(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    encoders.setitem(registry.ENCODERS, "use", GONE)
    project = project_of(loop, labeled=40)
    loop.retrain(project)
    assert served_by(loop, project) == "lsa"
    assert f"choose-{project.id}" not in loop.jobs()  # there is nothing to choose from


def test_at_30_labels_a_far_better_encoder_takes_over(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=40)
    loop.dispatcher.demand_retrain(project.id)
    WorkerHere(loop.redis).run()  # the retrain, the choice, and the retrain that it asks for
    choice = read_choice(project_files(loop.settings, project.id))
    assert choice is not None
    assert (choice.encoder, choice.labels) == ("lsa", 40)
    assert choice.why.startswith("lsa in place of use: of 40 labelled items")
    assert served_by(loop, project) == "lsa"
    assert not loop.jobs() & {f"choose-{project.id}", f"retrain-{project.id}"}


def test_a_choice_is_made_once_at_each_number_of_labels(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=40)
    loop.retrain(project)
    assert choose_encoder(project.id)["encoder"] == "lsa"
    assert choose_encoder(project.id) == {}
    loop.dispatcher.encoding.empty()
    loop.retrain(project)
    assert f"choose-{project.id}" not in loop.jobs()


def test_fewer_than_30_labels_choose_nothing(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=28)
    loop.retrain(project)
    assert f"choose-{project.id}" not in loop.jobs()


def test_the_first_stays_where_no_other_is_better(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    encoders.setitem(registry.ENCODERS, "use", Telling(True))
    project = project_of(loop, labeled=40)
    loop.retrain(project)
    found = choose_encoder(project.id)
    assert found["encoder"] == "use"
    assert found["why"].startswith("use stays: of 40 labelled items, each left out of training, known by")
    assert found["why"].endswith("; no other is clearly better")  # also where one has a few more


def test_while_a_version_is_pinned_nothing_is_chosen(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=40)
    loop.retrain(project)
    pin(loop.settings, loop.client, project.id)
    assert choose_encoder(project.id) == {}
    assert encoder_of(loop.settings, project.id) == "use"


def test_an_encoder_that_is_named_is_never_changed(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=40)
    loop.set(encoder="use")
    loop.retrain(project)
    assert f"choose-{project.id}" not in loop.jobs()
    assert served_by(loop, project) == "use"


def test_a_chosen_encoder_that_is_gone_gives_way(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=40)
    loop.retrain(project)
    choose_encoder(project.id)
    encoders.setitem(registry.ENCODERS, "lsa", GONE)
    assert encoder_of(loop.settings, project.id) == "use"


def test_a_damaged_choice_is_made_again(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=40)
    project_files(loop.settings, project.id).write("encoder.json", b'{"encoder": 3')
    loop.retrain(project)
    assert choose_encoder(project.id)["encoder"] == "lsa"


def test_doctor_says_which_serves_why_and_how_to_get_the_better_one(
    loop: Loop, encoders: pytest.MonkeyPatch
) -> None:
    project = project_of(loop, labeled=40)
    loop.retrain(project)
    assert told(project).found == "use serves"
    choose_encoder(project.id)
    assert told(project).found == "use serves until all texts are encoded by lsa"
    loop.retrain(project)
    assert "lsa serves (lsa in place of use" in told(project).found
    encoders.setitem(registry.ENCODERS, "use", GONE)
    found = told(project)
    assert found.state is State.NOTE
    assert "its weights are not installed: pip install no-such-package==1.0" in found.found


def test_a_difference_counts_from_two_standard_errors_on() -> None:
    theirs = torch.zeros(100)
    some, more = theirs.clone(), theirs.clone()
    some[:3], more[:5] = 1, 1
    assert not is_better(some, theirs)  # 0.03 by 0.017
    assert is_better(more, theirs)  # 0.05 by 0.022
    assert not is_better(theirs, theirs)
    assert is_better(theirs + 1, theirs)


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("The council said that it would be there by the end of the week", True),
        ("Der Rat sagte, dass er bis zum Ende der Woche da sein wird", False),
        ("Le conseil a dit qu'il serait là avant la fin de la semaine", False),
        ("市议会说周末之前会到", False),
        ("", False),
    ],
)
def test_english_is_told_by_its_frequent_words(text: str, english: bool) -> None:
    assert is_english([text]) is english


def test_who_only_answers_asks_for_no_choice(loop: Loop, encoders: pytest.MonkeyPatch) -> None:
    project = project_of(loop, labeled=40)
    done = loop.retrain(project)
    encoders.setattr("backend.store.locations.read_choice", lambda files: pytest.fail("it was read"))
    assert load_version(loop.settings, project.id, done["model_version"]).encoder.dims == len(WORDS)
