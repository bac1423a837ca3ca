"""`connect --wraps` replaces a backend's connection and webhook by ours, and `--wraps ''` gives them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from redis import Redis

import backend.doctor.examine  # noqa: F401  registers the checks
from backend.connecting import NotConnected, connect
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import State
from backend.errors import LabelConfigError
from backend.jobs.state import ProjectState
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.administration import Administration, Connection, Webhook
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.wrapped_access import read_access
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapping import wrapping_of
from tests.fakes.administration import URL, InMemory
from tests.fakes.wrapped import FakeBackend, served

pytestmark = pytest.mark.usefixtures("answering")

THEIRS = {"title": "yolo", "is_interactive": True, "extra_params": {"k": 1}, "auto_update": True}


@pytest.fixture
def theirs() -> Iterator[FakeBackend]:
    with served() as backend:
        yield backend


@pytest.fixture
def bench(redis: Redis, session_redis: str, theirs: FakeBackend) -> Iterator[Bench]:
    with Bench() as bench:
        bench.settings = Settings(
            redis_url=session_redis, wrapped_backends=theirs.url.removeprefix("http://")
        )
        server = InMemory()
        server.made[70] = Connection(70, theirs.url, "yolo", "CO", "", settings=THEIRS)
        server.hooks[71] = Webhook(f"{theirs.url}/webhook", {"A": "b"}, all_actions=True, id=71)
        server.reachable.add(theirs.url)
        bench.label_studio = cast(Administration, server)
        yield bench


def label_studio(bench: Bench) -> InMemory:
    return cast(InMemory, bench.label_studio)


def wrap(bench: Bench, wraps: str, ask: Any = lambda url: None) -> list[str]:
    said: list[str] = []

    def say(what: str, done: str, state: State = State.OK) -> None:
        said.append(f"{what}: {done}")

    wrapping = wrapping_of(bench, URL, 1, wraps, ask, say)
    said.append(wrapping.in_words)
    wrapping.begin()
    try:
        connect(bench, URL, 1, say, wrapping.more, wrapping.theirs)
    except NotConnected:
        wrapping.undo()
        raise
    wrapping.finish(say)
    return said


def test_theirs_are_named_and_replaced_and_their_predictions_taken_over(
    bench: Bench, theirs: FakeBackend
) -> None:
    server = label_studio(bench)
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["a"]}}
    server.predictions = [
        {"task": 5, "result": [region], "score": 0.2, "model_version": "y1", "created_at": made}
        for made in ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00.5Z")
    ]
    said = wrap(bench, theirs.url + "/")
    assert f'the connection "yolo" to {theirs.url} and the webhook to {theirs.url}/webhook' in said
    (connection,) = server.made.values()
    assert (connection.url, connection.settings["extra_params"]) == (URL, {"wraps": theirs.url})
    assert connection.settings["is_interactive"]
    assert [hook.url for hook in server.hooks.values()] == [f"{URL}/webhook?project=1"]
    kept = WrappedPredictions(project_files(bench.settings, 1)).newest([5])
    assert (kept[5].version, kept[5].result, kept[5].made) == ("y1", (region,), 1767312000.5)
    assert WrappedState(bench.redis, 1).version == "y1"
    assert ProjectState(bench.redis, 1).wraps == theirs.url
    assert bench.dispatcher.encoding.get_job_ids() == ["wrapped-1"]
    assert [path for path, _ in theirs.asked] == ["/health", "/health"]


def test_whatever_is_asked_of_whatever_is_shown_it_may_be_wrapped(bench: Bench, theirs: FakeBackend) -> None:
    label_studio(
        bench
    ).label_config = '<View><Audio name="a" value="$audio"/><TextArea name="transcript" toName="a"/></View>'
    said = wrap(bench, theirs.url)
    (told,) = [line for line in said if line.startswith("project: ")]
    assert '"transcript" on "a": where the wrapped backend\'s answers are not those of annotators' in told
    finding = CHECKS["label config"].function(ProjectBench(bench, 1))
    assert (finding.state, finding.found) == (State.OK, told.partition("to be learned: ")[2])
    assert "is not read here" in CHECKS["encoder"].function(ProjectBench(bench, 1)).found
    wrap(bench, theirs.url)  # again, and the way back
    wrap(bench, "")
    with pytest.raises(LabelConfigError):
        wrap(bench, "")


def test_what_is_replaced_is_not_called_another_connection(bench: Bench, theirs: FakeBackend) -> None:
    server = label_studio(bench)
    server.made[80] = Connection(80, "http://third:9090", "third", "CO", "", settings={})
    assert [line for line in wrap(bench, theirs.url) if "there is another" in line] == [
        "connection: there is another, to http://third:9090; remove it under Settings > Model if unused"
    ]


def test_of_a_project_that_was_disconnected_nobody_is_sent_to_the_wrapped_backend(bench: Bench) -> None:
    ProjectState(bench.redis, 1).disconnected = True
    finding = CHECKS["connection"].function(ProjectBench(bench, 1))  # Label Studio has theirs alone
    assert "the project was taken from this backend" in finding.found
    assert "`label-studio-atlas connect URL --project 1`; else nothing is wrong" in finding.remedy


def test_they_are_given_back_as_they_were(bench: Bench, theirs: FakeBackend) -> None:
    server = label_studio(bench)
    before = {hook.url: hook for hook in server.hooks.values()}[f"{theirs.url}/webhook"]
    wrap(bench, theirs.url)
    wrap(bench, theirs.url)  # again changes nothing, and forgets nothing of it
    wrap(bench, "")
    by_url = {each.url: each for each in server.made.values()}
    assert by_url[theirs.url].settings == {**by_url[theirs.url].settings, **THEIRS}
    assert by_url[URL].wraps is None
    (again,) = [hook for hook in server.hooks.values() if hook.url == before.url]
    assert (again.headers, again.all_actions, again.actions) == ({"A": "b"}, True, before.actions)
    assert ProjectState(bench.redis, 1).wraps is None
    assert read_access(project_files(bench.settings, 1)) is None
    assert any("nothing to give back" in line for line in wrap(bench, ""))


@pytest.mark.parametrize(
    ("wraps", "said"),
    [("http://stranger:9090", "WRAPPED_BACKENDS does not name stranger:9090"), ("yolo", "no address")],
)
def test_another_address_is_refused_and_nothing_changed(bench: Bench, wraps: str, said: str) -> None:
    before = dict(label_studio(bench).made)
    with pytest.raises(NotConnected, match=said):
        wrap(bench, wraps)
    assert label_studio(bench).made == before


@pytest.mark.parametrize("broken", ["down", "page"])
def test_one_that_does_not_work_is_told_and_nothing_changed(
    bench: Bench, theirs: FakeBackend, broken: str
) -> None:
    answer = (503, b"starting") if broken == "down" else (200, b"<html>")
    theirs.answers["/health"] = lambda body: answer
    before = dict(label_studio(bench).made)
    with pytest.raises(NotConnected, match="Nothing was changed"):
        wrap(bench, theirs.url)
    assert label_studio(bench).made == before
    assert ProjectState(bench.redis, 1).wraps is None


def test_a_refusal_of_label_studios_undoes_it(bench: Bench, theirs: FakeBackend) -> None:
    label_studio(bench).reachable.clear()
    with pytest.raises(NotConnected):
        wrap(bench, theirs.url)
    assert ProjectState(bench.redis, 1).wraps is None
    assert read_access(project_files(bench.settings, 1)) is None
    assert 70 in label_studio(bench).made


def test_credentials_come_from_the_environment_or_a_person_and_lie_with_the_models(
    bench: Bench, theirs: FakeBackend
) -> None:
    def health(body: Any) -> Any:
        return {"status": "UP"} if theirs.authorizations[-1] == "Basic bWU6c2VjcmV0" else (401, b"")

    theirs.answers["/health"] = health
    with pytest.raises(NotConnected, match="set WRAPPED_AUTH_USER and WRAPPED_AUTH_PASS"):
        wrap(bench, theirs.url)
    with pytest.raises(NotConnected, match="wants other credentials"):
        wrap(bench, theirs.url, lambda url: ("me", "guess"))
    wrap(bench, theirs.url, lambda url: ("me", "secret"))
    wrap(bench, theirs.url)  # they are known by now
    access = read_access(project_files(bench.settings, 1))
    assert access is not None
    assert access.basic_auth == ("me", "secret")
    assert "secret" not in repr(access)
    (place,) = bench.settings.data_dir.rglob("wrapped.private.json")
    assert place.stat().st_mode & 0o777 == 0o600
    place.unlink()
    given = dict(Settings(wrapped_auth_user="me", wrapped_auth_pass="secret"))
    names = ("wrapped_auth_user", "wrapped_auth_pass")
    bench.settings = bench.settings.model_copy(update={name: given[name] for name in names})
    wrap(bench, theirs.url)


def test_one_under_another_name_is_theirs_where_there_is_no_third(bench: Bench, theirs: FakeBackend) -> None:
    """Label Studio in a container reaches it by another name than workers do."""
    server = label_studio(bench)
    server.made[70] = Connection(70, "http://yolo.internal:9090", "yolo", "CO", "", settings=THEIRS)
    server.hooks[71] = Webhook("http://yolo.internal:9090/webhook", all_actions=True, id=71)
    wrap(bench, theirs.url)
    assert [each.url for each in server.made.values()] == [URL]
    assert len(server.hooks) == 1
    server.reachable.add("http://yolo.internal:9090")
    wrap(bench, "")
    assert {each.url for each in server.made.values()} == {URL, "http://yolo.internal:9090"}
