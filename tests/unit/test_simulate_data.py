from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import AtlasError
from backend.labelled import load
from backend.simulate.plan import Plan, parse_strategies

PLAN = Plan(("random",), (0,), batch=20, start=20, budget=110, held_out=0.2)


def test_a_text_counts_once_with_its_most_frequent_label(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("text,label\nGood  film,yes\nother,no\nthis,yes\nthat,yes\ngood film,no\ngood film,no\n")
    texts = load(file)
    assert texts.rows == [("Good  film", "no"), ("other", "no"), ("this", "yes"), ("that", "yes")]
    assert texts.duplicates == 2


def test_budgets_go_by_the_batch_and_end_at_the_budget_or_the_pool() -> None:
    assert PLAN.budgets == [20, 40, 60, 80, 100, 110]
    assert PLAN.within(50, 2).budgets == [20, 40, 50]
    with pytest.raises(AtlasError, match="--start is 20 and --budget 110, of 20 to label"):
        PLAN.within(20, 2)


def test_far_more_classes_than_labels_are_refused_before_minutes_are_spent() -> None:
    with pytest.raises(AtlasError, match="11,000 classes, of which 110 labels can find 110 at most"):
        PLAN.within(20_000, 11_000)
    assert PLAN.within(20_000, 1000).budget == 110
    assert replace(PLAN, budget=11_000).within(20_000, 11_000).budget == 11_000


def test_strategies_are_checked_and_each_taken_once() -> None:
    assert parse_strategies(" margin,random, margin,") == ("margin", "random")
    with pytest.raises(ValueError, match="unknown strategy 'best'; choose one of: auto"):
        parse_strategies("margin,best")
    with pytest.raises(ValueError, match="no strategy"):
        parse_strategies(" ,")


def test_by_default_the_baseline_the_classic_and_the_default_are_replayed() -> None:
    assert parse_strategies(None) == ("random", "margin", "auto")
