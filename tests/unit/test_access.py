"""Who may call what, by which of the two credentials are configured."""

from __future__ import annotations

import logging
import os
from base64 import b64encode
from inspect import signature
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import ValidationError
from redis import Redis

from backend.jobs import keys
from backend.jobs.contact import Contact
from backend.jobs.dispatch import Dispatcher
from backend.jobs.measures import Measures
from backend.jobs.newcomers import Newcomers
from backend.jobs.state import ProjectState, digest
from backend.jobs.webhook_secrets import WebhookSecrets, former_authorizations
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.web import create_app
from backend.web.access import KNOWN_SECONDS, Door
from tests.unit.test_web import CONFIG

SECRET = {"webhook_secret": "s3cret"}
BASIC = {"basic_auth_user": "atlas", "basic_auth_pass": "pa55:word"}
BEARER_HEADER = "Bearer s3cret"
BASIC_HEADER = "Basic " + b64encode(b"atlas:pa55:word").decode()
WRONG = ["", "Bearer ", "Bearer s3cre", "Basic s3cret", "s3cret", "Bearer \xe9", BASIC_HEADER[:-2]]


def client(**settings: str) -> FlaskClient:
    return create_app(Settings(redis_url="redis://localhost:1", **settings)).test_client()


def status(client: FlaskClient, path: str, authorization: str) -> int:
    body = {"project": {"id": 1}} if path.startswith("/webhook") else {"project": 1, "tasks": []}
    headers = {"Authorization": authorization} if authorization else {}
    return client.post(path, json=body, headers=headers).status_code


@pytest.mark.parametrize("header", ["", BEARER_HEADER])
def test_all_is_open_when_nothing_is_configured(header: str) -> None:
    assert status(client(), "/predict", header) == 200
    assert status(client(), "/webhook", header) == 503  # let in; there is no Redis to ask or tell


@pytest.mark.parametrize(
    ("settings", "path", "accepted"),
    [
        (SECRET, "/webhook", {BEARER_HEADER}),
        (BASIC, "/webhook", {BASIC_HEADER}),
        (SECRET | BASIC, "/webhook", {BEARER_HEADER, BASIC_HEADER}),
        (BASIC, "/predict", {BASIC_HEADER}),
        (SECRET | BASIC, "/predict", {BASIC_HEADER}),
    ],
)
def test_only_the_configured_credentials_are_accepted(
    settings: dict[str, str], path: str, accepted: set[str]
) -> None:
    app = client(**settings)
    for header in [*WRONG, BEARER_HEADER, BASIC_HEADER]:
        assert (status(app, path, header) != 401) == (header in accepted), header


def test_a_secret_for_webhooks_leaves_the_rest_open() -> None:
    assert status(client(**SECRET), "/predict", "") == 200


def test_health_needs_nothing_and_minds_nothing() -> None:
    app = client(**SECRET, **BASIC)
    assert app.get("/health").status_code == 200
    assert app.get("/health", headers={"Authorization": "Bearer wrong"}).status_code == 200


def test_pages_that_do_not_exist_tell_strangers_nothing() -> None:
    assert client(**BASIC).get("/nowhere").status_code == 401


def test_refused_webhooks_are_logged_once_and_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    app = client(**SECRET)
    # The application has set up logging of its own; this handler is one more.
    logging.getLogger("backend.web.access").addHandler(caplog.handler)
    for _ in range(3):
        status(app, "/webhook", "Bearer guessed")
    assert caplog.text.count("lacks the secret") == 1
    assert "s3cret" not in caplog.text
    assert "guessed" not in caplog.text


def test_what_releases_before_registered_webhooks_with() -> None:
    assert former_authorizations(Settings()) == []
    assert former_authorizations(Settings(**SECRET, **BASIC)) == [BEARER_HEADER, BASIC_HEADER]
    assert former_authorizations(Settings(**BASIC)) == [BASIC_HEADER]
    assert "s3cret" not in repr(Settings(**SECRET))
    empty = Settings(webhook_secret="", basic_auth_user="", basic_auth_pass="")
    assert former_authorizations(empty) == []


