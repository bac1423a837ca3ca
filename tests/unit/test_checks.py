"""What a caller of the strategies may hand in, and the words that refuse the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from backend.learning.network import Layers
from backend.learning.training import train
from backend.learning.units import UnitLayers, UnitsLearned
from backend.sampling.checks import (
    MAX_FEATURE,
    OPTIONS,
    Positive,
    Range,
    Word,
    check_classifier,
    check_features,
    check_options,
    check_targets,
    check_units,
)
from tests.unit.whatever import WHATEVER

WHOLE, SHARE, WORD = Range(whole=True, most=5), Range(whole=False), Word(("a", "b"))


@pytest.mark.parametrize(
    ("allowed", "value", "is_in"),
    [
        (WHOLE, 1, True),
        (WHOLE, 5, True),
        (WHOLE, np.int64(3), True),
        (WHOLE, 0, False),
        (WHOLE, 6, False),
        (WHOLE, 2.0, False),
        (WHOLE, True, False),
        (WHOLE, 10**400, False),
        (Range(whole=True), 10**400, True),
        (Range(whole=True, least=0), 0, True),
        (SHARE, 1, True),
        (SHARE, 0.001, True),
        (SHARE, Fraction(1, 3), True),
        (SHARE, 0, False),
        (SHARE, 1.001, False),
        (SHARE, math.nan, False),
        (SHARE, True, False),
        (WORD, "a", True),
        (WORD, "A", False),
        (WORD, 1, False),
        (Positive(), 1e-9, True),
        (Positive(), 3, True),
        (Positive(), 0, False),
        (Positive(), -1, False),
        (Positive(), math.inf, False),
        (Positive(), math.nan, False),
        (Positive(), 10**400, False),
        (Positive(), True, False),
    ],
)
def test_what_an_option_may_be(allowed: Any, value: Any, is_in: bool) -> None:
    assert (value in allowed) is is_in


@pytest.mark.parametrize("name", OPTIONS)
def test_whatever_is_given_for_an_option_it_may_be_or_not(name: str) -> None:
    for value in WHATEVER:
        if value not in OPTIONS[name]:
            with pytest.raises(ValueError, match=f"strategy 's': {name} must be ") as refused:
                check_options("s", [name], {name: value})
            assert str(OPTIONS[name]) in str(refused.value)
        else:
            check_options("s", [name], {name: value})


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        (WHOLE, "a whole number, at least 1 and at most 5"),
        (Range(whole=True, least=0), "a whole number, at least 0"),
        (SHARE, "a number above 0 and at most 1"),
        (WORD, "one of: a, b"),
        (Positive(), "a number above 0"),
    ],
)
def test_it_is_told_what_it_may_be(allowed: Any, words: str) -> None:
    assert str(allowed) == words


@pytest.mark.parametrize(
    ("taken", "says"),
    [
        ([], "strategy 's' has no option 'depth'; it has none"),
        (["round", "head"], "strategy 's' has no option 'depth'; its options are: round, head"),
    ],
)
def test_an_option_that_a_strategy_has_not_is_refused_with_those_that_it_has(
    taken: list[str], says: str
) -> None:
    with pytest.raises(ValueError, match="has no option") as refused:
        check_options("s", taken, {"depth": 1})
    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("pool", "labeled", "blocks", "says"),
    [
        (torch.zeros(3), torch.zeros(2, 3), (), r"pool and labeled must be \[N, D\] and .*; got \(3,\)"),
        (torch.zeros(3, 2), torch.zeros(2, 3, 1), (), r"must be \[N, D\] and \[M, D\]"),
        (torch.zeros(3, 2), torch.zeros(1, 3), (), "pool has 2 features, labeled has 3"),
        (torch.zeros(3, 2), torch.zeros(1, 2), (1, 2), r"blocks must add up to the 2 features; got \(1, 2\)"),
        (torch.zeros(3, 2), torch.zeros(1, 2), (0, 2), "blocks must add up"),
        (torch.full((1, 2), math.nan), torch.zeros(1, 2), (), "but pool has NaN or infinity: leave such"),
        (torch.zeros(1, 2), torch.full((1, 2), -math.inf), (), "but labeled has NaN or infinity"),
        (torch.full((1, 1), -2 * MAX_FEATURE), torch.zeros(0, 1), (), "but pool has -2e[+]09: scale them"),
        (torch.zeros(1, 1), torch.full((1, 1), 3 * MAX_FEATURE), (), "but labeled has 3e[+]09: scale them"),
    ],
)
def test_features_that_no_strategy_could_work_with_are_refused(
    pool: torch.Tensor, labeled: torch.Tensor, blocks: tuple[int, ...], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        check_features(pool, labeled, blocks)


@pytest.mark.parametrize("blocks", [(), (2,), (1, 1)])
def test_features_at_the_bounds_are_taken(blocks: tuple[int, ...]) -> None:
    check_features(torch.full((1, 2), MAX_FEATURE), torch.full((1, 2), -MAX_FEATURE), blocks)
    check_features(torch.zeros(0, 2), torch.zeros(0, 2), blocks)


@pytest.mark.parametrize(
    ("targets", "labeled", "classes", "says"),
    [
        ([0, 1], 3, None, r"targets must be \[3\], one for each labelled item; got \(2,\)"),
        ([0, 1], 2, 0, "n_classes must be at least 1, not 0"),
        ([], 0, -1, "n_classes must be at least 0, not -1"),
        ([0.5, 1], 2, None, "targets must be whole numbers, the classes' indices"),
        ([math.nan, 1], 2, None, "targets must be whole numbers"),
        ([-1, 1], 2, None, "targets must be at least 0, not -1"),
        ([0, 2], 2, 2, r"targets must be from 0 to 1 \(n_classes is 2\), not 2"),
        ([-3, 9], 2, 2, "not -3"),
    ],
)
def test_targets_that_are_no_classes_are_refused(
    targets: list[float], labeled: int, classes: int | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        check_targets(torch.tensor(targets), labeled, classes)


@pytest.mark.parametrize(
    ("targets", "classes"), [([], 0), ([], None), ([0], 1), ([0, 4, 2], None), ([1.0, 0.0], 2)]
)
def test_targets_that_are_classes_are_taken(targets: list[float], classes: int | None) -> None:
    check_targets(torch.tensor(targets), len(targets), classes)


def test_a_classifier_of_other_features_or_classes_is_refused() -> None:
    trained = train(torch.eye(6)[:, :3], torch.arange(6) % 2, 2)
    check_classifier(trained, 3, 2)
    for features, classes in ((4, 2), (3, 3)):
        with pytest.raises(ValueError, match="takes 3 features and tells 2 classes") as refused:
            check_classifier(trained, features, classes)
        assert f"here are {features} and {classes}" in str(refused.value)


def seen(items: list[int], count: int, hidden: int = 1) -> UnitLayers:
    units = len(items)
    layers = Layers(tuple(torch.zeros(units, 4) for _ in range(hidden)), torch.zeros(units, 2))
    return UnitLayers(layers, torch.tensor(items, dtype=torch.int64), count)


POOL, HELD_OUT = seen([0, 0, 2], 3), seen([0, 1], 2)
LEARNED = UnitsLearned(
    POOL, HELD_OUT, torch.ones(2, dtype=torch.bool), 3, lambda: torch.zeros(3, 3, 2), lambda i, k: POOL
)


def test_units_that_fit_together_are_taken() -> None:
    check_units(LEARNED, 3, 2)
    check_units(replace(LEARNED, pool=seen([], 3)), 3, 2)  # items without units


@pytest.mark.parametrize(
    ("learned", "says"),
    [
        (replace(LEARNED, pool=seen([0, 1], 2)), "units of 3 pool items were asked for; .* are of 2"),
        (replace(LEARNED, held_out=seen([0, 1], 5)), "units of 2 labelled items were asked for; .* are of 5"),
        (
            replace(LEARNED, correct=torch.ones(3, dtype=torch.bool)),
            r"a verdict on each of 2 labelled units; got \(3,\)",
        ),
        (replace(LEARNED, n_siblings=0), "needs a sibling at least: it has none"),
        (replace(LEARNED, pool=seen([1, 0, 2], 3)), "must stand in their items' order, from 0 to 2"),
        (replace(LEARNED, pool=seen([-1, 0, 2], 3)), "must stand in their items' order"),
        (replace(LEARNED, pool=seen([0, 0, 3], 3)), "must stand in their items' order"),
        (replace(LEARNED, pool=seen([0, 0, 2], 3, hidden=0)), "units of pool items need a hidden layer"),
        (
            replace(LEARNED, pool=POOL._replace(item=torch.tensor([0, 1]))),
            "2 units of pool items need a row each in every layer",
        ),
    ],
)
def test_units_that_do_not_are_refused(learned: UnitsLearned, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_units(learned, 3, 2)
