"""What `connect` leaves in Label Studio and here, with a Label Studio in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from redis import Redis

from backend.connecting import NotConnected, connect
from backend.doctor.bench import Bench, health_at
from backend.doctor.finding import State
from backend.labelstudio.administration import Administration, Connection, Webhook
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.web import create_app
from tests.fakes.administration import URL, InMemory

pytestmark = pytest.mark.usefixtures("answering")

OURS = f"{URL}/webhook?project=1"
OLD = f"{URL}/webhook"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Supervisor() as supervisor, Bench() as bench:
        url = start_redis(supervisor, tmp_path / "redis", dict(os.environ))
        bench.settings = Settings(redis_url=url)
        bench.label_studio = cast(Administration, InMemory())
        yield bench


def label_studio(bench: Bench) -> InMemory:
    return cast(InMemory, bench.label_studio)


def connected(bench: Bench, url: str = URL) -> list[str]:
    said: list[str] = []
    connect(bench, url, 1, lambda what, done, state=State.OK: said.append(f"{state.value} {what}: {done}"))
    return said


def answer(bench: Bench, header: str, query: str = "?project=1") -> int:
    """Of a webhook that carries this."""
    body: dict[str, Any] = {"action": "TASKS_DELETED", "project": {"id": 1}}
    app = create_app(bench.settings).test_client()
    return app.post(f"/webhook{query}", json=body, headers={"Authorization": header}).status_code


def test_the_webhook_names_its_project_and_has_a_secret_of_its_own_and_no_payload(bench: Bench) -> None:
    """Whatever credentials are set: Label Studio shows a webhook's headers to all its users."""
    bench.settings = bench.settings.model_copy(
        update=dict(Settings(webhook_secret="s3cret", basic_auth_user="u", basic_auth_pass="pa55"))
        | {"redis_url": bench.settings.redis_url}
    )
    connected(bench)
    (hook,) = label_studio(bench).webhooks(1)  # the one that Label Studio makes by itself is gone
    assert (hook.url, hook.with_payload, hook.is_active) == (OURS, False, True)
    secret = hook.headers["Authorization"]
    assert secret.startswith("Bearer ")
    assert secret != "Bearer s3cret"
    assert [answer(bench, secret), answer(bench, "Bearer s3cret"), answer(bench, "")] == [201, 401, 401]
    connected(bench)
    assert label_studio(bench).carried() == {OURS: secret}  # again changes nothing


def test_a_failed_connect_leaves_the_webhook_and_its_secret_as_they_were(bench: Bench) -> None:
    """A typing error in the port, of a project that is connected."""
    connected(bench)
    before = label_studio(bench).carried()
    with pytest.raises(NotConnected, match="nothing answers there"):
        connected(bench, "http://backend.internal:9091")
    assert label_studio(bench).carried() == before
    assert [answer(bench, "Bearer forged"), answer(bench, ""), answer(bench, before[OURS])] == [401, 401, 201]


@pytest.mark.parametrize("header", ["Bearer s3cret", "Basic dTpwYTU1"])
def test_a_webhook_of_the_release_before_counts_until_it_is_replaced(bench: Bench, header: str) -> None:
    given = dict(Settings(webhook_secret="s3cret", basic_auth_user="u", basic_auth_pass="pa55"))
    bench.settings = bench.settings.model_copy(update=given | {"redis_url": bench.settings.redis_url})
    server = label_studio(bench)
    server.save_webhook(1, Webhook(OLD, {"Authorization": header}, with_payload=True))
    server.reachable.clear()
    with pytest.raises(NotConnected):
        connected(bench)
    assert server.carried() == {OLD: header}
    assert answer(bench, header, "") == 201
    server.reachable.add(URL)
    assert any("replaces" in line for line in connected(bench))
    (secret,) = server.carried().values()
    assert [answer(bench, header, ""), answer(bench, secret)] == [401, 201]


