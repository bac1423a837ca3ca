from typing import Any

import pytest

from backend.errors import AtlasError
from backend.labelstudio.export import read_export


def region(choice: Any, control: str = "topic") -> dict[str, Any]:
    choices = choice if isinstance(choice, list) else [choice]
    return {"from_name": control, "to_name": "text", "type": "choices", "value": {"choices": choices}}


def task(data: dict[str, Any], *regions: dict[str, Any], **annotation: Any) -> dict[str, Any]:
    return {"id": 1, "data": data, "annotations": [{"result": list(regions), **annotation}]}


def test_the_only_control_and_the_only_text_are_found() -> None:
    tasks = [
        task({"body": " one ", "n": 3}, region("a")),
        task({"body": "two", "n": 4}, region("b")),
        task({"body": "skipped", "n": 4}, region("c"), was_cancelled=True),
        task({"body": "empty", "n": 5}),
        {"data": {"body": "unlabelled"}, "annotations": []},
    ]
    field, control, rows, waiting, dropped = read_export(tasks)
    assert (field, control.from_name, control.classes) == ("body", "topic", ("a", "b"))
    assert rows == [("one", "a"), ("two", "b")]
    assert waiting == [(1, "skipped"), (1, "empty"), (5, "unlabelled")]  # by the task's number, or its place
    assert dropped == {}


def test_an_export_without_annotations_is_read_where_no_label_is_needed() -> None:
    tasks = [{"id": 7, "data": {"body": "one"}, "annotations": []}]
    with pytest.raises(AtlasError, match="no annotation"):
        read_export(tasks)
    found = read_export(tasks, label_needed=False)
    assert (found.field, found.rows, found.waiting) == ("body", [], [(7, "one")])


def test_several_annotators_are_one_label() -> None:
    annotations = [{"result": [region(choice)]} for choice in "aba"]
    assert read_export([{"data": {"t": "x"}, "annotations": annotations}]).rows == [("x", "a")]


def test_the_field_named_like_the_labelled_tag_is_taken() -> None:
    assert read_export([task({"url": "u", "text": "x"}, region("a"))]).rows == [("x", "a")]


def test_a_nested_field_and_a_control_can_be_named() -> None:
    tasks = [task({"item": {"title": "x", "body": "y"}}, region("a"), region("b", "mood"))]
    assert read_export(tasks, "item.body", "mood").rows == [("y", "b")]


def test_a_control_of_several_choices_is_passed_over_for_a_single_one() -> None:
    assert read_export([task({"t": "x"}, region(["a", "b"], "tags"), region("c"))]).rows == [("x", "c")]


BOX = {"from_name": "box", "type": "rectanglelabels", "value": {"x": 1}}


@pytest.mark.parametrize(
    ("tasks", "options", "reason"),
    [
        ({}, {}, "no JSON export"),
        ([], {}, "no JSON export"),
        ([{"id": 1, "text": "x", "topic": "a"}], {}, "no JSON export"),
        ([task({"t": "x"})], {}, "no labels of a <Choices> or <Taxonomy> control, no annotation at all"),
        ([task({"t": "x"}, BOX)], {}, "only rectanglelabels"),
        ([task({"t": "x"}, region("a"), region("b", "mood"))], {}, "say which with --control: topic, mood"),
        ([task({"t": "x"}, region("a"))], {"control": "mood"}, "a control mood; there are: topic"),
        ([task({"p": "x", "q": "y"}, region("a"))], {}, r"--text-field: p \('x'\); q \('y'\)"),
        ([task({"n": 3}, region("a"))], {}, "no labelled task has a text"),
        ([task({"t": "x"}, region("a"))], {"text_field": "body"}, "field body; fields with text: t"),
    ],
)
def test_what_is_missing_is_named(tasks: Any, options: dict[str, str], reason: str) -> None:
    with pytest.raises(AtlasError, match=reason):
        read_export(tasks, **options)
