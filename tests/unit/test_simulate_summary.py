"""Closed forms: areas, labels needed, noise, and what is said of them."""

import math
import statistics
from dataclasses import replace

import pytest
from scipy import stats

from backend.simulate.plan import Plan
from backend.simulate.replay import Point, Replay, Score
from backend.simulate.report import best_of
from backend.simulate.summary import Summary, honest_difference, summarise
from backend.simulate.verdict import Verdict
from backend.simulate.verdict import judge as judge_plan

FULL = {0: Score(0.8, 0.9), 1: Score(0.6, 0.9)}


PLAN = Plan(("random", "margin"), (0, 1), batch=20, start=20, budget=300, held_out=0.2)


def judge(summary: Summary, plan: Plan = PLAN, pool: int = 1000) -> Verdict:
    return judge_plan(summary, plan, pool)


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


def test_what_differs_by_nothing_as_shown_is_called_level() -> None:
    verdict = str(judge(two_seeds(auto=[0.5, 0.6003], margin=[0.5, 0.6], random=[0.3, 0.3])))
    assert verdict.startswith("auto and margin come out level, better than the others by more than noise.")
    assert "Their mean macro-F1 along the curve is 0.560." in verdict
    assert "0.000" not in verdict.replace("up to 0.000", "")
    assert "auto beats labelling in random order by 0.250" in verdict
    assert "auto reaches 90 %" in verdict or "auto does not reach 90 %" in verdict
    assert "first" not in verdict
    one_seed = summarise([curve("margin", 0, [0.5]), curve("auto", 0, [0.5])], {0: FULL[0]})
    assert judge(one_seed).headline == "margin and auto come out level, but one seed cannot tell more."
    like = judge(two_seeds(random=[0.3, 0.4], margin=[0.3, 0.4005], auto=[0.3, 0.397]))
    assert like.headline == "random and margin come out level, and not distinguishable from auto."
    assert like.setting == "auto"


def test_few_labels_and_one_seed_have_one_remedy() -> None:
    few = replace(PLAN, budget=60)
    one_seed = summarise([curve("margin", 0, [0.5]), curve("random", 0, [0.4])], {0: FULL[0]})
    both = "60 labels and one seed are too few to choose by: keep auto, or run it again with "
    assert str(judge(one_seed, few)).endswith(both + "--budget 100 --seeds 5.")
    assert str(judge(one_seed, few)).count("again") == 1
    within_noise = str(judge(two_seeds(random=[0.3, 0.4, 0.5], margin=[0.3, 0.4, 0.5035]), few))
    assert within_noise.endswith("too few to choose by: keep auto, or run it again with --budget 100.")
    assert "more seeds" not in within_noise
    small = str(judge(one_seed, few, pool=80))
    assert small.endswith("too few to choose by: keep auto until more is labelled.")


def test_random_on_top_is_said() -> None:
    verdict = judge(two_seeds(random=[0.5, 0.5], margin=[0.3, 0.3]))
    assert verdict.headline == "random wins, by more than noise."
    assert verdict.setting == "random"
    assert "no strategy was better than labelling in random order" in str(verdict)


def test_without_a_baseline_or_a_second_seed_the_verdict_says_what_is_missing() -> None:
    assert "add random to --strategies" in str(judge(two_seeds(entropy=[0.3], margin=[0.4])))
    one_seed = summarise([curve("margin", 0, [0.5]), curve("random", 0, [0.4])], {0: FULL[0]})
    assert "one seed cannot tell" in str(judge(one_seed))
    assert "nothing to compare" in str(judge(two_seeds(margin=[0.4])))


def test_a_winner_within_the_noise_is_no_reason_to_leave_the_default() -> None:
    lead = judge(two_seeds(random=[0.3, 0.4, 0.5], margin=[0.3, 0.4, 0.501]))
    assert lead.setting == "auto"
    assert "keep auto" in str(lead)
    beside = two_seeds(auto=[0.5, 0.6, 0.75], margin=[0.5, 0.6, 0.7505], random=[0.3, 0.4, 0.5])
    assert judge(beside).setting == "auto"
    beyond = two_seeds(auto=[0.3, 0.4, 0.5], margin=[0.5, 0.6, 0.75], entropy=[0.5, 0.6, 0.7505])
    assert judge(beyond).setting == "entropy"  # alike with margin, but both are better than the default
    one_seed = summarise([curve("margin", 0, [0.5]), curve("auto", 0, [0.1])], {0: FULL[0]})
    assert judge(one_seed).setting == "auto"
    assert judge(two_seeds(margin=[0.4])).setting == "auto"


def test_few_labels_never_set_another_strategy() -> None:
    few = replace(PLAN, budget=36)
    verdict = judge(two_seeds(random=[0.5, 0.5], margin=[0.3, 0.3]), few)
    assert verdict.setting == "auto"
    assert "36 labels are too few to choose by: keep auto" in str(verdict)


def test_where_one_batch_uses_the_pool_up_nothing_is_compared() -> None:
    used_up = replace(PLAN, budget=36)
    verdict = judge(two_seeds(random=[0.5, 0.5], margin=[0.3, 0.5]), used_up, pool=36)
    assert "Nothing was compared: one batch uses up the pool of 36," in verdict.headline
    assert "smaller --batch" in str(verdict)
    assert verdict.setting == "auto"
    assert "Nothing was compared" not in str(judge(two_seeds(random=[0.5], margin=[0.3]), used_up, pool=37))
    two_batches = replace(PLAN, batch=10, budget=36)
    assert "Nothing was compared" not in str(judge(two_seeds(random=[0.5], margin=[0.3]), two_batches, 36))


def test_the_default_from_its_own_start_is_told_but_does_not_compete() -> None:
    own = [replace(curve("auto", seed, [0.7, 0.8]), own_start=True) for seed in (0, 1)]
    replays = [curve(name, seed, [0.5, 0.6 + seed / 100]) for name in ("auto", "random") for seed in (0, 1)]
    summary = summarise([*replays, *own], FULL)
    assert [row.strategy for row in summary.strategies] == ["auto", "random"]
    assert summary.own_start is not None
    assert summary.own_start.area == pytest.approx(0.75)
    assert summary.noise == summarise(replays, FULL).noise
    assert "with its own first order in place of random labels, auto gets there with 30" in str(
        judge(summary)
    )


def test_scores_of_a_class_are_means_over_the_seeds_that_have_it() -> None:
    def ending(seed: int, class_f1: dict[str, float]) -> Replay:
        point = Point(20, Score(0.5, 0.5, class_f1), 0)
        return Replay("margin", seed, (point,), {"a": 1, "b": 2})

    row = summarise([ending(0, {"a": 0.2}), ending(1, {"a": 0.4, "b": 0.9})], FULL).strategies[0]
    assert row.class_f1 == pytest.approx({"a": 0.3, "b": 0.9})


def test_bold_is_what_is_best_as_shown() -> None:
    assert best_of([0.5, 0.6, None, 0.60004]) == {1, 3}
    assert best_of([40.0, 20.0, None], smallest=True) == {1}
    assert best_of([0.5, 0.5]) == set()
    assert best_of([None, None]) == best_of([0.5]) == set()
    assert best_of([0.5, None]) == {0}
