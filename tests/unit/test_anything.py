"""Answers of any config are compared as they are."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch

from backend.controls.any_config import parse_any_config, parse_config
from backend.controls.anything import LONGEST, Anything
from backend.controls.choices import SingleChoice
from backend.controls.registry import control_from_json
from backend.controls.sources import Text, Unread
from backend.errors import LabelConfigError
from backend.learning.network import Layers
from tests.unit.whatever import in_places_of

ANYTHING = Anything(from_name="v", to_name="a", source=Text("text"))
SPAN = {"from_name": "v", "type": "labels", "value": {"start": 1, "end": 2, "labels": ["a", "b"]}}
KEY_POINT = {"from_name": "k", "type": "keypointlabels", "value": {"x": 1.5, "keypointlabels": ["a"]}}


@pytest.mark.parametrize(
    "change",
    [
        lambda result: result[::-1],
        lambda result: [{**each, "id": f"r{i}", "score": i / 7} for i, each in enumerate(result)],
        lambda result: [{**result[0], "value": {**result[0]["value"], "labels": ["b", "a"]}}, result[1]],
        lambda result: [*result, {"id": "x", "type": "relation"}],  # without a value
        lambda result: [*result, None, 7, "v"],
        lambda result: [dict(reversed(each.items())) for each in result],
    ],
    ids=["order", "ids and scores", "labels' order", "relations", "no regions", "keys' order"],
)
def test_what_says_the_same_is_the_same(change: Any) -> None:
    result = [SPAN, KEY_POINT]
    assert ANYTHING.read(change(copy.deepcopy(result))) == ANYTHING.read(result)


@pytest.mark.parametrize(
    "other",
    [
        [SPAN],
        [SPAN, KEY_POINT, KEY_POINT],
        [{**SPAN, "from_name": "w"}, KEY_POINT],
        [{**SPAN, "type": "hypertextlabels"}, KEY_POINT],
        [{**SPAN, "value": {**SPAN["value"], "start": 0}}, KEY_POINT],  # type: ignore[dict-item]
        [],
    ],
)
def test_what_says_something_else_is_another_answer(other: list[Any]) -> None:
    one, another = ANYTHING.read([SPAN, KEY_POINT]), ANYTHING.read(other)
    assert one is not None
    assert another is not None
    assert ANYTHING.agreement(one, another) == 0


def test_no_region_says_that_there_is_nothing_and_no_list_says_nothing() -> None:
    assert ANYTHING.read([]) == "[]"
    assert ANYTHING.in_words("[]") == ["[]"]
    for result in (None, {}, "[]", 3):
        assert ANYTHING.read(result) is None


def test_of_long_answers_a_digest_is_kept() -> None:
    def said(text: str) -> str | None:
        return ANYTHING.read([{"value": {"text": [text]}}])

    one, other = said("a" * LONGEST), said("a" * LONGEST + "b")
    assert one is not None
    assert other is not None
    assert len(one) == len(other) == 32
    assert one != other
    assert one == said("a" * LONGEST)


def test_half_a_surrogate_pair_in_a_long_answer_raises_nothing() -> None:
    assert ANYTHING.read([{"value": {"text": ["\ud800" * LONGEST]}}]) is not None


def test_whatever_stands_in_an_annotation_is_read() -> None:
    for result in in_places_of([SPAN]):
        answer = ANYTHING.read(result)
        assert (answer is None) == (not isinstance(result, list))
        if answer is not None:
            assert answer == ANYTHING.read(copy.deepcopy(result))
            assert ANYTHING.agreement(answer, answer) == 1


def test_nothing_is_predicted_and_nothing_is_unknown() -> None:
    assert ANYTHING.regions("[]", 1.0) == ANYTHING.said_in(SPAN) == ANYTHING.unknown_in(SPAN) == []
    assert ANYTHING.answers_among(["b", "a", "b"]) == ("b", "a")
    with pytest.raises(NotImplementedError, match="another ML backend answers"):
        ANYTHING.decide(Layers((), torch.zeros(1, 2)))


def test_a_manifest_gives_it_back() -> None:
    assert control_from_json(ANYTHING.as_json()) == ANYTHING
    assert control_from_json(ANYTHING.as_json()) != replace(ANYTHING, from_name="w")


VIDEO = '<Video name="v" value="$video"/>'
BOXES = '<VideoRectangle name="b" toName="v"/><Labels name="l" toName="v"><Label value="x"/></Labels>'


def test_what_nothing_is_learned_of_is_compared_by_all_that_stands_in_a_task() -> None:
    scheme = parse_any_config(f"<View>{VIDEO}{BOXES}</View>")
    assert isinstance(scheme.main, Anything)
    assert (scheme.main.from_name, scheme.main.to_name, scheme.beside) == ("b", "v", ("l",))
    assert isinstance(scheme.source, Unread)
    assert scheme.text_of({"video": "a.mp4"}) == '{"video": "a.mp4"}'


def test_where_a_content_can_be_read_it_tells_tasks_apart() -> None:
    text = '<Text name="u" value="$address" valueType="url"/><Text name="t" value="$text"/>'
    scheme = parse_any_config(f"<View>{VIDEO}{text}{BOXES}</View>")
    assert scheme.text_of({"text": "words", "address": "https://x.example", "video": "a.mp4"}) == "words"


def test_what_can_be_learned_is_learned_wherever_it_is_asked_for() -> None:
    choices = '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'
    xml = f'<View><Text name="t" value="$text"/>{choices}</View>'
    for wraps in (True, False):
        assert isinstance(parse_config(xml, wraps=wraps).main, SingleChoice)


@pytest.mark.parametrize("xml", ["", "<View/>", f"<View>{VIDEO}</View>", "<View", None])
def test_what_asks_nothing_is_refused_all_the_same(xml: Any) -> None:
    with pytest.raises(LabelConfigError):
        parse_any_config(xml)
    with pytest.raises(LabelConfigError):
        parse_config(xml, wraps=True)


def test_without_a_backend_that_answers_it_is_refused() -> None:
    with pytest.raises(LabelConfigError, match="only texts and images of tasks are learned"):
        parse_config(f"<View>{VIDEO}{BOXES}</View>", wraps=False)
