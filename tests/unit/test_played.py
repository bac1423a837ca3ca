"""Utterances with times: in the order in which the editor's <Paragraphs contextScroll="true"> counts them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.controls.config import parse_label_config
from backend.controls.played import in_order_of_time
from backend.controls.sources import Utterances
from backend.controls.spans import Spans

CONFIG = """<View><Audio name="audio" value="$audio"/>
  <Paragraphs name="t" value="$talk" contextscroll="true" granularity="paragraph"/>
  <ParagraphLabels name="c" toName="t"><Label value="good"/><Label value="bad"/></ParagraphLabels></View>"""


ENDLESS = [{"start": 10**400, "duration": 0.5}]


def talk(*times: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**each, "text": str(number)} for number, each in enumerate(times)]


@pytest.mark.parametrize(
    ("times", "order"),
    [
        ([{"start": 2}, {"start": 1.5}, {"start": -1}], "210"),
        ([{"start": 0}, {"start": 3}, {}, {"start": 1}, {"start": None}], "31024"),
        ([{"start": 1, "end": 9}, {"start": 1, "duration": 2}, {"start": 1}, {"start": 1, "end": 0}], "2310"),
        ([{"start": 1, "end": 2}, {"start": 1, "duration": 1}], "01"),
        ([], ""),
    ],
    ids=["by start", "without a start, or with 0, last", "by the end", "else as they stand", "none"],
)
def test_utterances_stand_in_the_order_that_the_editor_sorts_them_in(
    times: list[dict[str, Any]], order: str
) -> None:
    """The expected orders are what the editor's comparison gives in node."""
    shown = in_order_of_time(talk(*times))
    assert shown is not None
    assert "".join(each["text"] for each in shown) == order


@pytest.mark.parametrize(
    "utterances",
    [None, "a", ["a"], [{"start": "1"}], [{"start": True}, {"end": []}], ENDLESS, [{"end": float("nan")}]],
)
def test_an_order_that_cannot_be_told_is_not_guessed(utterances: Any) -> None:
    assert in_order_of_time(utterances) is None
    assert Utterances("talk", by_time=True).content({"talk": utterances}) == ""


def test_a_span_of_a_dialogue_by_time_is_counted_as_the_editor_counts_it() -> None:
    """In utterances as they are shown: the second one here is the task's first."""
    control = parse_label_config(CONFIG).main
    assert isinstance(control, Spans)
    assert control.source == Utterances("talk", by_time=True)
    content = control.source.content({"talk": talk({"start": 5}, {"start": 1})})
    assert content == "1\u20290"
    place = {"start": "1", "end": "1", "startOffset": 0, "endOffset": 1}
    region = {"from_name": "c", "to_name": "t", "type": "paragraphlabels"}
    result = [{**region, "value": {**place, "paragraphlabels": ["bad"]}}]
    answer = control.read(result, content)
    assert answer == json.dumps([[2, 3, "bad"]])
    (shown,) = control.given(answer, content)
    assert {key: shown["value"][key] for key in place} == place
