"""What a project's page says of how good a version is: with no data, one label, thousands of classes, and
with figures that another release wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.pages.rendering import fragment
from backend.pages.section import ProjectPage
from backend.pages.sections import how_good
from backend.pages.sections.how_good import MATRIX_CLASSES, SHOWN_CLASSES, SHOWN_PAIRS

ESTIMATE = {"value": 0.8, "low": 0.7, "high": 0.9}
Stats = Mapping[str, Any]


def class_of(name: str, support: int = 10, right: int = 5, **measures: Any) -> dict[str, Any]:
    given = measures or {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    return {"name": name, "support": support, **given, "right": right}


def figures(classes: Sequence[Mapping[str, Any]], confused: Sequence[Mapping[str, Any]] = ()) -> Any:
    control = {"control": "mood", "kind": "choice", "judged": 9, "classes": list(classes)}
    return {"controls": [{**control, "confused": list(confused)}]}


def told(stats: Stats, past: Sequence[Stats] = (), found: Any = None) -> dict[str, Any]:
    page = SimpleNamespace(
        id=3,
        newest_name="atlas-000002",
        newest=stats,
        past=SimpleNamespace(curve=list(past)),
        files=found,
        versions=SimpleNamespace(stats=lambda name: {}, scheme=lambda name: None),
        visitor=SimpleNamespace(may_change=False),
    )
    context = dict(how_good.told_of(cast(ProjectPage, page), "atlas-000002"))
    context["shown_as"] = fragment("sections/how-good.html", page=page, seal="", **context)
    return context


@pytest.fixture(autouse=True)
def _figures_are_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(how_good, "read_figures", lambda files, name: files)


def test_without_any_version_nothing_is_claimed() -> None:
    found = told({})
    assert (found["main"], found["chart"], found["measured"], found["shift"]) == (
        ("", None),
        "",
        ("", None),
        None,
    )
    assert "%" not in re.sub(r"<[^>]+>", "", found["shown_as"])


@pytest.mark.parametrize(
    "past",
    [
        [],
        [{"trained_on": 1, "accuracy": 1.0}],
        [{"trained_on": 10, "accuracy": 0.5}, {"trained_on": 10, "accuracy": 0.6}],
        [{"trained_on": 10}, {"trained_on": 20}],
        [{"accuracy": 0.5}, {"accuracy": 0.6}],
        [{"trained_on": True, "accuracy": 0.5}, {"trained_on": "20", "accuracy": 0.6}],
        [{"trained_on": 10, "accuracy": 1.5}, {"trained_on": 20, "accuracy": -0.1}],
        [{"trained_on": 10, "accuracy": float("nan")}, {"trained_on": 20, "accuracy": None}],
        [{"trained_on": 10, "accuracy": True}, {"trained_on": 20, "accuracy": False}],
        [{"trained_on": 10, "estimate": {"accuracy": {"value": 2, "low": 0, "high": 1}}}] * 2,
        [{"trained_on": 10, "estimate": {"accuracy": {"value": 0.5}}}] * 2,
    ],
)
def test_fewer_than_two_points_are_no_curve(past: list[dict[str, Any]]) -> None:
    assert told({}, past)["chart"] == ""


def test_two_points_are_a_curve_in_words_too() -> None:
    past = [{"trained_on": 20, "accuracy": 0.5}, {"trained_on": 40, "accuracy": 0.75}]
    chart = told({}, past)["chart"]
    assert 'aria-label="Scores over labels. labelled tasks, held out: 75% at 40 labels"' in chart
    assert chart.count("<svg") == 2


def test_of_as_many_labels_the_last_retrain_counts() -> None:
    past = [{"trained_on": 20, "accuracy": 0.5}, {"trained_on": 40, "accuracy": 0.1}]
    again = [*past, {"trained_on": 40, "accuracy": 0.9}]
    assert "90% at 40 labels" in told({}, again)["chart"]


def test_parts_are_measured_by_their_own_measure() -> None:
    past = [{"trained_on": 20, "measured": {"map50": 0.25}}, {"trained_on": 40, "measured": {"map50": 0.5}}]
    found = told({"measured": {"map50": 0.5, "iou": 0.7}}, past)
    assert found["measured"] == ("map50", 0.5)
    assert "50% at 40 labels" in found["chart"]
    for broken in (None, [], "x", 0.5, {}):
        assert told({"measured": broken})["measured"] == ("", None)


FORECASTS: list[tuple[dict[str, Any], bool, str]] = [
    # the forecast, whether a goal's line is drawn, what stands in words
    ({}, False, ""),
    ({"goal": 0.9}, True, ""),
    ({"goal": 0.9, "labels_to_goal": 80}, True, "goal: 90% at 80 labels"),
    ({"goal": 0.9, "labels_to_goal": 30}, True, ""),
    ({"goal": 0.9, "labels_to_goal": None}, True, ""),
    ({"goal": 1.5, "labels_to_goal": 80}, False, ""),
    ({"goal": float("nan"), "labels_to_goal": 80}, False, ""),
    ({"at": {"100": ESTIMATE}}, False, "forecast: 80% at 100 labels"),
    ({"at": {"100": ESTIMATE}, "goal": 0.85, "labels_to_goal": 80}, True, "goal: 85% at 80 labels"),
]


@pytest.mark.parametrize(("forecast", "has_goal", "words"), FORECASTS)
def test_a_forecast_is_drawn_as_far_as_there_is_one(
    forecast: dict[str, Any], has_goal: bool, words: str
) -> None:
    past = [
        {"trained_on": labels, "accuracy": 0.5, "estimate": {"accuracy": ESTIMATE}} for labels in (20, 40)
    ]
    chart = told({"trained_on": 40, "forecast": forecast}, past)["chart"]
    assert ('class="goal"' in chart) == has_goal
    assert words in chart
    assert ("goal:" in chart) == ("goal:" in words)


def test_a_goal_between_the_estimate_and_the_forecast_is_on_the_line() -> None:
    ahead = how_good._ahead(
        {"forecast": {"at": {"100": ESTIMATE, "60": ESTIMATE}}}, (40, ESTIMATE), how_good.Goal(0.85, 80)
    )
    assert ahead is not None
    assert [x for x, _ in ahead[0].points] == [40, 60.0, 80, 100.0]
    assert [x for x, *_ in ahead[1].points] == [40, 60.0, 100.0]
    beyond = how_good._ahead({"forecast": {"at": {"60": ESTIMATE}}}, (40, ESTIMATE), how_good.Goal(0.85, 80))
    assert beyond is not None
    assert [x for x, _ in beyond[0].points] == [40, 60.0]


@pytest.mark.parametrize("kind", [None, 5, [], "new"])
def test_a_shift_that_is_none_is_not_told(kind: Any) -> None:
    assert told({"new_kind": kind})["shift"] is None


def test_a_shift_is_told_with_what_it_means() -> None:
    said = told({"new_kind": {"tasks": 40, "after": 1_000, "unlike": 0.925}})["shift"]
    assert said.startswith("Of 40 tasks that came after task 1000, 92% are unlike those that waited before.")


def test_of_thousands_of_classes_the_first_are_shown_and_the_matrix_stays_small() -> None:
    names = [f"class {number:04}" for number in range(3_000)]
    pairs = [{"given": names[0], "said": name, "count": 3, "tasks": [1]} for name in names[1:200]]
    found = told({"trained_on": 6_000}, found=figures([class_of(name) for name in names], pairs))
    (control,) = found["controls"]
    assert len(control["shown"]) == SHOWN_CLASSES
    assert len(control["more"]) == 3_000 - SHOWN_CLASSES
    assert len(control["matrix"]["rows"]) == len(control["matrix"]["rows"][0]["cells"]) == MATRIX_CLASSES
    assert control["matrix"]["left_out"] == 3_000 - MATRIX_CLASSES
    assert len(control["pairs"]) == SHOWN_PAIRS
    assert found["shown_as"].count("class 2999") == 1


def test_a_cell_is_the_share_of_its_class_and_the_diagonal_is_right() -> None:
    classes = [class_of("a", support=8, right=6), class_of("b", support=0, right=0)]
    found = told({}, found=figures(classes, [{"given": "a", "said": "b", "count": 2, "tasks": [1, 2]}]))
    rows = found["controls"][0]["matrix"]["rows"]
    cells = [[(each["count"], each["shade"], each["right"]) for each in row["cells"]] for row in rows]
    assert cells == [[(6, 6, True), (2, 2, False)], [(0, 0, False), (0, 0, True)]]


WEAKEST: list[tuple[list[dict[str, Any]], str | None, str]] = [
    ([class_of("a", f1=0.5), class_of("b", f1=0.2)], "b", "f1"),
    ([class_of("a", f1=0.5), class_of("b", support=4, f1=0.2)], "a", "f1"),
    ([class_of("a", support=4, f1=0.5)], None, "f1"),
    ([class_of("a", f1=None), class_of("b", f1=float("nan"))], None, "f1"),
    ([class_of("a", map50=0.5), class_of("b", map50=0.1)], "b", "map50"),
    ([class_of("a", precision=0.1, f1=0.5), class_of("b", precision=0.9, f1=0.4)], "b", "f1"),
    ([], None, ""),
]


@pytest.mark.parametrize(("classes", "weakest", "main"), WEAKEST)
def test_the_weakest_class_is_one_with_labels_enough(
    classes: list[dict[str, Any]], weakest: str | None, main: str
) -> None:
    (control,) = told({}, found=figures(classes))["controls"]
    assert control["main"] == main
    assert (control["weakest"] or {}).get("name") == weakest


@pytest.mark.parametrize(
    ("rare", "said"),
    [(0, None), (1, "fewer than 5 labels: r0."), (5, "fewer than 5 labels: r0, r1, r2 and 2 more.")],
)
def test_beside_the_weakest_class_those_with_too_few_labels_to_tell_are_named(
    rare: int, said: str | None
) -> None:
    classes = [class_of("a"), *({**class_of(f"r{i}", support=4), "f1": 0.0} for i in range(rare))]
    text = re.sub(r"<[^>]+>", "", told({"trained_on": 20}, found=figures(classes))["shown_as"])
    assert "Weakest: a, F1 50" in text
    assert ("Not compared, with" in text) == (said is not None)
    assert said is None or said in text


def test_one_class_of_one_label_is_a_page() -> None:
    found = told(
        {"trained_on": 1, "accuracy": None},
        [{"trained_on": 1, "accuracy": None}],
        figures([class_of("only", support=1, right=1, precision=None, recall=None, f1=None)]),
    )
    assert "only" in found["shown_as"]
    assert "None" not in found["shown_as"]


def test_figures_without_a_matrix_show_their_table_alone() -> None:
    old = figures([class_of("a")])
    del old["controls"][0]["confused"]
    (control,) = told({}, found=old)["controls"]
    assert control["matrix"] is None
    assert control["pairs"] == []


AUDITS: list[tuple[dict[str, int], str]] = [
    ({"disaster": 4, "other": 27}, "drawn at random, 4 of them of the rarest class, “disaster”; in nine"),
    ({"disaster": 0, "other": 31}, "drawn at random, none of them of class “disaster”; in nine"),
    ({"a": 0, "b": 31, "c": 0}, "drawn at random, none of them of 2 classes, such as “a”; in nine"),
    ({"a": 31}, "drawn at random; in nine"),
    ({}, "drawn at random; in nine"),
]


@pytest.mark.parametrize(("audits", "said"), AUDITS)
def test_beside_the_number_to_believe_stands_on_how_few_audits_it_rests(
    audits: dict[str, int], said: str
) -> None:
    estimate = {"accuracy": ESTIMATE, "audited": 31, "audited_of": audits}
    text = re.sub(
        r"<[^>]+>", "", told({"trained_on": 137, "accuracy": 0.7, "estimate": estimate})["shown_as"]
    )
    assert "Believe this one. Estimated from 31 audited tasks, which were " + said in text
    assert "Not how right it is on what waits, but how right models are on 137 labelled tasks" in text
    alone = told({"trained_on": 137, "accuracy": 0.7, "estimate": {"audited": 1, "share": 0.1}})["shown_as"]
    assert "Believe" not in alone
    both = told({"trained_on": 137, "estimate": {**estimate, "f1_macro": ESTIMATE}})["shown_as"]
    assert "Believe these." in both
    assert "Until there is an estimate, the one number: how right models are on 137 labelled tasks" in alone
