"""What more labels bring, whether a goal is near, and when it is too early to say."""

from __future__ import annotations

import pytest

from backend.jobs.estimating import Estimated
from backend.jobs.forecasting import asked_of, forecast_told
from backend.learning.estimates import Estimate, Interval
from backend.learning.forecast import GAIN, Point, forecast, point_of, too_early
from tests.unit.schemes import several, single


def known(value: float, half: float) -> Interval:
    return Interval(value, value - half, min(value + half, 0.999))


def test_more_labels_are_expected_to_bring_more_with_ever_wider_intervals() -> None:
    found = forecast(point_of(200, known(0.8, 0.05)), []).at
    assert list(found) == [300, 400, 800]
    values = [each.value for each in found.values()]
    assert 0.8 < values[0] < values[1] < values[2] < 1
    widths = [each.high - each.low for each in found.values()]
    assert widths[0] < widths[2]
    assert found[400].low < 0.8 + 0.05


def test_a_flat_curve_that_is_well_known_lowers_what_is_expected() -> None:
    now = Point(400, 1.0, 0.05)
    flat = forecast(now, [Point(200, 1.0, 0.05)]).at[800]
    steep = forecast(now, [Point(200, 0.2, 0.05)]).at[800]
    alone = forecast(now, []).at[800]
    assert flat.value < alone.value < steep.value


def test_a_curve_that_is_hardly_known_changes_nothing() -> None:
    alone = forecast(Point(100, 1.0, 0.5), []).at[200].value
    noisy = forecast(Point(100, 1.0, 0.5), [Point(50, 3.0, 2.0)]).at[200].value
    assert noisy == pytest.approx(alone, abs=0.01)


def test_labels_to_a_goal_follow_the_gain_of_a_doubling() -> None:
    now = Point(100, 1.0, 0.2)
    one_more = 1 / (1 + 2.718281828 ** -(1.0 + GAIN))
    assert forecast(now, [], one_more).labels_to_goal == pytest.approx(200, abs=1)
    assert forecast(now, [], 0.5).labels_to_goal == 100
    far = forecast(now, [], 0.995)
    assert far.labels_to_goal is None
    assert "out of reach" in far.advice
    near = forecast(now, [], one_more).advice
    assert near.startswith("go on: about 100 more labels, 200 in all, are expected to reach")
    assert "twice the labels, 200 in all, are expected to bring" in near
    assert "points" in near
    assert "is probably reached, but not surely" in forecast(now, [], 0.7).advice
    few = forecast(now, [], one_more, tasks=150).advice
    assert "is expected at 200 labels, and there are 150 tasks; labels of all 150 tasks are expected" in few
    assert forecast(now, [], one_more, tasks=1000).advice == near


def test_stopping_is_advised_where_a_doubling_brings_less_than_a_point_or_the_goal_is_reached() -> None:
    assert forecast(point_of(500, known(0.99, 0.005)), []).advice.startswith("stopping is sensible")
    assert "is reached" in forecast(point_of(500, known(0.9, 0.02)), [], 0.85).advice
    assert forecast(point_of(500, known(0.9, 0.06)), [], 0.85).advice.startswith("go on")
    assert forecast(point_of(500, known(0.7, 0.05)), []).advice.startswith("go on")


def test_too_early_is_an_answer() -> None:
    assert "20 labels" in (too_early(20, 9, known(0.8, 0.1)) or "")
    assert "3 audits" in (too_early(200, 3, known(0.8, 0.1)) or "")
    assert "50%" in (too_early(200, 9, Interval(0.6, 0.3, 0.8)) or "")
    assert too_early(200, 9, known(0.8, 0.1)) is None


def test_what_is_told_goes_on_from_version_to_version() -> None:
    stats: dict[str, object] = {}
    for labels in (50, 55, 100, 210):
        accuracy = known(0.8, 0.05)
        found = Estimated(10, Estimate(accuracy, accuracy, {}, 0.0, 0.1), ("a", "b"))
        stats = {"forecast": forecast_told(0.9, labels, found, stats, "same")}
    told = forecast_told(0.9, 220, Estimated(2), stats, "same")
    assert (told["at"], told["goal"], told["labels_to_goal"]) == ({}, 0.9, None)
    assert told["advice"].startswith("too early to say: 2 audits")
    assert [point[0] for point in told["curve"]] == [50, 100, 210]
    assert list(stats["forecast"]["at"]) == ["315", "420", "840"]  # type: ignore[index]


def test_a_changed_label_config_begins_a_curve_of_its_own() -> None:
    accuracy = known(0.8, 0.05)
    found = Estimated(10, Estimate(accuracy, accuracy, {}, 0.0, 0.1), ("a", "b"))
    one, renamed = asked_of(single("kind", "a", "b")), asked_of(single("kind", "a", "c"))
    before = {"forecast": forecast_told(0, 100, found, {}, one)}
    assert [point[0] for point in forecast_told(0, 200, found, before, one)["curve"]] == [100, 200]
    assert [point[0] for point in forecast_told(0, 200, found, before, renamed)["curve"]] == [200]


def test_a_curve_of_a_version_that_told_no_question_goes_on() -> None:
    accuracy = known(0.8, 0.05)
    found = Estimated(10, Estimate(accuracy, accuracy, {}, 0.0, 0.1), ("a", "b"))
    old = {"forecast": {"curve": [[100, 0.7, 0.6, 0.8]]}}
    assert len(forecast_told(0, 200, found, old, "any")["curve"]) == 2


def test_sets_of_choices_that_are_new_ask_nothing_else() -> None:
    few, more = several("kinds", ("a", "b"), '["a"]'), several("kinds", ("a", "b"), '["a"]', '["a", "b"]')
    assert asked_of(few) == asked_of(more)
