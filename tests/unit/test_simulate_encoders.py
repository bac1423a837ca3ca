"""Several encoders are compared over the strategies that all of them have, and one is left only for more
than noise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.simulate.encoders import Comparison, compare
from backend.simulate.plan import Plan
from backend.simulate.replay import Full, Replay, Score
from tests.unit.replays import CURVES, PLAN, curve, curves

TWO = replace(PLAN, encoders=("lsa", "use"))


def full(**scores: float) -> dict[str, dict[int, Full]]:
    """By encoder, of both seeds, of an encoder that took as many seconds as its name has letters."""
    return {
        name: {seed: Full(Score(score, score), float(len(name))) for seed in (0, 1)}
        for name, score in scores.items()
    }


def lifted(by: float, encoder: str, wobble: float = 0.0) -> list[Replay]:
    return [
        curve(name, seed, [each + by + wobble * seed for each in along], encoder=encoder)
        for name, along in CURVES.items()
        for seed in (0, 1)
    ]


def compared(
    first: list[Replay], second: list[Replay], plan: Plan = TWO, lsa: float = 0.8, use: float = 0.9
) -> Comparison:
    found = compare([*first, *second], full(lsa=lsa, use=use), plan)
    assert found is not None
    return found


def test_a_single_encoder_is_compared_with_none() -> None:
    assert compare(curves(CURVES), full(lsa=0.8), PLAN) is None


def test_an_encoders_curve_is_the_mean_over_the_strategies() -> None:
    found = compared(lifted(0, "lsa"), lifted(0.1, "use"))
    by_name = {(each.strategy, each.seed): each for each in found.curves}
    assert [point.score.macro_f1 for point in by_name["lsa", 0].points] == pytest.approx([0.4, 0.5, 0.625])
    assert [point.score.macro_f1 for point in by_name["use", 0].points] == pytest.approx([0.5, 0.6, 0.725])
    assert by_name["lsa", 1].per_class == {"a": 10, "b": 3}
    assert {point.seconds_choosing for point in by_name["use", 1].points} == {3.0}


def test_the_yardstick_is_the_encoder_that_reaches_least_with_every_label() -> None:
    found = compared(lifted(0, "lsa"), lifted(0.1, "use"), lsa=0.8, use=0.7)
    assert found.yardstick == "use"
    assert found.full == {"lsa": 0.8, "use": 0.7}
    assert found.summary.full_macro_f1 == pytest.approx(0.7)
    assert "To 90 % of what use reaches with every label (0.700) comes:" in str(found.verdict)


def test_a_strategy_that_one_of_them_lacks_does_not_count() -> None:
    more = [curve("entropy", seed, [0.9, 0.9, 0.9], encoder="use") for seed in (0, 1)]
    own = [curve("auto", seed, [0.9, 0.9, 0.9], encoder="use", own_start=True) for seed in (0, 1)]
    plain = compared(lifted(0, "lsa"), lifted(0.1, "use"))
    assert compared(lifted(0, "lsa"), [*lifted(0.1, "use"), *more, *own]).curves == plain.curves


VERDICTS: list[tuple[str, float, float, Plan, str, str]] = [
    # what, by how much the second is better, how much seeds differ, the plan, the setting, what is said
    ("better by more than noise", 0.2, 0.001, TWO, "use", "use wins, by more than noise."),
    ("worse", -0.2, 0.001, TWO, "lsa", "Stay with lsa."),
    ("better within the noise", 0.01, 0.2, TWO, "lsa",
     "That is no reason to leave lsa, which was named first."),
    ("as good", 0.0, 0.0, TWO, "lsa", "lsa and use come out level"),
    ("better with few labels", 0.2, 0.001, replace(TWO, budget=60), "lsa",
     "60 labels are too few to choose by: stay with lsa, which was named first."),
    ("better and named first", -0.2, 0.001, replace(TWO, encoders=("use", "lsa")), "lsa",
     "lsa wins, by more than noise."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "wobble", "plan", "setting", "said"),
    [row[1:] for row in VERDICTS],
    ids=[row[0] for row in VERDICTS],
)
def test_the_first_stays_unless_another_is_better_by_more_than_noise(
    by: float, wobble: float, plan: Plan, setting: str, said: str
) -> None:
    found = compared(lifted(0, "lsa"), lifted(by, "use", wobble), plan)
    assert found.verdict.setting == setting
    assert said in str(found.verdict)


def test_one_seed_is_told_to_be_one() -> None:
    one = [each for each in [*lifted(0, "lsa"), *lifted(0.2, "use")] if each.seed == 0]
    scores = {name: {0: by_seed[0]} for name, by_seed in full(lsa=0.8, use=0.9).items()}
    found = compare(one, scores, replace(TWO, seeds=(0,)))
    assert found is not None
    assert found.verdict.setting == "lsa"
    assert "one seed cannot tell a difference from noise" in found.verdict.headline
    assert "within the noise over" not in str(found.verdict)


def test_who_does_not_get_there_is_told() -> None:
    said = str(compared(lifted(-0.3, "lsa"), lifted(0.2, "use")).verdict)
    assert "lsa does not get there" in said
    assert "use with" in said
    assert "labels" in said.split("use with")[1]
