"""How good the demo's model is: asked as Label Studio asks it, and told as what it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from backend.demo import measure as measured
from backend.demo.asked import SPANS
from backend.demo.data import DemoData
from backend.demo.measure import Round, measure, measure_parts
from backend.errors import AtlasError
from backend.settings import Settings

DATA = DemoData([("t1", "a"), ("t2", "a"), ("t3", "b")], [("h1", "a"), ("h2", "b")])
PROJECT = cast(Any, SimpleNamespace(id=3, label_config="<View/>"))


def asked(monkeypatch: pytest.MonkeyPatch, results: Any, status: int = 200) -> Round:
    """results: of the backend's answer, about two held-out texts."""
    sent: list[Any] = []

    def post(url: str, **given: Any) -> httpx.Response:
        sent.append((url, given["json"], given["trust_env"]))
        return httpx.Response(status, json={"results": results}, request=httpx.Request("POST", url))

    monkeypatch.setattr(measured.httpx, "post", post)
    found = measure("http://us", PROJECT, DATA, ["h1", "h2"], "atlas-000001", ["a", "b"])
    ((url, body, trust),) = sent
    assert (url, body["project"], trust) == ("http://us/predict", "3", False)
    assert body["tasks"] == [{"data": {"text": "h1"}}, {"data": {"text": "h2"}}]
    return found


def said(**likely: float) -> dict[str, Any]:
    return {"probabilities": {"label": likely}, "result": []}


@pytest.mark.parametrize(
    ("results", "accuracy", "macro_f1"),
    [
        ([], None, None),
        ([said(a=0.9, b=0.1), said(a=0.1, b=0.9)], 1.0, 1.0),
        ([said(a=0.9, b=0.1), said(a=0.9, b=0.1)], 0.5, pytest.approx(1 / 3)),
        ([said(b=0.6, a=0.4), said(a=0.6, b=0.4)], 0.0, 0.0),
    ],
)
def test_scores_are_those_of_the_likeliest_classes(
    results: Any, accuracy: float | None, macro_f1: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asked(monkeypatch, results)
    assert (found.accuracy, found.macro_f1) == (accuracy, macro_f1)
    assert found.scores == [accuracy, macro_f1]
    assert (found.labels, found.model_version) == (2, "atlas-000001")
    assert (found.rare_found, found.rare_found_random) == (1, 0.67)


def test_another_number_of_predictions_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AtlasError, match="1 predictions came back for 2 tasks"):
        asked(monkeypatch, [said(a=1.0)])
    with pytest.raises(httpx.HTTPStatusError):
        asked(monkeypatch, [], status=503)


@pytest.mark.parametrize(
    ("stats", "scores"),
    [
        ({}, [None]),
        ({"measured": None}, [None]),
        ({"measured": {"f1": 0.5}}, [0.5]),
        ({"measured": {"iou": 1}}, [None]),
    ],
)
def test_parts_are_measured_as_the_backend_tells_it(
    stats: dict[str, Any], scores: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ['[[0, 1, "PER"], [2, 3, "PER"]]', '[[0, 1, "LOC"]]', "[]"]
    data = DemoData([(f"t{i}", answer) for i, answer in enumerate(answers)], [], asked=SPANS)
    store = SimpleNamespace(stats=lambda version: stats)
    monkeypatch.setattr(measured, "version_store", lambda settings, project: store)
    found = measure_parts(Settings(), 3, data, "atlas-000001", [answers[1]])
    assert found.scores == scores
    assert (found.rare_found, found.rare_found_random) == (1, 0.33)
