"""What holds for every control whose answers are parts of a content. A new one has its examples here."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from backend.controls.boxes import Boxes
from backend.controls.joined import source_of
from backend.controls.masks import Bitmask, Brush
from backend.controls.polygons import Polygons
from backend.controls.regions import NOTHING, RegionControl
from backend.controls.spans import Spans
from backend.controls.tags import Condition, read_tags
from backend.controls.votes import Vote
from tests.unit.test_hostile import JSON


class Case(NamedTuple):
    """kind: of control; xml: its object tag and then it, named t and c; data: a task's; answers: about it."""

    kind: type[RegionControl]
    xml: str
    data: Any
    answers: tuple[str, ...]


LABELS = '<Label value="PER"/><Label value="place" alias="LOC"/>'
IMAGE = '<Image name="t" value="$image"/>'
BOXES = (
    '[[12.5, 0.0, 25.0, 26.667, "PER"]]',
    '[[0.0, 0.0, 100.0, 100.0, "LOC"], [50.001, 50.0, 9.5, 20.25, "PER"]]',
)
GRIN = "\N{GRINNING FACE}"
PAGE = f"<p>{GRIN} Bob &amp;<br>Eve</p>\r\n<p>in <b>Ro</b>me</p>"
TALK = [
    {"author": "a", "text": f"{GRIN} Bob"},
    {"author": "b", "text": f"Eve {GRIN}\u2029in"},
    {"text": "Rome"},
]
MASKS = (
    '[["LOC", 4, 6, [0, 24]], ["PER", 4, 6, [1, 3, 5, 1]]]',
    '[["PER", 4, 6, [1, 3, 5, 1]]]',
    NOTHING,
)
POLYGONS = (
    '[["LOC", [[0.0, 0.0], [50.0, 0.5], [50.0, 66.6667]]], ["PER", [[1.0, 1.0], [99.0, 1.0], [1.0, 99.0]]]]',
    '[["PER", [[1.0, 1.0], [99.0, 99.0], [99.0, 1.0], [1.0, 99.0]]]]',
    NOTHING,
)
CASES: list[Case] = [
    Case(
        Spans,
        f'<Text name="t" value="$text"/><Labels name="c" toName="t">{LABELS}</Labels>',
        {"text": f"{GRIN} Bob &amp; Eve\r\nin Rome"},
        ('[[2, 5, "PER"]]', '[[2, 5, "PER"], [2, 15, "LOC"], [18, 22, "LOC"]]', NOTHING),
    ),
    Case(
        Boxes,
        f'{IMAGE}<RectangleLabels name="c" toName="t">{LABELS}</RectangleLabels>',
        {"image": "/data/upload/1/a.jpg"},
        (*BOXES, NOTHING),
    ),
    Case(
        Boxes,
        f'{IMAGE}<Rectangle name="r" toName="t"/><Labels name="c" toName="t">{LABELS}</Labels>',
        {"image": "/data/upload/1/a.jpg"},
        (*BOXES, NOTHING),
    ),
    Case(
        Spans,
        f'<HyperText name="t" value="$text"/><HyperTextLabels name="c" toName="t">{LABELS}</HyperTextLabels>',
        {"text": PAGE},
        ('[[2, 5, "PER"]]', '[[2, 11, "LOC"], [2, 11, "PER"], [15, 19, "LOC"]]', NOTHING),
    ),
    Case(
        Spans,
        f'<HyperText name="t" value="$text" inline="true"/><Labels name="c" toName="t">{LABELS}</Labels>',
        {"text": PAGE},
        ('[[2, 5, "PER"]]', '[[2, 11, "LOC"], [2, 11, "PER"], [15, 19, "LOC"]]', NOTHING),
    ),
    Case(
        Spans,
        '<Paragraphs name="t" value="$talk"/>'
        f'<ParagraphLabels name="c" toName="t">{LABELS}</ParagraphLabels>',
        {"talk": TALK},
        ('[[2, 5, "PER"]]', '[[2, 9, "PER"], [6, 9, "PER"], [12, 19, "LOC"]]', NOTHING),
    ),
    Case(
        Spans,
        '<Text name="t" value="$text"/><Labels name="c" toName="t" value="$labels"/>',
        {"text": "Bob in Rome", "labels": [{"value": "x"}]},
        ('[[0, 3, "x"]]', '[[0, 3, "x"], [7, 11, "y"]]', NOTHING),
    ),
    Case(
        Brush,
        f'{IMAGE}<BrushLabels name="c" toName="t">{LABELS}</BrushLabels>',
        {"image": "/0.png"},
        MASKS,
    ),
    Case(
        Bitmask,
        f'{IMAGE}<BitmaskLabels name="c" toName="t">{LABELS}</BitmaskLabels>',
        {"image": "/0.png"},
        MASKS,
    ),
    Case(
        Polygons,
        f'{IMAGE}<PolygonLabels name="c" toName="t">{LABELS}</PolygonLabels>',
        {"image": "/0.png"},
        POLYGONS,
    ),
    Case(
        Brush,
        f'{IMAGE}<Brush name="r" toName="t"/><Labels name="c" toName="t">{LABELS}</Labels>',
        {"image": "/0.png"},
        MASKS,
    ),
    Case(
        Polygons,
        f'{IMAGE}<Polygon name="r" toName="t"/><Labels name="c" toName="t">{LABELS}</Labels>',
        {"image": "/0.png"},
        POLYGONS,
    ),
]
"""A line for each: add yours."""
each_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{each.kind.kind}-{i}" for i, each in enumerate(CASES)]
)


