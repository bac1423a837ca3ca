"""small-text's criteria as they are written for the benchmark: they stop where its own do."""

from __future__ import annotations

import numpy as np

from benchmarks.stopping import (
    Curve,
    classification_change,
    delta_f_score,
    kappa_average,
    overall_uncertainty,
)


def curve_of(flips: list[int], sure: float = 1.0) -> Curve:
    """100 items of two classes; before each of the later batches so many of them change sides."""
    chance, said, found = np.random.default_rng(0), np.arange(100) % 2, {}
    for batch, count in enumerate([0, *flips]):
        said = said.copy()
        said[chance.permutation(100)[:count]] ^= 1
        found[60 + 20 * batch] = sure * np.stack([said == 0, said == 1], axis=1).astype(float)
    return found


def test_kappa_waits_until_three_agreements_in_a_row_are_nearly_whole() -> None:
    assert kappa_average(curve_of([30, 30, 0, 0, 0, 0])) == 160
    assert kappa_average(curve_of([5, 5, 5, 5])) is None


def test_the_change_of_f_has_to_be_small_three_times_and_is_for_two_classes() -> None:
    assert delta_f_score(curve_of([30, 2, 2, 2])) == 140
    assert delta_f_score(curve_of([30, 30, 30, 30])) is None
    three = {labels: np.pad(each, ((0, 0), (0, 1))) for labels, each in curve_of([0, 0, 0]).items()}
    assert delta_f_score(three) is None


def test_no_change_at_all_stops_at_once() -> None:
    assert classification_change(curve_of([3, 0, 3])) == 100


def test_only_certainty_of_everything_ends_uncertainty() -> None:
    assert overall_uncertainty(curve_of([0, 0], sure=1.0)) is None
    assert overall_uncertainty(curve_of([0, 0], sure=9.0)) == 60
