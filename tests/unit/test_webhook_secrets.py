"""The digest of a webhook's secret outlives Redis: it is kept with the project's models."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import cast

import pytest
from flask.testing import FlaskClient
from redis import Redis

from backend.jobs.contact import Contact
from backend.jobs.dispatch import Dispatcher
from backend.jobs.starting import prepare
from backend.jobs.state import ProjectState, digest
from backend.jobs.webhook_secrets import FILE, WebhookSecrets
from backend.jobs.wished import heed
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.connection import TITLE, Wishes, wishes_of
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store import bucket
from backend.store.paths import project_dir
from backend.web import create_app

OWN = "Bearer own"


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with Supervisor() as supervisor:
        url = start_redis(supervisor, tmp_path / "redis", dict(os.environ))
        yield Settings(redis_url=url, data_dir=tmp_path / "data")


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(settings.redis_url) as redis:
        yield redis


def hook(
    app: FlaskClient, header: str, query: str = "", project: int = 1, action: str = "TASKS_DELETED"
) -> int:
    headers = {"Authorization": header} if header else {}
    body = {"action": action, "project": {"id": project}}
    return app.post(f"/webhook{query}", json=body, headers=headers).status_code


def test_it_outlives_an_emptied_redis_and_a_404_of_a_moment(settings: Settings, redis: Redis) -> None:
    """And an eviction: each is Redis without the project's key."""
    WebhookSecrets(redis, settings).remember(1, digest(OWN))
    for lose in (redis.flushall, lambda: redis.delete("atlas:project:1"), ProjectState(redis, 1).forget):
        lose()
        app = create_app(settings).test_client()
        assert [hook(app, "Bearer forged"), hook(app, ""), hook(app, OWN)] == [401, 401, 201]


def test_what_only_redis_has_is_copied_before_anything_can_drop_it(settings: Settings, redis: Redis) -> None:
    """An upgrade: the release before kept it there alone."""
    state = ProjectState(redis, 1)
    state.note_changes(1)
    state.webhook_digest = digest(OWN)
    prepare(settings)
    state.forget()
    assert WebhookSecrets(redis, settings).digest(1) == digest(OWN)


def test_what_connect_kept_in_another_data_dir_or_could_not_keep_is_copied_by_the_worker(
    settings: Settings, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    WebhookSecrets(redis, settings).remember(1, digest("Bearer before"))
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "of connect"})
    WebhookSecrets(redis, elsewhere).remember(1, digest(OWN))
    WebhookSecrets(redis, settings).keep([1])
    assert WebhookSecrets(redis, settings).kept(1) == digest(OWN)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    WebhookSecrets(redis, settings).remember(2, digest(OWN))
    assert not project_dir(settings.data_dir, 2).exists()  # its files would be another user's
    monkeypatch.undo()
    WebhookSecrets(redis, settings).keep([2])
    assert WebhookSecrets(redis, settings).kept(2) == digest(OWN)


def test_one_that_cannot_be_read_lets_nobody_in(settings: Settings, redis: Redis) -> None:
    WebhookSecrets(redis, settings).remember(1, digest(OWN))
    place = project_dir(settings.data_dir, 1) / FILE
    for damaged in ("", "[]", json.dumps({"other": 1})):
        place.write_text(damaged)
        redis.flushall()
        app = create_app(settings).test_client()
        assert [hook(app, ""), hook(app, OWN), hook(app, "", project=2)] == [503, 503, 201]


