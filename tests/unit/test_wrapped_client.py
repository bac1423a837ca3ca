"""A wrapped backend is asked as Label Studio would ask it, and what goes wrong is told as its fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.errors import WrappedAway, WrappedFails, WrappedGarbage, WrappedRefuses, WrappedSlow
from backend.wrapped.client import WrappedBackend
from backend.wrapped.target import Target, allowed_url
from tests.fakes.wrapped import FakeBackend, served

TASKS = [{"id": 3, "data": {"text": "a"}}, {"id": 4, "data": {"text": "b"}}]


@pytest.fixture
def theirs() -> Iterator[FakeBackend]:
    with served() as found:
        yield found


@pytest.fixture
def client(theirs: FakeBackend) -> Iterator[WrappedBackend]:
    with WrappedBackend(Target(theirs.url, ("me", "päss"), {"k": 1}), "7.179", "<View/>") as found:
        yield found


def test_it_is_asked_as_label_studio_asks(theirs: FakeBackend, client: WrappedBackend) -> None:
    client.health()
    assert client.setup(hostname="http://ls") == "theirs-1"
    answer = client.predict(TASKS, {"result": []}, version="told")
    assert client.forward({"action": "START_TRAINING"}) == {"job": "done"}
    assert [each and (each.task, each.version) for each in answer.predictions] == [
        (3, "theirs-1"),
        (4, "theirs-1"),
    ]
    assert [path for path, _ in theirs.asked] == ["/health", "/setup", "/predict", "/webhook"]
    assert theirs.bodies("/setup") == [
        {
            "project": "7.179",
            "schema": "<View/>",
            "hostname": "http://ls",
            "access_token": "",
            "extra_params": {"k": 1},
        }
    ]
    assert theirs.bodies("/predict") == [
        {
            "tasks": TASKS,
            "project": "7.179",
            "label_config": "<View/>",
            "params": {"login": None, "password": None, "context": {"result": []}},
        }
    ]
    assert set(theirs.authorizations) == {"Basic bWU6cMOkc3M="}


@pytest.mark.parametrize(
    ("answered", "error", "said"),
    [
        ((500, b"Traceback"), WrappedFails, "answers 500: Traceback"),
        (
            (500, b"<html><title>Oops &amp; so</title>"),
            WrappedFails,
            '500: a web page, "Oops & so"$',
        ),
        ((404, b""), WrappedFails, "answers 404$"),
        ((401, b"who"), WrappedRefuses, "answers 401"),
        ((302, b""), WrappedGarbage, "sends us on"),
        ((200, b"<html>log in</html>"), WrappedGarbage, "<html>log in</html>"),
        ((200, b""), WrappedGarbage, "an empty answer"),
    ],
)
def test_what_it_answers_wrong_is_told(
    theirs: FakeBackend, client: WrappedBackend, answered: Any, error: Any, said: str
) -> None:
    theirs.answers["/predict"] = lambda body: answered
    with pytest.raises(error, match=said):
        client.predict(TASKS)


def test_a_health_that_is_a_page_is_none(theirs: FakeBackend, client: WrappedBackend) -> None:
    theirs.answers["/health"] = lambda body: (200, b"<html>welcome</html>")
    with pytest.raises(WrappedGarbage, match="JSON was expected"):
        client.health()


def test_one_that_hangs_is_left_when_the_time_is_up(theirs: FakeBackend, client: WrappedBackend) -> None:
    theirs.hanging.set()
    with pytest.raises(WrappedSlow, match=r"does not answer within 0.1 s"):
        client.predict(TASKS, seconds=0.1)
    theirs.release()
    assert client.predict(TASKS).predictions[0] is not None


def test_one_that_is_down_is_away_and_found_again(theirs: FakeBackend) -> None:
    with WrappedBackend(Target("http://127.0.0.1:9"), "7.1", "") as client, pytest.raises(WrappedAway):
        client.setup()


@pytest.mark.parametrize("said", [None, "", []])
def test_one_that_tells_no_version_has_none(theirs: FakeBackend, client: WrappedBackend, said: Any) -> None:
    theirs.answers["/setup"] = lambda body: said if said == [] else {"model_version": said}
    assert client.setup() is None


def test_an_event_is_told_whatever_is_answered(theirs: FakeBackend, client: WrappedBackend) -> None:
    theirs.answers["/webhook"] = lambda body: (200, b"ok")
    assert client.forward({"action": "ANNOTATION_CREATED"}) is None


def test_no_password_is_shown() -> None:
    assert "secret" not in repr(Target("http://h:1", ("me", "secret")))


@pytest.mark.parametrize(
    ("typed", "allowed", "url"),
    [
        (" http://yolo:9090/ ", "yolo:9090", "http://yolo:9090"),
        ("https://ML.example.org/pre/fix", "other:1, ml.example.org", "https://ML.example.org/pre/fix"),
        ("http://[::1]:9090", "[::1]:9090", "http://[::1]:9090"),
    ],
)
def test_an_allowed_address_is_taken(typed: str, allowed: str, url: str) -> None:
    assert allowed_url(typed, allowed) == url


@pytest.mark.parametrize(
    ("typed", "allowed", "said"),
    [
        ("http://yolo:9090", "", "WRAPPED_BACKENDS does not name yolo:9090"),
        ("http://yolo:9091", "yolo:9090", "does not name yolo:9091"),
        ("http://yolo", "yolo:9090", "does not name yolo:"),
        ("http://yolo.evil.org:9090", "*:9090", "does not name"),
        ("yolo:9090", "yolo:9090", "begins with http://"),
        ("file:///etc/passwd", "yolo:9090", "begins with http://"),
        ("http://u:p@yolo:9090", "yolo:9090", "without user"),
        ("http://yolo:x", "yolo:9090", "is no address"),
        ("http://yolo:9090/?a=b", "yolo:9090", "without user"),
        ("http://yolo:9090/x?", "yolo:9090", "without user"),
        ("http://yolo:9090/x#", "yolo:9090", "without user"),
        ("http://yolo:9090/\nx", "yolo:9090", "without user"),
    ],
)
def test_another_address_is_refused_in_words(typed: str, allowed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        allowed_url(typed, allowed)
