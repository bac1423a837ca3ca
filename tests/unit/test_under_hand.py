"""What goes with regions that an annotator has just drawn."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controls import under_hand
from backend.controls.boxes import Box, Boxes, answer_of
from backend.controls.config import parse_label_config
from backend.controls.spans import Spans
from backend.controls.under_hand import box_meant, same_elsewhere

TEXT = '<Text name="t" value="$text"/>'
SPANS = parse_label_config(
    f'<View>{TEXT}<Labels name="l" toName="t"><Label value="PER"/><Label value="LOC"/></Labels></View>'
).main
BOXES = parse_label_config(
    '<View><Image name="i" value="$i"/><RectangleLabels name="b" toName="i"><Label value="car"/>'
    '<Label value="van"/></RectangleLabels></View>'
).main
assert isinstance(SPANS, Spans)
assert isinstance(BOXES, Boxes)
CONTENT = "Ann saw Ann. Annika and ANN, ann; Ann's dog and (Ann)"


def span(content: str, start: int, end: int, *labels: str, name: str = "l") -> dict[str, Any]:
    value = {"start": start, "end": end, "text": content[start:end], "labels": list(labels)}
    return {"from_name": name, "to_name": "t", "type": "labels", "id": "x", "value": value}


def elsewhere(
    drawn: list[Any], content: str = CONTENT, marked: list[Any] | None = None
) -> list[tuple[int, str]]:
    assert isinstance(SPANS, Spans)
    found = same_elsewhere(SPANS, drawn, content, marked or [])
    return [(each["value"]["start"], each["value"]["labels"][0]) for each in found]


def test_the_same_words_are_marked_wherever_else_they_stand_as_whole_words() -> None:
    drawn = span(CONTENT, 0, 3, "PER")
    assert elsewhere([drawn]) == [(8, "PER"), (34, "PER"), (49, "PER")]
    assert elsewhere([span(CONTENT, 8, 11, "LOC")]) == [(0, "LOC"), (34, "LOC"), (49, "LOC")]


def test_what_is_marked_already_stays_as_it_is() -> None:
    drawn, there = span(CONTENT, 0, 3, "PER"), span(CONTENT, 7, 9, "LOC")
    assert elsewhere([drawn], marked=[there]) == [(34, "PER"), (49, "PER")]
    assert elsewhere([drawn, span(CONTENT, 34, 37, "LOC")]) == [(8, "PER"), (49, "PER")]


@pytest.mark.parametrize(
    "drawn",
    [
        span(CONTENT, 0, 3),  # without a label
        span(CONTENT, 0, 3, "PER", "LOC"),
        span(CONTENT, 0, 3, "ORG"),
        span(CONTENT, 90, 93, "PER"),  # nowhere
        {"value": None},
        {"value": {"labels": ["PER"]}},
        {},
    ],
)
def test_where_it_is_not_clear_what_was_drawn_nothing_is_marked(drawn: dict[str, Any]) -> None:
    assert elsewhere([drawn]) == []


def test_signs_alone_are_marked_nowhere_else() -> None:
    assert elsewhere([span("a - b - c", 2, 3, "PER")], "a - b - c") == []
    assert elsewhere([span("a - b - c", 1, 4, "PER")], "a - b - c") == []


def test_words_that_overlap_themselves_are_marked_one_behind_the_other() -> None:
    content = "la la la la la"
    assert elsewhere([span(content, 0, 5, "PER")], content) == [(6, "PER")]


def test_what_is_answered_twice_is_one_region() -> None:
    assert isinstance(SPANS, Spans)
    drawn = span(CONTENT, 0, 3, "PER")
    once, again = (same_elsewhere(SPANS, [drawn], CONTENT, []) for _ in range(2))
    assert once == again
    assert len({each["id"] for each in once}) == 3


def test_a_long_text_gets_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_hand, "MOST", 5)
    content = "Ann " * 50
    assert len(elsewhere([span(content, 0, 3, "PER")], content)) == 5


SEEN = answer_of([Box(10, 10, 20, 20, "car"), Box(15, 15, 20, 20, "van"), Box(60, 60, 30, 30, "car")])
SURE = [0.5, 0.9, 0.4]


def drawn(kind: str = "rectanglelabels", *labels: str, **value: Any) -> dict[str, Any]:
    return {"from_name": "b", "to_name": "i", "type": kind, "value": {**value, kind: list(labels)}}


def meant(
    region: dict[str, Any], seen: str = SEEN, sure: list[float] = SURE
) -> tuple[float, str, float] | None:
    assert isinstance(BOXES, Boxes)
    found = box_meant(BOXES, region, seen, sure)
    if not found:
        return None
    (one,) = found
    assert one["id"] == box_meant(BOXES, region, seen, sure)[0]["id"]
    return one["value"]["x"], one["value"]["rectanglelabels"][0], one["score"]


@pytest.mark.parametrize(
    ("region", "box"),
    [
        (drawn(x=11, y=11, width=20, height=20), (10.0, "car", 0.5)),
        (drawn(x=14, y=14, width=20, height=20), (15.0, "van", 0.9)),
        (drawn("rectanglelabels", "van", x=11, y=11, width=20, height=20), (10.0, "van", 0.5)),
        (drawn("rectanglelabels", "bus", x=11, y=11, width=20, height=20), (10.0, "car", 0.5)),
        (drawn(x=40, y=10, width=20, height=20), None),  # none is there
        (drawn(x=60, y=60, width=5, height=5), None),  # a small part of one
        (drawn("keypointlabels", x=16, y=16), (15.0, "van", 0.9)),  # in two: the surer one
        (drawn("keypointlabels", "car", x=16, y=16), (10.0, "car", 0.5)),
        (drawn("keypointlabels", "bus", x=16, y=16), (15.0, "van", 0.9)),
        (drawn("keypointlabels", "van", x=12, y=12), None),
        (drawn("keypointlabels", x=10, y=30), (10.0, "car", 0.5)),  # on its edge
        (drawn("keypointlabels", x=50, y=50), None),
        (drawn(x="a", y=1, width=1, height=1), None),
        ({"value": 3}, None),
        ({}, None),
    ],
)
def test_the_box_that_was_meant(region: dict[str, Any], box: tuple[float, str, float] | None) -> None:
    assert meant(region) == box


def test_where_nothing_is_seen_nothing_is_meant() -> None:
    assert meant(drawn(x=11, y=11, width=20, height=20), "[]", []) is None
    unknown = answer_of([Box(10, 10, 20, 20, None)])
    assert meant(drawn(x=11, y=11, width=20, height=20), unknown, []) is None
