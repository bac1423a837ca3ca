"""What nobody can work with is refused with what to do."""

import inspect
import math

import pytest
import torch

from backend.sampling import (
    make_scene,
    names,
    rank,
    select,
)
from backend.sampling.registry import STRATEGIES
from tests.unit.scenes import random_scene, trained_on_random_scene


def test_bad_input_is_named() -> None:
    pool, labeled, targets = random_scene()
    with pytest.raises(ValueError, match="least_confidence"):
        select("no_such", pool, labeled, targets, 1)
    with pytest.raises(ValueError, match="81 items of a pool of 80"):
        select("margin", pool, labeled, targets, 81)
    with pytest.raises(ValueError, match="head_size must be at least 0, not -1"):
        rank("margin", pool, labeled, targets, head_size=-1)
    with pytest.raises(ValueError, match="6 features, labeled has 3"):
        select("margin", pool, labeled[:, :3], targets, 1)
    with pytest.raises(ValueError, match=r"\[N, D\] and \[M, D\]"):
        select("margin", pool[0], labeled, targets, 1)
    trained = make_scene(pool, labeled, targets).trained
    with pytest.raises(ValueError, match="takes 6 features and tells 2 classes; here are 5 and 2"):
        make_scene(pool[:, :5], labeled[:, :5], targets, trained=trained)


@pytest.mark.parametrize("side", ["pool", "labeled"])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (math.nan, "finite.*leave such items out"),
        (math.inf, "finite"),
        (-math.inf, "finite"),
        (1e200, r"between -1e\+09 and 1e\+09, but {side} has 1e\+200: scale them"),
        (-1e16, r"{side} has -1e\+16"),
    ],
)
def test_features_beyond_arithmetic_are_refused_with_what_to_do(side: str, value: float, says: str) -> None:
    pool, labeled, targets = random_scene()
    parts = {"pool": pool.double(), "labeled": labeled.double()}
    parts[side][7, 3] = value
    with pytest.raises(ValueError, match=says.format(side=side)):
        make_scene(parts["pool"], parts["labeled"], targets)


@pytest.mark.parametrize(
    ("targets", "n_classes", "says"),
    [
        ([0] * 39, None, r"targets must be \[40\], one for each labelled item; got \(39,\)"),
        ([[0]] * 40, None, r"got \(40, 1\)"),
        ([0] * 39 + [-1], None, "at least 0, not -1"),
        ([0] * 39 + [-1], 2, "from 0 to 1 .*, not -1"),
        ([0] * 39 + [2], 2, r"from 0 to 1 \(n_classes is 2\), not 2"),
        ([0] * 39 + [0.5], 2, "whole numbers"),
        ([0] * 39 + [math.nan], 2, "whole numbers"),
        ([0] * 40, 0, "n_classes must be at least 1, not 0"),
    ],
)
def test_targets_that_are_no_classes_are_refused(targets: list[float], n_classes: int, says: str) -> None:
    pool, labeled, _ = random_scene()
    with pytest.raises(ValueError, match=says):
        make_scene(pool, labeled, torch.tensor(targets), n_classes=n_classes)


ELSEWHERE = ("head", "layers", "width", "depth", "passes", "measure", "members", "temperature")
"""Options that test_heads.py, test_monte_carlo.py and test_composition.py look at."""


@pytest.mark.parametrize("strategy", names())
def test_options_out_of_range_are_refused(strategy: str) -> None:
    pool, labeled, targets = random_scene()
    trained = trained_on_random_scene()
    for option in inspect.signature(STRATEGIES[strategy].pick).parameters.values():
        if option.kind is not inspect.Parameter.KEYWORD_ONLY or option.name in ELSEWHERE:
            continue
        share, none = option.name == "within", [] if option.name == "random" else [0]
        for value in (*none, -1, math.nan, "3", True, *([1.5, 5] if share else [2.5, 0.5])):
            allowed = "a number above 0 and at most 1" if share else "a whole number, at least [01].*"
            with pytest.raises(
                ValueError, match=f"'{strategy}': {option.name} must be {allowed}, not {value!r}"
            ):
                select(strategy, pool, labeled, targets, 5, **{option.name: value})
        for value in (0.01, 1) if share else (1, 1000):
            options = {option.name: value}
            assert len(select(strategy, pool, labeled, targets, 5, trained=trained, **options)) == 5
    with pytest.raises(
        ValueError, match=f"'{strategy}' has no option 'rouns'; (its options are|it has none)"
    ):
        select(strategy, pool, labeled, targets, 5, rouns=3)