def test_a_probe_of_the_doctors_is_not_logged_as_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    app = client(**BASIC)
    logging.getLogger("backend.web.access").addHandler(caplog.handler)
    assert app.options("/predict").status_code == 401
    assert "401" not in caplog.text
    assert app.post("/predict").status_code == 401
    assert "401" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"basic_auth_user": "atlas"},
        {"basic_auth_pass": "x"},
        {"basic_auth_user": "a:b", "basic_auth_pass": "x"},
        {"webhook_secret": "zwei Worte"},
        {"webhook_secret": "für"},
    ],
)
def test_credentials_that_cannot_work_are_refused_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_a_setting_that_is_refused_is_not_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(webhook_secret="two words", label_studio_url="http://me:hidden@ls.example")
    assert "words" not in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_project_with_a_secret_of_its_own_takes_no_webhook_without_it(tmp_path: Path) -> None:
    """Others stay open: Label Studio's own webhook, of a project connected by hand, carries nothing."""
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        settings = Settings(redis_url=url)
        app, dispatcher = create_app(settings).test_client(), Dispatcher.from_settings(settings)
        mine, open_one = dispatcher.state(1), dispatcher.state(2)
        for project in (1, 2):
            Newcomers(dispatcher.redis).let_in(project)
        mine.webhook_digest = digest("Bearer own")

        def hook(project: int | None, header: str) -> int:
            told = {} if project is None else {"project": {"id": project}}
            headers = {"Authorization": header}
            return app.post("/webhook", json={"action": "TASKS_DELETED", **told}, headers=headers).status_code

        assert [hook(1, header) for header in (*WRONG, "Bearer own", "", "Bearer own")] == [
            *[401] * len(WRONG),
            201,
            401,
            201,
        ]
        assert [hook(2, header) for header in ("", "Bearer own")] == [201, 201]
        assert (mine.changes, open_one.changes) == (2, 2)
        # One without payload is for all projects that let it in.
        assert [hook(None, ""), hook(None, "Bearer own")] == [201, 201]
        assert (mine.changes, open_one.changes) == (3, 4)
        configured = create_app(Settings(redis_url=url, webhook_secret="s3cret")).test_client()
        assert status(configured, "/webhook", BEARER_HEADER) == 401  # it has one of its own
        assert status(configured, "/webhook?project=1", "Bearer own") == 201


