"""What is no answer of Label Studio's counts as Label Studio being away, never as the project's own fault:
another server's JSON, a login page, an empty body, a 404 that a proxy made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Request
from werkzeug.wrappers import Response

from backend.errors import AtlasError, NotFound, Rejected, Unavailable
from backend.jobs.failing import OUTAGES
from backend.labelstudio.administration import Administration, Webhook
from backend.labelstudio.answers import parsed
from tests.fakes.loop import Loop
from tests.fakes.routes import problem

BODIES = {
    "other JSON": b'{"status": "UP"}',
    "an empty body": b"",
    "an empty list": b"[]",
    "a list of something": b"[7]",
    "a number": b"7",
    "null": b"null",
    "a page": b"<!doctype html><title>Log in</title>",
    "cut off": b'{"id": 1, "task_num',
    "nested too deeply": b"[" * 100_000,
    "fields of other kinds": b'{"id": "1", "task_number": null, "tasks": {}, "total": "3", "created": true}',
    "tasks that are none": b'{"tasks": [7, {"id": "x"}], "total": 2, "id": 1}',
    "an empty page of three": b'{"tasks": [], "total": 3, "id": null}',
}
CALLS: dict[str, Callable[[Administration], Any]] = {
    "project": lambda client: client.project(1),
    "all_tasks": lambda client: list(client.all_tasks(1)),
    "annotated_tasks": lambda client: list(client.annotated_tasks(1)),
    "tasks_changed_since": lambda client: list(client.tasks_changed_since(1, "2026-01-01T00:00:00.000Z")),
    "tasks_by_id": lambda client: list(client.tasks_by_id(1, [1])),
    "task_ids": lambda client: client.task_ids(1),
    "scored_tasks": lambda client: client.scored_tasks(1, "v"),
    "newest_change": lambda client: client.newest_change(1),
    "wishes": lambda client: client.wishes(1),
    "all_backends_answer": lambda client: client.all_backends_answer(1),
    "import_predictions": lambda client: client.import_predictions(1, []),
    "predictions": lambda client: client.predictions(1, "v"),
    "some_predictions": lambda client: client.some_predictions(1, "v", 5),
    "set_cluster": lambda client: client.set_cluster(1, 2),
    "publish": lambda client: client.publish(1, "v"),
    "version_sizes": lambda client: client.version_sizes(1),
    "user": lambda client: client.user(),
    "connections": lambda client: client.connections(1),
    "save_connection": lambda client: client.save_connection(1, "http://b.internal", None),
    "webhooks": lambda client: client.webhooks(1),
    "save_webhook": lambda client: client.save_webhook(1, Webhook("http://b.internal/webhook")),
    "sampling": lambda client: client.sampling(1),
    "set_sampling": lambda client: client.set_sampling(1),
}
FINE = {
    ("an empty list", "all_backends_answer"),
    ("an empty list", "connections"),
    ("an empty list", "webhooks"),
    ("an empty list", "predictions"),
    *(("tasks that are none", call) for call in ("publish", "set_cluster", "sampling", "set_sampling")),
}
"""As Label Studio itself may answer: no connection, no webhook, no prediction; an id and more."""


def answers(loop: Loop, body: bytes, status: int = 200) -> None:
    loop.fake.before = lambda request: Response(body, status, mimetype="application/json")


def refusal(loop: Loop, call: str) -> str | None:
    """What is said of the answer; None where it is taken."""
    try:
        CALLS[call](loop.client)
    except Unavailable as error:
        return str(error)
    return None


@pytest.mark.parametrize("body", BODIES)
def test_what_no_label_studio_answers_is_no_fault_of_the_project(loop: Loop, body: str) -> None:
    answers(loop, BODIES[body])
    said = {call: refusal(loop, call) for call in CALLS}
    assert {call for call, words in said.items() if words is None} == {
        call for of, call in FINE if of == body
    }
    wanted = re.compile("does not answer like Label Studio.*Check LABEL_STUDIO_URL")
    assert {call: words for call, words in said.items() if words and not wanted.search(words)} == {}


@pytest.mark.parametrize("body", ["other JSON", "an empty body", "an empty list"])
def test_nor_does_a_retrain_end_for_good_by_it(loop: Loop, body: str) -> None:
    project = loop.create(4, labeled=4)
    answers(loop, BODIES[body])
    with pytest.raises(AtlasError) as raised:
        loop.retrain(project)
    assert isinstance(raised.value, OUTAGES)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>404 page not found</html>"),
        (404, b'{"detail": "Not Found"}'),
        (404, b'{"status_code": 502, "detail": "no upstream"}'),
        (404, b""),
        (400, b"<html>Request Header Or Cookie Too Large</html>"),
        (413, b"<html>Request Entity Too Large</html>"),
        (405, b'{"message": "no such method"}'),
    ],
)
def test_an_error_that_a_proxy_made_is_not_label_studios(loop: Loop, status: int, body: bytes) -> None:
    answers(loop, body, status)
    with pytest.raises(Unavailable, match="none of Label Studio's own"):
        loop.client.project(1)


def test_label_studios_own_errors_are_believed(loop: Loop) -> None:
    with pytest.raises(NotFound):
        loop.client.project(99)
    loop.fake.before = lambda request: problem(400, "Validation error")
    with pytest.raises(Rejected):
        loop.client.project(99)


def test_a_number_that_python_does_not_read_stops_no_page() -> None:
    """Somebody's task may hold it; all others of the page would be lost with it."""
    digits = "9" * 5000
    found = parsed(b'{"tasks": [{"id": 1, "data": {"n": -%s}}, {"id": 2}]}' % digits.encode())
    assert [task["id"] for task in found["tasks"]] == [1, 2]
    assert found["tasks"][0]["data"]["n"] == float("-inf")


