"""A model that workers run writes drafts as one behind an address does: of the head alone, each text once.
The queue goes where it is wrong; its faults cost the texts that they are of, and say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import Finding, State
from backend.generation.seq2seq import Seq2Seq, loaded
from backend.generation.written import Written
from backend.jobs.generation_day import GenerationDay
from backend.jobs.state import PROJECTS_KEY
from backend.jobs.wrapped_job import NOT_CONFIGURED
from backend.jobs.wrapped_pull import pull_wrapped
from backend.jobs.wrapped_state import WrappedState
from backend.store.locations import project_files
from backend.store.wrapped_predictions import WrappedPredictions
from tests.fakes.drafts import CONFIG, WEAK, Drafts, contents, draft
from tests.fakes.loop import Loop
from tests.fakes.own_writer import make_taught_t5
from tests.unit.test_generation_connected import Connecting

pytestmark = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_taught_t5(tmp_path_factory.mktemp("models") / "t5")


@pytest.fixture
def named(loop: Loop, folder: Path) -> None:
    loop.set(generation_model=folder, queue_head=10)


class Asked:
    """What the real model is asked, batch by batch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[str]] = []
        real = Seq2Seq.write

        def write(model: Seq2Seq, texts: list[str], seconds: float) -> list[Written | None]:
            self.batches.append(list(texts))
            return self.answer(lambda: real(model, texts, seconds), texts)

        monkeypatch.setattr(Seq2Seq, "write", write)

    def answer(self, real: Any, texts: list[str]) -> list[Written | None]:
        return real()

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.batches for text in batch]


@pytest.fixture
def asked(named: None, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def drafts(loop: Loop, count: int = 30) -> Drafts:
    return Drafts.made(loop, contents(count, 0.2, seed=0))


def found(loop: Loop, made: Drafts) -> Finding:
    loop.redis.sadd(PROJECTS_KEY, made.project.id)
    with Bench() as bench:
        return CHECKS["wrapped backend"].function(ProjectBench(bench, made.project.id))


def test_the_head_alone_is_written_in_batches_and_shown(loop: Loop, asked: Asked) -> None:
    made = drafts(loop)
    assert asked.batches == []  # no publication waits for it
    done = pull_wrapped(made.project.id)
    head = loop.queue(made.project)[:10]
    assert asked.texts == [made.text(task) for task in head]
    assert max(map(len, asked.batches)) > 1
    assert (done["asked"], done["said"], done["wait"]) == (10, 10, None)
    loop.retrain(made.project)
    shown = {made.text(task): text for task, text in made.shown().items() if task in head}
    right = [text == draft(content) for content, text in shown.items() if WEAK not in draft(content)]
    assert len(right) > 3
    assert sum(right) >= 0.8 * len(right)
    scored = next(each for each in made.project.predictions if each["result"])
    assert 0 < scored["result"][0]["score"] < 1
    assert GenerationDay(loop.redis, 5).taken == 0  # nobody is paid for it


def test_each_text_is_written_of_once_and_with_another_prompt_again(loop: Loop, asked: Asked) -> None:
    loop.set(generation_per_day=0)
    made = drafts(loop)
    made.go_on()
    before = asked.texts
    assert before
    assert len(before) == len(set(before))
    WrappedPredictions(project_files(loop.settings, made.project.id)).forget()
    pull_wrapped(made.project.id)
    assert not set(asked.texts[len(before) :]) & set(before)
    loop.set(generation_prompt="summarize:")
    WrappedState(loop.redis, made.project.id).asks_anew()
    sent = len(asked.texts)
    pull_wrapped(made.project.id)
    assert {text.removeprefix("summarize: ") for text in asked.texts[sent:]} & set(before)


def test_the_queue_goes_where_the_model_is_wrong(loop: Loop, named: None) -> None:
    """Of one kind of text it was taught nothing, and is as sure there: of 100 texts 15."""
    loop.set(queue_head=40)
    made = Drafts.made(loop, contents(100, 0.15, seed=1))
    while len(made.labelled) < 40:
        made.go_on()
        made.label(5)
    wrong = sum(WEAK in draft(made.text(task)) for task in made.labelled)
    assert wrong >= 1.5 * 40 * 0.15


def test_a_text_that_it_fails_at_costs_that_text_alone(
    loop: Loop, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = drafts(loop)
    poison = made.text(loop.queue(made.project)[2])

    def answer(real: Any, texts: list[str]) -> list[Written | None]:
        if poison in texts:
            raise RuntimeError("out of memory")
        return list(real())

    monkeypatch.setattr(asked, "answer", answer)
    done = pull_wrapped(made.project.id)
    assert (done["asked"], done["said"]) == (10, 9)
    assert [poison] in asked.batches
    told = len(asked.batches)
    pull_wrapped(made.project.id)
    assert poison not in [text for batch in asked.batches[told:] for text in batch]


def test_what_there_was_time_for_is_kept_and_the_rest_is_tried_in_smaller_batches(
    loop: Loop, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = drafts(loop)

    def answer(real: Any, texts: list[str]) -> list[Written | None]:
        return [each if i == 0 else None for i, each in enumerate(real())]  # time for one

    monkeypatch.setattr(asked, "answer", answer)
    done = pull_wrapped(made.project.id)
    assert (done["asked"], done["said"]) == (10, 10)
    heads = [batch[0] for batch in asked.batches]
    assert len(heads) == len(set(heads)) == 10  # none is written twice


def test_a_job_ends_long_before_its_limit(loop: Loop, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    made = drafts(loop)
    loop.set(job_timeout=10)
    given: list[float] = []
    monkeypatch.setattr(
        Seq2Seq, "write", lambda self, texts, seconds: given.append(seconds) or [None] * len(texts)
    )
    assert pull_wrapped(made.project.id)["failure"] == "slow"
    assert max(given) <= 5
    finding = found(loop, made)
    assert finding.state is State.NOTE
    assert "in 60 s" in finding.found
    assert "Name a smaller model" in (finding.remedy or "")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"generation_model": "org/small"}, "label-studio-atlas generation fetch org/small"),
        ({"device": "cuda:7"}, "DEVICE=cuda:7"),
    ],
)
def test_what_is_missing_is_said_in_the_log_and_by_doctor(
    loop: Loop,
    asked: Asked,
    changed: dict[str, Any],
    why: str,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    loop.set(hf_home=tmp_path)
    made = drafts(loop)
    loop.set(**changed)
    assert pull_wrapped(made.project.id)["reason"] == NOT_CONFIGURED
    assert why in caplog.text
    finding = found(loop, made)
    assert finding.state is State.WRONG
    assert why in finding.found
    assert asked.batches == []


def test_doctor_says_that_nothing_is_sent(loop: Loop, asked: Asked) -> None:
    made = drafts(loop)
    finding = found(loop, made)
    assert finding.state is State.OK
    assert "t5@" in finding.found
    assert "no text is sent anywhere" in finding.found
    assert asked.batches == []  # doctor has nothing written


@pytest.fixture
def connecting(loop: Loop, named: None) -> Iterator[Connecting]:
    with Bench() as bench:
        yield Connecting(bench, CONFIG)


@pytest.mark.usefixtures("answering")
def test_connect_says_that_nothing_leaves_the_machine(
    loop: Loop, connecting: Connecting, folder: Path
) -> None:
    loaded.cache_clear()
    connecting.begin()
    told = "\n".join(connecting.said)
    assert f"{folder.name}@" in told
    assert "no text is sent anywhere, of the first 20 tasks" in told
    assert "a day" not in told
    assert "wrapped-1" in loop.jobs()
    assert loaded.cache_info().currsize == 0
