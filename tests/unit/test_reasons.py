"""No JSON debris and no page of HTML in what people read."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Request, Response

from backend.errors import LabelStudioError
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.reasons import reason_of
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.server import served

OWN = {"id": "5f0", "status_code": 404, "version": "1.23.2", "detail": "Not found.", "exc_info": None}
VALIDATION = {
    **OWN,
    "detail": "Validation error",
    "validation_errors": {"url": ["Enter a valid URL."], "non_field_errors": ["Can't connect to ML backend"]},
}
PAGE = "<!DOCTYPE html><html><head><title>502 Bad\nGateway</title></head><body>" + "<p>x</p>" * 50_000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps(OWN), "Not found."),
        (OWN, "Not found."),
        (json.dumps(VALIDATION), "url: Enter a valid URL.; Can't connect to ML backend"),
        ('{"url": ["Enter a valid URL."]}', "url: Enter a valid URL."),
        ("[]", "no reason"),
        ("{}", "no reason"),
        (PAGE, 'a web page, "502 Bad Gateway"'),
        ("<html><body><h1>Server &amp; Error</h1>", 'a web page, "Server & Error"'),
        ("<html></html>", "a web page"),
        ("plain\n words", "plain words"),
        ('{"detail": "cut of', '{"detail": "cut of'),
        ("[" * 100_000, None),
        (None, "None"),
    ],
)
def test_the_reason_alone_is_said(body: object, said: str | None) -> None:
    assert reason_of(body) == said or (said is None and len(reason_of(body)) <= 10_000)


@pytest.mark.parametrize(
    ("status", "body"), [(400, json.dumps(OWN)), (404, json.dumps(OWN)), (502, PAGE), (200, PAGE)]
)
def test_no_error_of_the_client_shows_json_or_html(status: int, body: str) -> None:
    def answer(request: Request) -> Response:
        kind = "text/html" if body is PAGE else "application/json"
        return Response(body, status, content_type=kind, headers={"Retry-After": "0"})

    with served() as server:
        server.show(FakeLabelStudio()).before = answer
        client = LabelStudioClient(server.url, "key", timeout=10)
        with client, pytest.raises(LabelStudioError) as refused:
            client.project(1)
    told = str(refused.value)
    assert not set("<>{}") & set(told)
    assert "exc_info" not in told
    assert len(told) < 400
