"""Closed forms: areas, labels needed, noise, and what is said of them."""

import math
import statistics

import pytest
from scipy import stats

from backend.simulate.replay import Point, Replay, Score
from backend.simulate.summary import Summary, honest_difference, summarise
from backend.simulate.verdict import judge

FULL = {0: Score(0.8, 0.9), 1: Score(0.6, 0.9)}


def curve(strategy: str, seed: int, scores: list[float], seconds: float = 1.0) -> Replay:
    points = [Point(20 * (i + 1), Score(score, 0.5), seconds * i) for i, score in enumerate(scores)]
    return Replay(strategy, seed, tuple(points), {"a": 10 * seed, "b": 3})


def two_seeds(**curves: list[float]) -> Summary:
    """The same curve for both seeds, a little higher for the second one."""
    return summarise(
        [
            curve(
                name,
                seed,
                [score + seed * 0.02 + (seed * 0.001 if name == "random" else 0) for score in scores],
            )
            for name, scores in curves.items()
            for seed in (0, 1)
        ],
        FULL,
    )


def test_the_area_is_the_mean_score_and_the_best_comes_first() -> None:
    summary = summarise([curve("low", 0, [0.1, 0.2, 0.6]), curve("high", 0, [0.4, 0.5, 0.6])], {0: FULL[0]})
    assert [row.strategy for row in summary.strategies] == ["high", "low"]
    assert [row.area for row in summary.strategies] == pytest.approx([0.5, 0.3])
    assert summary.strategies[0].area_deviation is None
    assert summary.noise is None


def test_labels_needed_are_by_each_seeds_own_full_score_and_a_seed_that_fails_counts_as_infinite() -> None:
    rows = summarise([curve("m", 0, [0.5, 0.73, 0.5]), curve("m", 1, [0.5, 0.5, 0.54])], FULL).strategies
    assert rows[0].labels_needed == {0: 40, 1: 60}
    assert rows[0].median_labels_needed == 50
    row = summarise([curve("m", 0, [0.5, 0.71]), curve("m", 1, [0.6, 0.6])], FULL).strategies[0]
    assert row.labels_needed == {0: None, 1: 20}
    assert row.median_labels_needed is None


def test_seconds_and_class_counts_are_means_of_whole_replays() -> None:
    row = summarise([curve("m", 0, [0.5, 0.5], 2), curve("m", 1, [0.5, 0.5], 4)], FULL).strategies[0]
    assert row.seconds_choosing == 3
    assert row.per_class == {"a": 5, "b": 3}


def test_the_noise_of_two_strategies_is_the_paired_t_tests() -> None:
    one, other = [0.51, 0.64, 0.58, 0.7], [0.5, 0.6, 0.57, 0.62]
    differences = [a - b for a, b in zip(one, other, strict=True)]
    expected = stats.t.ppf(0.975, 3) * statistics.stdev(differences) / math.sqrt(4)
    assert honest_difference([one, other]) == pytest.approx(expected, rel=1e-4)


def test_what_a_seed_does_to_all_strategies_alike_is_no_noise() -> None:
    assert honest_difference([[0.1, 0.5, 0.9], [0.2, 0.6, 1.0]]) == pytest.approx(0, abs=1e-9)
    assert honest_difference([[0.1, 0.2]]) is None
    assert honest_difference([[0.1], [0.2]]) is None


def test_a_winner_beyond_noise_is_called_one() -> None:
    verdict = judge(two_seeds(random=[0.3, 0.4, 0.5], margin=[0.5, 0.6, 0.75]))
    assert verdict.headline == "margin wins, by more than noise."
    assert "beats labelling in random order by 0.216, which is more than noise" in str(verdict)
    assert "90 % of the score with every label (0.700) with 50 labels; random order does not" in str(verdict)
    assert verdict.setting == "margin"


def test_a_lead_within_noise_is_not_called_a_win() -> None:
    verdict = judge(two_seeds(random=[0.3, 0.4, 0.5], margin=[0.3, 0.4, 0.5025]))
    assert "not distinguishable from random" in str(judge(two_seeds(random=[0.3], margin=[0.301])))
    assert "wins," not in str(verdict)
    assert "do not show that any strategy beats random order" in str(verdict)


def test_random_on_top_is_said() -> None:
    verdict = judge(two_seeds(random=[0.5, 0.5], margin=[0.3, 0.3]))
    assert verdict.headline == "random wins, by more than noise."
    assert "no strategy was better than labelling in random order" in str(verdict)


def test_without_a_baseline_or_a_second_seed_the_verdict_says_what_is_missing() -> None:
    assert "add random to --strategies" in str(judge(two_seeds(entropy=[0.3], margin=[0.4])))
    one_seed = summarise([curve("margin", 0, [0.5]), curve("random", 0, [0.4])], {0: FULL[0]})
    assert "one seed cannot tell" in str(judge(one_seed))
    assert "nothing to compare" in str(judge(two_seeds(margin=[0.4])))
