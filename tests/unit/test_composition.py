"""Strategies made of strategies."""

import pytest

from backend.sampling import check_name, make_scene, rank, select
from tests.unit.scenes import boundary_scene, confident_errors, odd_first, picks_of, random_scene


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("margin within 20% by nonsense", "nonsense"),
        ("margin within 0% by random", "above 0%"),
        ("margin within -5% by random", "at most 100%, not -5%"),
        ("margin within 101% by random", "at most 100%, not 101%"),
        ("margin within few% by random", "a number above 0% .* not few%"),
        ("nan% margin and 50% random", "not nan%"),
        ("-10% margin and 110% random", "not -10%"),
        ("70% margin and 40% random", "110%"),
        ("margin and random", "share"),
        ("70% margin and 30% nonsense", "nonsense"),
        (" and ".join(["9% badge"] * 11), "11 parts are joined by 'and', at most 10"),
    ],
)
def test_a_wrong_composition_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_name(text)


def test_a_composition_of_a_thousand_parts_is_refused_in_a_line() -> None:
    """Each part is asked for the whole batch."""
    with pytest.raises(ValueError, match="1000 parts") as refusal:
        check_name(" and ".join(["0.1% badge"] * 1000))
    assert len(str(refusal.value)) < 500
    assert check_name(" and ".join(["10% badge"] * 10))


@pytest.mark.parametrize("outer", ["representative", "coreset", "auto", "clusters", "atlas"])
def test_within_cuts_to_what_stands_first_in_the_others_queue(outer: str) -> None:
    scene = random_scene()
    trained = make_scene(*scene).trained
    kept = rank(outer, *scene, head_size=5, trained=trained).order[:24].tolist()
    order = rank("entropy", *scene, trained=trained).order.tolist()
    picks = select(f"entropy within 30% by {outer}", *scene, 5, trained=trained).tolist()
    assert picks == [i for i in order if i in kept][:5]
    # A share of less than two batches would leave nothing to choose.
    few = select(f"entropy within 1% by {outer}", *scene, 5, trained=trained).tolist()
    first = rank(outer, *scene, head_size=5, trained=trained).order[:10].tolist()
    assert few == [i for i in order if i in first][:5]


def test_shares_are_interleaved_and_what_both_want_is_taken_once() -> None:
    pool, labeled, targets = random_scene()
    order = rank("margin", pool, labeled, targets).order.tolist()
    both = select("75% margin and 25% random", pool, labeled, targets, 20).tolist()
    assert len(set(both)) == 20
    assert set(order[:15]) <= set(both)
    lottery = select("random", pool, labeled, targets, 20).tolist()
    assert len([i for i in both if i in lottery]) >= 5
    nested = check_name("50% margin within 50% by coreset and 50% typiclust")
    assert len(set(select(nested, pool, labeled, targets, 12).tolist())) == 12


def test_uncertain_outliers_are_both() -> None:
    scene, _ = boundary_scene()
    assert scene.trained  # before the margin, so that both are of one training
    odd = odd_first(scene, scene.margin.topk(84).indices)  # a fifth of 420
    picks = picks_of("uncertain_outliers", scene, 10).tolist()
    oddest = set(odd[:21])  # a quarter of those; not the first ten: ranks here are not interpolated, and tie
    assert set(picks) <= oddest
    for alone in ("margin", "model_outliers"):
        assert not set(picks_of(alone, scene, 10).tolist()) <= oddest


def test_representative_transfer_uncertainty_is_errors_within_the_representative() -> None:
    scene, _ = confident_errors()
    picks = picks_of("representative_transfer_uncertainty", scene, 10)
    representative = picks_of("transfer_representative", scene, scene.size // 2).tolist()
    by_risk = [i for i in picks_of("transfer_uncertainty", scene, scene.size).tolist() if i in representative]
    assert set(picks.tolist()) == set(by_risk[:10])