def test_a_secret_taken_away_counts_for_some_seconds_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bursts ask Redis once for it; what was refused is asked for again each time."""
    now = 1000.0
    monkeypatch.setattr("backend.web.access.time.monotonic", lambda: now)
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        app = create_app(Settings(redis_url=url)).test_client()
        project = Dispatcher.from_settings(Settings(redis_url=url)).state(1)
        project.webhook_digest = digest("Bearer old")

        def hook(header: str) -> int:
            body = {"action": "ANNOTATION_CREATED", "project": {"id": 1}}
            return app.post("/webhook", json=body, headers={"Authorization": header}).status_code

        assert [hook("Bearer old"), hook("Bearer new")] == [201, 401]
        project.webhook_digest = digest("Bearer new")
        assert [hook("Bearer old"), hook("Bearer new"), hook("")] == [201, 201, 401]
        now += KNOWN_SECONDS + 1
        assert [hook("Bearer old"), hook("Bearer new")] == [401, 201]


def test_what_is_known_of_projects_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def digest_of(secrets: WebhookSecrets, project_id: int) -> None:
        asked.append(project_id)

    monkeypatch.setattr("backend.web.access.MOST_KNOWN", 3)
    monkeypatch.setattr(WebhookSecrets, "digest", digest_of)
    door = Door(Settings(), Dispatcher.from_settings(Settings()))
    with Flask("test").test_request_context("/webhook"):
        assert all(door.lets_in(project) for project in (1, 1, 2, 3, 3, 4, 4, 1))
    assert asked == [1, 2, 3, 4, 1]


def test_invented_projects_are_refused_once_there_are_as_many_as_may_be(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        app = create_app(Settings(redis_url=url, max_projects=2)).test_client()

        def hook(project: int) -> int:
            body = {"action": "ANNOTATION_CREATED", "project": {"id": project}}
            return app.post("/webhook", json=body).status_code

        assert [hook(project) for project in (1, 2, 3, 1, 2, 4)] == [201, 201, 503, 201, 201, 503]
        with Redis.from_url(url) as redis:
            newcomers = Newcomers(redis)
            newcomers.let_in(1)
            newcomers.turn_away(2)  # it turned out not to exist
            assert [hook(project) for project in (1, 3, 2)] == [201, 201, 503]
            assert not redis.exists("atlas:project:2")


@pytest.mark.parametrize("path", ["/webhook", "/train", "/setup"])
def test_no_route_lets_more_projects_in_than_there_may_be(path: str, tmp_path: Path) -> None:
    """Nor one that was there before and is gone by now."""
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        app = create_app(Settings(redis_url=url, max_projects=2, label_studio_api_key="k")).test_client()

        def named(project: int) -> int:
            told = {"id": project} if path == "/webhook" else project
            body = {"action": "ANNOTATION_CREATED", "project": told, "schema": CONFIG}
            return app.post(path, json=body).status_code

        with Redis.from_url(url) as redis:
            for project in (1, 2):
                Newcomers(redis).let_in(project)
            assert {named(1), named(2)} <= {200, 201}
            assert named(3) == 503
            for project in (1, 2):
                ProjectState(redis, project).forget()
            assert {named(3), named(4)} <= {200, 201}
            for project in (1, 2, 5):
                named(project)
            assert redis.scard("atlas:projects") + redis.zcard("atlas:newcomers") == 2


def test_what_is_kept_of_a_project_goes_with_it(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        with Redis.from_url(url) as redis:
            state = ProjectState(redis, 1)
            state.note_changes(1)
            state.set_aside("it failed", 60)
            Contact(redis, 1).note("setup")
            Measures(redis).retrained(1, {"seconds": {"pull": 1.0}})
            Measures(redis).head_filled(1, 5)
            for name, key in vars(keys).items():
                if name.endswith("_key") and list(signature(key).parameters) == ["project_id"]:
                    redis.set(key(1), "whatever it is", nx=True)
            state.forget()
            Measures(redis).retrained(1, {"reason": "gone", "seconds": {"pull": 1.0}})  # by its last job
            assert redis.keys() == []


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_requests_of_web_pages_are_refused(headers: dict[str, str]) -> None:
    for path in ("/predict", "/webhook", "/setup", "/train"):
        answer = client().post(path, json={"project": 1, "tasks": []}, headers=headers)
        assert answer.status_code == 403, path
    assert client().get("/health", headers=headers).status_code == 200


def test_a_webhook_whose_address_names_another_project_than_its_payload_is_refused() -> None:
    body = {"action": "TASKS_DELETED", "project": {"id": 1}}
    assert client().post("/webhook?project=2", json=body).status_code == 400
    assert client().post("/webhook?project=x", json={"action": "TASKS_DELETED"}).status_code == 400


@pytest.mark.parametrize("project", ["9" * 5000, 0, -1, True, None, "1e3", "\u0661", 1e400, ["1"], "x"])
@pytest.mark.parametrize("path", ["/webhook", "/train", "/setup", "/predict"])
def test_no_route_takes_what_is_no_projects_id(path: str, project: object) -> None:
    told = {"id": project} if path == "/webhook" else project
    body = {"action": "TASKS_CREATED", "project": told, "tasks": [], "schema": CONFIG}
    assert client().post(path, json=body).status_code == 400


def test_an_event_of_any_of_many_projects_makes_one_job(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path, dict(os.environ))
        app = create_app(Settings(redis_url=url)).test_client()
        with Redis.from_url(url) as redis:
            for project in range(1, 30):
                Newcomers(redis).let_in(project)
            assert app.post("/webhook", json={"action": "TASKS_CREATED"}).get_json() == {"job": "reconcile"}
            assert len(redis.keys("rq:job:*")) == 1
