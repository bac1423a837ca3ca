"""Whatever comes in: a reason or an answer, never a traceback."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.controls.config import parse_label_config
from backend.controls.sources import HyperText
from backend.controls.votes import votes_of
from backend.errors import AtlasError, LabelConfigError
from backend.labelstudio.export import read_export
from backend.settings import Settings
from backend.web import create_app
from tests.unit.schemes import scheme, single

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "project",
        "tasks",
        "schema",
        "label_config",
        "action",
        "annotation",
        "data",
        "id",
        "job",
        "model_version",
    ]
)
SCHEME = scheme(single("c", "x", "y", source=HyperText("a.b")))


@given(JSON)
def test_any_task_data_gives_a_text(data: Any) -> None:
    SCHEME.text_of(data).encode("utf-8")
    SCHEME.text_of({"a": {"b": data}}).encode("utf-8")


@given(st.lists(JSON) | st.lists(st.fixed_dictionaries({"result": JSON, "was_cancelled": JSON})))
def test_any_annotations_give_a_class_or_none(annotations: list[Any]) -> None:
    assert {vote.label for vote in votes_of(annotations, SCHEME.main)} <= {"x", "y"}


@given(JSON | st.text().map(lambda text: f"<View>{text}</View>"))
def test_any_label_config_is_refused_with_a_reason(config: Any) -> None:
    with pytest.raises(LabelConfigError):
        parse_label_config(config)


REGION = st.fixed_dictionaries({"from_name": JSON, "value": st.fixed_dictionaries({"choices": JSON}) | JSON})
TASK = st.fixed_dictionaries(
    {
        "data": st.dictionaries(st.text(), JSON, max_size=3) | JSON,
        "annotations": st.lists(st.fixed_dictionaries({"result": st.lists(REGION) | JSON}) | JSON) | JSON,
    }
)


@settings(max_examples=40, deadline=None)
@given(st.lists(TASK) | JSON)
def test_any_export_gives_labelled_texts_or_a_reason(tasks: Any) -> None:
    with suppress(AtlasError):
        rows = read_export(tasks, label_needed=False).rows
        assert all(isinstance(text, str) and isinstance(label, str) for text, label in rows)


@cache
def client_without_redis() -> FlaskClient:
    return create_app(Settings(redis_url="redis://localhost:1")).test_client()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["/predict", "/setup", "/webhook", "/train", "/job_status", "/versions"]),
    st.dictionaries(KEYS, JSON, max_size=5) | JSON,
)
def test_no_body_makes_a_route_fail_inside(path: str, body: Any) -> None:
    status = client_without_redis().post(path, json=body).status_code
    # Without Redis nothing can be queued, which is said; that is the only 5xx.
    assert status in (200, 201, 400, 404, 410) or (
        path in ("/webhook", "/train", "/job_status") and status == 503
    )
