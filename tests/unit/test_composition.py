"""Strategies made of strategies."""

import pytest
import torch

from backend.sampling import check_name, make_scene, rank, rank_scene, select, uncertainty
from backend.sampling.registry import score
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
        ("margin and random", "each but one needs its share"),
        ("100% margin and random", "leaves nothing"),
        ("atlas rounds=5", "no option 'rounds'; its options are: round, head, layers"),
        ("70% atlas round=0 and 30% random", "round must be a whole number, at least 1, not 0"),
        ("margin temperature=0", "temperature must be a number above 0, not 0"),
        ("margin within 20% by clusters random=x", "random must be a whole number"),
        ("clustered nonsense", "measure must be one of: least_confidence, margin, ratio, entropy"),
        ("clusters random=", "write options as name=value, not 'random='"),
        ("clusters random=1 random=2", "random is given twice"),
        ("atlas round 5", "unknown strategy 'atlas round 5'"),
        ("margin within 50% by random" + " within 50% by random" * 10, "at most 10 times"),
        ("70% margin and 30% nonsense", "nonsense"),
        (" and ".join(["9% badge"] * 11), "11 parts are joined by 'and', at most 10"),
    ],
)
def test_a_wrong_composition_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_name(text)


def test_a_composition_of_many_parts_is_refused_in_a_line() -> None:
    """Each part is asked for the whole batch."""
    with pytest.raises(ValueError, match="60 parts") as refusal:
        check_name(" and ".join(["1% badge"] * 60))
    assert len(str(refusal.value)) < 500
    assert check_name(" and ".join(["10% badge"] * 10))


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2000,
        "atlas" + " " * 2000 + "round=2",
        "x and " * 500,
        "margin within " + "9" * 2000 + "% by random",
    ],
)
def test_a_strategy_of_thousands_of_characters_is_refused_in_a_line(text: str) -> None:
    """It is repeated in each task's reason, and anybody may send one to /setup."""
    with pytest.raises(ValueError, match="at most 1000") as refusal:
        check_name(text)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("clusters random=", "at least 0 and at most 1000"),
        ("clusters clusters=", "at least 1 and at most 1000"),
        ("contrastive neighbours=", "at most 1000"),
        ("dropout_bald passes=", "at most 1000"),
        ("entropy temperature=", "a number above 0"),
    ],
)
def test_a_number_beyond_arithmetic_is_refused_like_any_other(option: str, reason: str) -> None:
    """Of 400 digits: too large for a float."""
    with pytest.raises(ValueError, match=reason):
        check_name(option + "9" * 400)
    assert check_name("atlas round=" + "9" * 400)


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


def test_options_are_written_behind_a_name_wherever_it_stands() -> None:
    scene = random_scene()
    trained = make_scene(*scene).trained

    def picks(text: str, **options: object) -> list[int]:
        return select(text, *scene, 9, trained=trained, **options).tolist()

    assert picks("clusters random=1 clusters=4") == picks("clusters", random=1, clusters=4)
    assert picks("clusters random=1 clusters=4") != picks("clusters clusters=4")
    assert picks("uncertain_outliers within=30%") == picks("uncertain_outliers", within=0.3)
    assert picks("clustered least_confidence within=10%") == picks(
        "clustered_uncertainty", measure="least_confidence", within=0.1
    )
    assert len(set(picks("70% clusters random=1 and 30% discriminative round=2"))) == 9
    inner = picks("clusters random=1 within 50% by clusters clusters=3 random=2")
    assert len(set(inner)) == 9


def test_within_nests_the_last_cut_made_first() -> None:
    scene = random_scene()
    trained = make_scene(*scene).trained
    half = rank("margin", *scene, trained=trained).order[:40]
    part = (scene[0][half], *scene[1:])
    expected = half[select("entropy within 30% by representative", *part, 5, trained=trained)]
    picks = select("entropy within 30% by representative within 50% by margin", *scene, 5, trained=trained)
    assert picks.tolist() == expected.tolist()


def test_a_part_without_a_share_takes_the_rest() -> None:
    scene = random_scene()
    for text in ("25% random and margin", "margin and 25% random"):
        assert sorted(select(text, *scene, 20).tolist()) == sorted(
            select("75% margin and 25% random", *scene, 20).tolist()
        )


def test_a_temperature_softens_what_the_network_says() -> None:
    generator = torch.Generator().manual_seed(0)
    pool, labeled = torch.randn(200, 6, generator=generator), torch.randn(60, 6, generator=generator)
    scene = make_scene(pool, labeled, labeled[:, :4].argmax(1))
    worth = uncertainty.entropy((scene.pool_layers.logits / 5).softmax(-1))
    picks = rank_scene("entropy temperature=5", scene, 20).order[:20]
    assert picks.tolist() == worth.argsort(descending=True)[:20].tolist()
    assert picks.tolist() != rank_scene("entropy", scene, 20).order[:20].tolist()
    said = score("entropy temperature=5", scene.pool_layers, None)
    assert said is not None
    assert torch.allclose(said, worth)


def test_of_the_most_uncertain_cluster_random_members_may_be_taken() -> None:
    scene, group_of = boundary_scene()
    text = "most_uncertain_cluster clusters=5 measure=entropy"
    by_doubt = picks_of(text, scene, 5)
    at_random = picks_of(f"{text} members=random", scene, 5)
    assert group_of[by_doubt].unique().tolist() == group_of[at_random].unique().tolist()
    assert set(by_doubt.tolist()) != set(at_random.tolist())


@pytest.mark.parametrize(
    "text",
    [
        "clusters within 10% by least_confidence",
        "most_uncertain_cluster clusters=20 members=random",
        "clusters clusters=20 within 20% by model_outliers within 50% by margin",
        "5% random and auto",
    ],
)
def test_what_the_book_and_the_reference_do_can_be_written(text: str) -> None:
    picks = select(text, *random_scene(), 20)
    assert picks.unique().numel() == 20
