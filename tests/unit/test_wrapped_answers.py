"""What a wrapped backend answers is read whatever it is: never a traceback, never another task's answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import WrappedGarbage
from backend.generation.written import sureness
from backend.wrapped.answers import Answer, finite_json, read_answer
from backend.wrapped.prediction import UNNAMED

CHOICE = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["a"]}}
OTHER = {**CHOICE, "value": {"choices": ["b"]}}


def read(answer: Any, tasks: tuple[int, ...] = (1, 2), version: str | None = "told") -> Answer:
    return read_answer(json.dumps(answer).encode(), tasks, version, 5.0)


def first(item: Any) -> Any:
    return read({"results": [item]}, (1,)).predictions[0]


def test_a_plain_answer_is_read() -> None:
    found = read({"results": [{"result": [CHOICE], "score": 0.3}, {"result": [], "score": 0}]})
    one, two = found.predictions
    assert one is not None
    assert two is not None
    assert (one.task, one.version, one.result, one.score, one.made) == (1, "told", (CHOICE,), 0.3, 5.0)
    assert (two.task, two.result, two.score) == (2, (), 0.0)
    assert not found.problems
    assert not found.miscounted


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"\xff\xfe",
        b"[" * 100000,
        b'{"results": 3}',
        b'"done"',
        b"null",
        b'{"error": "no model"}',
        b'{"results": null}',
        b'{"results": "none"}',
        b'{"results": {"1": []}}',
    ],
)
def test_what_has_no_results_is_one_error_of_our_own(body: bytes) -> None:
    with pytest.raises(WrappedGarbage, match="expected, not"):
        read_answer(body, [1, 2], None, 0)


def test_a_list_alone_is_the_results() -> None:
    assert [each and each.task for each in read([{"result": [CHOICE]}, None]).predictions] == [1, None]


@pytest.mark.parametrize("results", [[], {}])
def test_none_of_any_is_no_prediction_and_no_fault(results: Any) -> None:
    found = read({"results": results, "model_version": "v"})
    assert (found.predictions, found.problems, found.miscounted) == ([None, None], (), False)


@pytest.mark.parametrize("number", [1, 3])
def test_of_another_number_of_results_none_is_given_to_a_task(number: int) -> None:
    found = read({"results": [{"result": [CHOICE]}] * number})
    assert found.predictions == [None, None]
    assert found.miscounted
    assert found.problems == (f"{number} results for 2 tasks",)


def test_a_list_in_a_list_is_taken_out_of_it() -> None:
    nested = read({"results": [[{"result": [CHOICE]}, {"result": [OTHER]}]]})
    assert [each and each.result for each in nested.predictions] == [(CHOICE,), (OTHER,)]
    several = read({"results": [[{"result": [CHOICE]}, {"result": [OTHER]}], [None, {"result": [OTHER]}]]})
    assert [each and each.result for each in several.predictions] == [(CHOICE,), (OTHER,)]


@pytest.mark.parametrize("item", [None, {}, {"result": None}, [], [None], {"score": 0.5}])
def test_nothing_said_of_a_task_is_no_prediction(item: Any) -> None:
    assert first(item) is None


@pytest.mark.parametrize("item", ["a", 3, {"result": "a"}, {"result": {"choices": ["a"]}}, {"result": ["a"]}])
def test_what_is_no_result_is_told_and_left_out(item: Any) -> None:
    found = read({"results": [item]}, (1,))
    assert found.predictions == [None]
    assert len(found.problems) == 1


def test_of_a_result_the_regions_that_can_be_read_are_kept() -> None:
    found = read({"results": [{"result": [CHOICE, None, {"value": {}}, {**CHOICE, "value": "a"}]}]}, (1,))
    assert found.predictions[0] is not None
    assert found.predictions[0].result == (CHOICE,)
    assert len(found.problems) == 2


def test_regions_none_of_which_can_be_read_are_not_nothing_here() -> None:
    assert first({"result": [{"value": {}}]}) is None


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        (0.3, 0.3),
        ("0.3", 0.3),
        (1, 1.0),
        (True, 1.0),
        (None, None),
        (17, None),
        (-1, None),
        ("abc", None),
        ([0.5], None),
        ({}, None),
        (10**400, None),
        ("nan", None),
    ],
)
def test_a_score_is_a_number_from_0_to_1_or_none(given: Any, read_as: float | None) -> None:
    assert first({"result": [CHOICE], "score": given}).score == read_as
    assert first({"result": [{**CHOICE, "score": given}]}).result[0].get("score") == read_as


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_json_has_not_do_no_harm(literal: str) -> None:
    region = json.dumps(CHOICE).replace('["a"]', f'["a"], "x": {literal}')
    found = read_answer(
        f'{{"results": [{{"result": [{region}], "score": {literal}}}]}}'.encode(), [1], None, 0
    )
    assert found.predictions[0] is not None
    assert found.predictions[0].score is None
    json.dumps(found.predictions[0].result, allow_nan=False)


def test_the_nearest_version_counts() -> None:
    item = {"result": [CHOICE]}
    whole = read({"results": [{**item, "model_version": 7}, item], "model_version": {"b": 1, "a": 2}})
    assert [each and each.version for each in whole.predictions] == ["7", '{"a": 2, "b": 1}']
    assert whole.version == '{"a": 2, "b": 1}'
    told = read({"results": [{**item, "model_version": None}, {**item, "model_version": ""}]})
    assert [each and each.version for each in told.predictions] == ["told", "told"]
    unnamed = read({"results": [item]}, (1,), None).predictions[0]
    assert unnamed is not None
    assert unnamed.version == UNNAMED


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["results", "result", "score", "model_version", "value", "type", "from_name", "to_name"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.integers(1, 3))
def test_whatever_it_answers_there_is_one_prediction_or_none_for_each_task(answer: Any, tasks: int) -> None:
    try:
        found = read_answer(json.dumps(answer).encode(), range(tasks), None, 0)
    except WrappedGarbage:
        return
    assert len(found.predictions) == tasks
    for task, each in enumerate(found.predictions):
        assert each is None or (each.task == task and (each.score is None or 0 <= each.score <= 1))


@pytest.mark.parametrize(
    ("digits", "kept"),
    [
        ("9" * 308, int("9" * 308)),
        ("9" * 309, None),
        ("9" * 5_000, None),
        ("-" + "9" * 400, None),
        ("1e400", None),
        ("NaN", None),
        ("-Infinity", None),
        ("0.5", 0.5),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_number_that_no_float_holds_is_none(digits: str, kept: float | None) -> None:
    """Whoever takes its logarithm, or asks whether it is finite, would else fail for a whole batch."""
    assert finite_json(f"[{digits}]".encode()) == [kept]
    body = f'{{"results": [{{"result": [], "score": {digits}}}]}}'.encode()
    (found,) = read_answer(body, [1], None, 0.0).predictions
    assert found is not None
    assert found.score == (0.5 if kept == 0.5 else None)
    assert sureness(finite_json(f"[{digits}, -0.5]".encode())) is None or kept is not None