def test_while_the_model_store_is_away_nobody_is_let_in_for_want_of_a_secret(
    settings: Settings, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But those that this machine, or Redis, remembers; and none is waited for one by one."""
    shared = settings.model_copy(update={"model_store": f"file://{tmp_path}/bucket"})
    elsewhere = shared.model_copy(update={"data_dir": tmp_path / "other"})
    WebhookSecrets(redis, elsewhere).remember(1, digest(OWN))
    assert hook(create_app(shared).test_client(), OWN) == 201
    monkeypatch.setitem(bucket._failed_at, f"file://{tmp_path}".rsplit("/", 1)[0], time.monotonic())
    monkeypatch.setattr(bucket.Bucket, "is_resting", True)
    assert hook(create_app(shared).test_client(), OWN) == 201  # by Redis
    redis.flushall()
    assert hook(create_app(elsewhere).test_client(), OWN) == 201  # by the copy
    redis.flushall()
    assert hook(create_app(shared).test_client(), OWN) == 503


BASIC = {"basic_auth_user": "atlas", "basic_auth_pass": "pa55"}
BASIC_HEADER = "Basic YXRsYXM6cGE1NQ=="


@pytest.mark.parametrize(
    ("given", "former"),
    [(BASIC, BASIC_HEADER), ({"webhook_secret": "s3cret"}, "Bearer s3cret"), ({}, "")],
    ids=["password", "WEBHOOK_SECRET", "nothing"],
)
def test_what_a_release_before_registered_is_let_in_until_connect_has_replaced_it(
    settings: Settings, redis: Redis, given: dict[str, str], former: str
) -> None:
    asked = Settings(**{**settings.model_dump(include={"redis_url", "data_dir"}), **given})
    app = create_app(asked).test_client()
    assert (hook(app, former), hook(app, "Bearer forged") == 201) == (201, not given)
    WebhookSecrets(redis, asked).remember(1, digest(OWN))
    app = create_app(asked).test_client()
    assert [hook(app, former), hook(app, OWN, "?project=1")] == [401, 201]
    assert hook(app, former, project=2) == 201  # another project, not connected anew yet


def test_own_secrets_count_where_credentials_are_set_and_for_their_project_alone(
    settings: Settings, redis: Redis
) -> None:
    asked = Settings(**settings.model_dump(include={"redis_url", "data_dir"}), **BASIC)
    WebhookSecrets(redis, asked).remember(1, digest(OWN))
    app = create_app(asked).test_client()
    assert [
        hook(app, OWN, query)
        for query in ("?project=1", "?project=2", "", "?project=x", "?project=" + "9" * 5000)
    ] == [
        201,
        401,
        401,
        401,
        401,
    ]
    assert hook(app, OWN, "?project=1", project=2) in (400, 401)


def test_what_starts_a_training_needs_what_the_connection_has(settings: Settings, redis: Redis) -> None:
    """Label Studio sends it along the connection: without the webhook's secret, with the basic auth."""
    WebhookSecrets(redis, settings).remember(1, digest(OWN))
    assert hook(create_app(settings).test_client(), "", action="START_TRAINING") == 201
    asked = Settings(**settings.model_dump(include={"redis_url", "data_dir"}), **BASIC)
    app = create_app(asked).test_client()
    assert [hook(app, header, action="START_TRAINING") for header in ("", BASIC_HEADER)] == [401, 201]


class Listed:
    """A Label Studio of which only a project's connections and webhooks are asked."""

    def __init__(self, connections: list[dict[str, object]], *carried: str):
        self._connections, self._carried = connections, list(carried)

    def wishes(self, project_id: int) -> Wishes:
        return wishes_of(self._connections)

    def all_backends_answer(self, project_id: int) -> bool:
        return all(each["state"] == "CO" for each in self._connections)

    def webhook_authorizations(self, project_id: int) -> list[str]:
        return self._carried


OURS: dict[str, object] = {"id": 1, "title": TITLE, "state": "CO"}
BY_HAND: dict[str, object] = {"id": 2, "title": "mine", "state": "CO"}


@pytest.mark.parametrize(
    ("label_studio", "is_kept"),
    [
        (Listed([OURS], OWN), True),
        (
            Listed([OURS]),
            True,
        ),  # somebody deleted the webhook: `doctor` says so, and nobody is let in for that
        (Listed([{**OURS, "state": "ER"}], OWN), True),
        (Listed([BY_HAND], OWN, ""), True),  # only its title is another
        (Listed([BY_HAND], ""), False),  # Label Studio has made its own webhook with it
        (Listed([]), False),
    ],
    ids=["connected", "no webhook", "out of reach", "renamed", "again by hand", "disconnected"],
)
def test_only_what_a_worker_reads_in_label_studio_takes_it_away(
    settings: Settings,
    redis: Redis,
    label_studio: Listed,
    is_kept: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = count(1)  # each connection's /setup is called for each listing
    monkeypatch.setattr(Contact, "last", lambda contact, kind: next(calls))
    secrets = WebhookSecrets(redis, settings)
    secrets.remember(1, digest(OWN))
    heed(settings, Dispatcher(redis, settings), cast(LabelStudioClient, label_studio), 1)
    redis.flushall()
    assert secrets.digest(1) == (digest(OWN) if is_kept else None)