@pytest.mark.parametrize("personal", [True, False], ids=["personal access token", "legacy token"])
def test_a_refused_access_token_is_dropped_and_asked_for_anew(loop: Loop, personal: bool) -> None:
    """Where Label Studio's clock is ahead of ours it takes for expired what we take for valid."""
    project = loop.create(1)
    seen, refused = [], []

    def before(request: Request) -> Any:
        if request.path == "/api/token/refresh/":
            seen.append("refresh")
            access = token(token_type="access", number=len(seen))
            return Response(json.dumps({"access": access}), mimetype="application/json")
        given = request.headers["Authorization"]
        seen.append(given)
        if len(refused) < 1 or given == refused[0]:
            refused.append(given)
            return Response(*_of(problem(401, "Given token not valid for any token type")))
        return None

    loop.fake.before = before
    key = token(token_type="refresh") if personal else "a-legacy-token"
    client = Administration(loop.settings.label_studio_url, key, timeout=10)
    if not personal:
        with pytest.raises(AtlasError, match="refused the API key"):
            client.project(project.id)
        assert len(seen) == 1
        return
    assert client.project(project.id).id == project.id
    assert [each == "refresh" for each in seen] == [True, False, True, False]
    assert seen[1] != seen[3]


def test_one_that_is_refused_again_is_said_to_be(loop: Loop) -> None:
    calls = []

    def before(request: Request) -> Any:
        calls.append(request.path)
        if request.path == "/api/token/refresh/":
            return Response(json.dumps({"access": token(token_type="access")}), mimetype="application/json")
        return Response(*_of(problem(401, "No")))

    loop.fake.before = before
    client = Administration(loop.settings.label_studio_url, token(token_type="refresh"), timeout=10)
    with pytest.raises(AtlasError, match="refused the API key"):
        client.project(1)
    assert len(calls) == 4


def test_a_token_is_sent_below_the_path_of_label_studios_address(loop: Loop) -> None:
    paths = []

    def before(request: Request) -> Any:
        paths.append(request.path)
        answer = {"access": token(token_type="access"), "id": 1, "task_number": 0}
        return Response(json.dumps(answer), mimetype="application/json")

    loop.fake.before = before
    url = f"{loop.settings.label_studio_url}/labels"
    assert Administration(url, token(token_type="refresh"), timeout=10).project(1).id == 1
    assert paths == ["/labels/api/token/refresh/", "/labels/api/projects/1/"]


def token(**claims: Any) -> str:
    """A token that is valid for long, as Label Studio makes them; nobody checks its signature here."""
    return jwt.encode({"exp": 8_000_000_000, **claims}, "s" * 32)


def _of(answer: tuple[Any, int]) -> tuple[bytes, int]:
    response, status = answer
    return response.get_data(), status