def control_of(case: Case) -> RegionControl:
    tags = read_tags(f"<View>{case.xml}</View>")
    tag = next(each for each in tags.controls if case.kind.takes(each))
    looked_at = [tags.objects[name] for name in tag.to_names]
    parsed = case.kind.parse(tag, source_of(tag, looked_at, case.kind.sources))
    control = parsed.with_classes(case.answers)
    assert isinstance(control, case.kind)
    return control


def sure(control: RegionControl, answer: str) -> list[float]:
    """A confidence for each part, all different."""
    return [(number + 1) / 100 for number in range(len(control.labels_in(answer)))]


REGIONS = st.fixed_dictionaries({"from_name": st.just("c") | JSON, "value": JSON})


@each_case
@given(data=st.data())
def test_whatever_stands_in_an_annotation_is_read(case: Case, data: st.DataObject) -> None:
    """Also what is nearly right: a region of an answer with something in the place of one of its values."""
    control, content = control_of(case), control_of(case).source.content(case.data)
    answer = data.draw(st.sampled_from(case.answers))
    regions = control.regions_of(answer, sure(control, answer), content)
    for region in regions:
        if data.draw(st.booleans()):
            key = data.draw(st.sampled_from(sorted(region["value"])))
            region["value"][key] = data.draw(JSON)
    result = data.draw(st.just(regions) | st.lists(REGIONS | JSON, max_size=4) | JSON)
    for text in (content, "", data.draw(st.text())):
        read = control.read(result, text)
        assert read is None or control.agreement(read, read) == 1
        if read is not None:
            assert all(isinstance(word, str) for word in control.in_words(read))
            assert all(map(control.options.knows, control.labels_in(read)))
            assert control.read(result, text) == read
    for region in regions:
        assert control.unknown_in(region) is None or isinstance(control.unknown_in(region), list)
        assert all(map(control.options.knows, control.said_in(region)))


@each_case
def test_agreement_is_symmetric_and_whole_for_the_same_answer(case: Case) -> None:
    control = control_of(case)
    for one, other in product(case.answers, repeat=2):
        agreement = control.agreement(one, other)
        assert 0 <= agreement <= 1
        assert agreement == control.agreement(other, one)
        assert (agreement == 1) == (one == other)


@each_case
def test_an_answer_is_read_as_it_was_written(case: Case) -> None:
    control, content = control_of(case), control_of(case).source.content(case.data)
    for answer in case.answers:
        confidences = sure(control, answer)
        regions = json.loads(json.dumps(control.regions_of(answer, confidences, content)))
        assert control.read(regions, content) == answer
        assert [region["score"] for region in regions if "score" in region] == confidences
        assert len({region["id"] for region in regions}) == len(confidences)
        assert sorted(label for each in regions for label in control.said_in(each)) == sorted(
            control.labels_in(answer)
        )
        for region in regions:
            assert control.unknown_in(region) in ([], None)
            assert region["from_name"] in ("c", "r")
            assert region["to_name"] == "t"


@each_case
def test_label_studio_takes_what_is_predicted(case: Case) -> None:
    """By the check that it makes at an import of predictions."""
    interface = LabelInterface(f"<View>{case.xml}</View>")
    control, content = control_of(case), control_of(case).source.content(case.data)
    for answer in case.answers:
        regions = control.regions_of(answer, sure(control, answer), content)
        told = {"result": regions, "score": 0.5, "model_version": "x"}
        assert interface.validate_prediction(told, return_errors=True) == []


@each_case
def test_an_annotation_without_a_part_says_that_there_is_none(case: Case) -> None:
    """Not where the control may have been hidden, and not where all it says is of classes that are gone."""
    control, content = control_of(case), control_of(case).source.content(case.data)
    other = {"from_name": "other", "type": "choices", "value": {"choices": ["x"]}}
    assert control.read([], content) == control.read([other], content) == NOTHING
    assert control.read(None, content) is None
    hidden = replace(control, conditions=(Condition("choice-selected", "other", ("x",)),))
    assert hidden.read([], content) is None
    assert control.in_words(NOTHING) == control.labels_in(NOTHING) == []
    answer = next(each for each in case.answers if each != NOTHING)
    regions = control.regions_of(answer, sure(control, answer), content)
    for region in regions:
        if control.type in region["value"]:
            region["value"][control.type] = [7]
    assert control.read(regions, content) is None
    assert any(control.unknown_in(region) == [7] for region in regions)


@each_case
def test_annotators_who_say_the_same_settle_on_it(case: Case) -> None:
    control = control_of(case)
    for answer in case.answers:
        assert control.settled([Vote("1", answer), Vote("2", answer)]) == answer
        assert control.settled([Vote("1", answer)]) == answer


@each_case
def test_what_is_right_scores_best(case: Case) -> None:
    """The first measure is the main one."""
    control = control_of(case)
    main, best = next(iter(control.score(case.answers, case.answers).items()))
    assert best == 1
    assert control.score([NOTHING] * len(case.answers), case.answers)[main] < 1


@each_case
def test_a_manifest_gives_it_back(case: Case) -> None:
    control = control_of(case)
    assert type(control).from_json(json.loads(json.dumps(control.as_json()))) == control
