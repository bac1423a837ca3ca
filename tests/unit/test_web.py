"""The routes without Redis: what must answer, answers; what is wrong is named."""

import gc

import pytest
from flask.testing import FlaskClient

from backend.settings import Settings
from backend.web import create_app
from tests.e2e.steps import wait_until

CONFIG = (
    '<View><Text name="text" value="$text"/>'
    '<Choices name="label" toName="text"><Choice value="a"/><Choice value="b"/></Choices></View>'
)


@pytest.fixture
def client() -> FlaskClient:
    return create_app(Settings(redis_url="redis://localhost:1")).test_client()


@pytest.mark.parametrize("path", ["/", "/health"])
def test_health(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["status"]) == (200, "UP")


@pytest.mark.parametrize("config", [CONFIG, "<View/>", "<broken", "", None, 7])
def test_predict_without_a_model_says_none(client: FlaskClient, config: object) -> None:
    body = {"tasks": [{"id": 1, "data": {"text": "x"}}], "project": "1.17", "label_config": config}
    answer = client.post("/predict", json=body)
    assert (answer.status_code, answer.get_json()) == (200, {"results": []})


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"tasks": 1, "project": "1"}', b'{"tasks": [], "project": "../x"}', b"\xff"]
)
def test_malformed_requests_are_4xx_with_a_reason(client: FlaskClient, body: bytes) -> None:
    for path in ("/predict", "/setup"):
        answer = client.post(path, data=body)
        assert answer.status_code == 400
        assert answer.get_json()["error"]


def test_setup_refuses_what_cannot_be_learned_and_a_missing_key(client: FlaskClient) -> None:
    refused = client.post(
        "/setup", json={"project": "1.17", "schema": '<View><Text name="t" value="$t"/></View>'}
    )
    assert (refused.status_code, "<Choices" in refused.get_json()["error"]) == (400, True)
    no_key = client.post("/setup", json={"project": "1.17", "schema": CONFIG})
    assert (no_key.status_code, "LABEL_STUDIO_API_KEY" in no_key.get_json()["error"]) == (400, True)


def test_without_redis_a_webhook_is_503_not_500(client: FlaskClient) -> None:
    answer = client.post("/webhook", json={"action": "ANNOTATION_CREATED", "project": {"id": 1}})
    assert answer.status_code == 503


def test_an_application_that_is_no_more_leaves_no_connection_to_redis_open(session_redis: str) -> None:
    app = create_app(Settings(redis_url=session_redis, label_studio_api_key="k"))
    client = app.test_client()
    for path in ("/health", "/metrics"):
        assert client.get(path).status_code == 200
    assert client.post("/setup", json={"project": "1.1", "schema": CONFIG}).status_code == 200
    clients = [app.extensions["dispatcher"].redis, app.extensions["installation"]._redis]
    pools = [each.connection_pool for each in clients]
    wait_until(lambda: pools[1]._available_connections)
    assert any(each.is_connected for pool in pools for each in pool._available_connections)
    del app, client, clients
    gc.collect()
    assert not any(each.is_connected for pool in pools for each in pool._available_connections)
