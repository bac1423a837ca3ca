"""`connect --wraps generation` says what leaves the machine; doctor what the model costs and how it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.connecting import NotConnected, connect
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import Finding, State
from backend.jobs.generation_day import GenerationDay
from backend.jobs.state import PROJECTS_KEY
from backend.jobs.wrapped_pull import pull_wrapped
from backend.labelstudio.administration import Administration
from backend.store.locations import project_files
from backend.store.wrapped_access import WrappedAccess, keep_access, read_access
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.prediction import WrappedPrediction
from backend.wrapping import Wrapping
from backend.writing import writing_of
from tests.fakes.administration import URL, InMemory
from tests.fakes.chat import KEY, FakeChat, chat_served
from tests.fakes.drafts import CONFIG, Drafts, contents, name_model, written
from tests.fakes.loop import Loop


@pytest.fixture
def chat(loop: Loop) -> Iterator[FakeChat]:
    with chat_served(written) as served:
        name_model(loop, served, queue_head=4)
        yield served


def found(loop: Loop, made: Drafts) -> Finding:
    loop.redis.sadd(PROJECTS_KEY, made.project.id)
    with Bench() as bench:
        return CHECKS["wrapped backend"].function(ProjectBench(bench, made.project.id))


def test_doctor_tells_what_it_cost_today_and_when_the_day_is_spent(loop: Loop, chat: FakeChat) -> None:
    loop.set(generation_per_day=6)
    made = Drafts.made(loop, contents(12, 0.2, seed=0))
    pull_wrapped(made.project.id)
    finding = found(loop, made)
    assert finding.state is State.OK
    assert f"tiny writes drafts; texts are sent to {chat.url}/v1; 4 of 6 texts today" in finding.found
    day = GenerationDay(loop.redis, 6)
    day.take()
    day.take()
    finding = found(loop, made)
    assert finding.state is State.NOTE
    assert "6 of 6 texts today: that is today's bound" in finding.found
    assert "GENERATION_PER_DAY" in (finding.remedy or "")
    assert len(chat.texts) == 4  # doctor has nothing written


@pytest.mark.parametrize(
    ("changed", "answer", "told", "remedy"),
    [
        ({"generation_key": ""}, None, "compose exec upkeep", "Mend that"),
        ({}, (401, f"{KEY}?".encode()), "answers 401", "Set GENERATION_KEY"),
        ({}, (503, b"starting"), "503: starting", "its own log"),
        ({"generation_url": "http://127.0.0.1:9/v1"}, None, "does not answer", "correct GENERATION_URL"),
    ],
)
def test_doctor_names_what_to_mend(
    loop: Loop, chat: FakeChat, changed: dict[str, Any], answer: Any, told: str, remedy: str
) -> None:
    made = Drafts.made(loop, contents(6, 0.2, seed=0))
    loop.set(**changed)
    if answer is not None:
        chat.answers["/v1/models"] = lambda body: answer
    finding = found(loop, made)
    assert finding.state is State.WRONG
    assert told in finding.found
    assert remedy in (finding.remedy or "")
    assert "the order goes on" in (finding.remedy or "")


class Connecting:
    """`connect` on a Label Studio in memory. said: its lines."""

    def __init__(self, bench: Bench, label_config: str):
        self.bench = bench
        self.server = InMemory()
        self.server.label_config = label_config
        bench.label_studio = cast(Administration, self.server)
        self.said: list[str] = []

    def say(self, what: str, done: str, state: State = State.OK) -> None:
        self.said.append(f"{what}: {done}")

    def begin(self, before: WrappedAccess | None = None) -> None:
        wrapping = writing_of(self.bench, 1, before)
        wrapping.begin()
        connect(self.bench, URL, 1, self.say, wrapping.more)
        wrapping.finish(self.say)


@pytest.fixture
def connecting(loop: Loop, chat: FakeChat) -> Iterator[Connecting]:
    with Bench() as bench:
        yield Connecting(bench, CONFIG)


@pytest.mark.usefixtures("answering")
def test_connect_says_what_leaves_the_machine_and_gives_back(
    loop: Loop, chat: FakeChat, connecting: Connecting
) -> None:
    connecting.begin()
    assert loop.dispatcher.state(1).wraps == "generation"
    (ours,) = connecting.server.made.values()
    assert ours.settings["extra_params"] == {"wraps": "generation"}
    told = "\n".join(connecting.said)
    assert f"texts are sent to {chat.url}/v1: those of the first 20 tasks" in told
    assert "3 labelled ones as examples" in told
    assert "at most 1000 a day" in told
    assert KEY not in f"{told} {connecting.server.made}"
    assert "wrapped-1" in loop.jobs()
    assert chat.texts == []
    kept = WrappedAccess("generation")
    Wrapping(connecting.bench, 1, None, kept).finish(connecting.say)
    assert loop.dispatcher.state(1).wraps is None
    assert list(connecting.server.made.values()) == [ours]  # no connection of before comes back
    assert "predicts by its own models again" in connecting.said[-1]


@pytest.mark.usefixtures("answering")
def test_who_gives_back_waits_for_the_text_that_is_asked_about(loop: Loop, connecting: Connecting) -> None:
    connecting.begin()
    job = "rq:job:wrapped-1"
    loop.redis.hset(job, "status", "started")
    assert loop.dispatcher.withdraw(1)  # which `disconnect` waits for, too
    files = project_files(loop.settings, 1)
    made = Wrapping(connecting.bench, 1, None, read_access(files), wait=0)
    with pytest.raises(NotConnected, match="still being asked"):
        made.finish(connecting.say)
    assert loop.dispatcher.state(1).wraps is None  # so that it ends
    kept = WrappedPredictions(files)
    kept.add([WrappedPrediction(7, "tiny", (), None, 1.0, None)])  # by the job, before it ends
    loop.redis.hset(job, "status", "finished")
    made.finish(connecting.say)
    assert WrappedPredictions(files).newest([7]) == {}
    assert read_access(files) is None


@pytest.mark.parametrize(
    ("config", "changed", "why"),
    [
        (CONFIG, {"generation_model": ""}, "set GENERATION_MODEL, GENERATION_URL and GENERATION_KEY"),
        (CONFIG, {"generation_url": "http://127.0.0.1:9/v1"}, "correct GENERATION_URL"),
        (CONFIG.replace("<Text name", "<Image name"), {}, "connect --wraps URL"),
    ],
)
def test_connect_changes_nothing_where_no_model_could_write(
    loop: Loop, connecting: Connecting, config: str, changed: dict[str, Any], why: str
) -> None:
    loop.set(**changed)
    connecting.bench.settings = loop.settings
    connecting.server.label_config = config
    with pytest.raises(NotConnected, match="Nothing was changed") as raised:
        connecting.begin()
    assert why in str(raised.value)
    assert connecting.server.made == {}
    assert loop.dispatcher.state(1).wraps is None


def test_a_backend_that_is_wrapped_is_given_back_first(loop: Loop, connecting: Connecting) -> None:
    access = WrappedAccess("http://theirs:9090")
    keep_access(project_files(loop.settings, 1), access)
    with pytest.raises(NotConnected, match="give that back"):
        connecting.begin(access)