def test_a_secret_that_is_known_is_carried_over(bench: Bench) -> None:
    """The release before gave projects secrets of their own too, where nothing was configured."""
    connected(bench)
    server = label_studio(bench)
    secret = server.carried()[OURS]
    server.hooks.clear()
    server.save_webhook(1, Webhook(OLD, {"Authorization": secret}, with_payload=True))
    connected(bench)
    assert server.carried() == {OURS: secret}


def test_a_lost_secret_is_replaced(bench: Bench) -> None:
    connected(bench)
    server = label_studio(bench)
    before = server.carried()[OURS]
    for place in bench.settings.data_dir.rglob("webhook.json"):
        place.write_text("damaged")
    with Redis.from_url(bench.settings.redis_url) as redis:
        redis.flushall()
    assert any("corrected" in line for line in connected(bench))
    after = server.carried()[OURS]
    assert after != before
    assert [answer(bench, before), answer(bench, after)] == [401, 201]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("localhost:9090", "as in http://localhost:9090"),
        ("backend.internal", "as in http://backend.internal"),
        ("http://", "begins with http://"),
        ("http://u:p@host:9090", "without user, password"),
        ("http://host:9090?x=1", "without user, password"),
    ],
)
def test_what_is_no_address_of_a_backend_is_said_before_anything_is_done(
    bench: Bench, url: str, told: str
) -> None:
    with pytest.raises(NotConnected, match=told.replace("?", "[?]")):
        connected(bench, url)
    assert not label_studio(bench).hooks


def test_an_address_at_which_another_backend_answers_is_refused_before_anything_is_done(
    bench: Bench, tmp_path: Path, answering: dict[str, FlaskClient]
) -> None:
    """Both would put their own order in place of the other's for ever."""
    with Supervisor() as supervisor:
        others = Settings(redis_url=start_redis(supervisor, tmp_path / "other", dict(os.environ)))
        answering[URL] = create_app(others).test_client()
        bench.settings = bench.settings.model_copy(update={"port": 9191})
        with pytest.raises(NotConnected, match=f"{URL} another label-studio-atlas .* http://.*:9191"):
            connected(bench)
    assert not label_studio(bench).hooks
    assert not label_studio(bench).made


def test_this_backend_is_known_by_any_of_its_addresses_also_when_its_redis_was_emptied(
    bench: Bench, answering: dict[str, FlaskClient]
) -> None:
    answering[URL] = create_app(bench.settings).test_client()
    connected(bench)
    bench.redis.flushall()
    assert bench.is_another(URL) is False


def test_a_backend_that_does_not_say_whose_it_is_proves_nothing(
    bench: Bench, answering: dict[str, FlaskClient]
) -> None:
    """Of a release before, or while its Redis does not answer."""
    answering[URL] = create_app(Settings(redis_url="redis://localhost:1")).test_client()
    assert bench.is_another(URL) is None
    connected(bench)
    assert label_studio(bench).made


@pytest.mark.parametrize("url", ["http://localhost:1", "http://localhost:x", "http://a b", "nothing"])
def test_where_nothing_can_be_reached_no_backend_is_found(url: str) -> None:
    assert health_at(url) is None


def test_bad_news_are_marked_as_such(bench: Bench) -> None:
    server = label_studio(bench)
    server.made[7] = Connection(7, "http://localhost:9191", "by hand", "CO", "")
    server.ids = count(8)
    (line,) = (line for line in connected(bench) if "there is another" in line)
    assert line.startswith("note connection: ")


def test_a_weight_of_a_control_that_the_project_has_not_is_refused_before_anything_is_done(
    bench: Bench,
) -> None:
    bench.settings = bench.settings.model_copy(update={"control_weights": "label=1,stance=2"})
    with pytest.raises(NotConnected, match=r"names stance.*there are: label.*Nothing was changed"):
        connected(bench)
    assert not label_studio(bench).hooks
    bench.settings = bench.settings.model_copy(update={"control_weights": "stance=2"})  # another project's
    assert connected(bench)
