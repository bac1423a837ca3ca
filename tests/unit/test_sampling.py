"""What holds for every strategy."""

import inspect
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from backend.learning.training import OutOfFold, Trained, outputs
from backend.sampling import check_name, make_scene, names, places, rank, rank_scene, select
from backend.sampling import scene as scene_module
from backend.sampling import uncertainty as u
from backend.sampling.checks import MAX_FEATURE
from backend.sampling.registry import STRATEGIES

PROBABILITIES = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [1 / 3, 1 / 3, 1 / 3]])
COMPOSED = ["margin within 30% by representative", "70% auto and 30% random"]
ALL = [*names(), *COMPOSED]


def random_scene(n: int = 80, m: int = 40, dims: int = 6, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Unit vectors whose class is the sign of the first feature."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.nn.functional.normalize(torch.randn(n + m, dims, generator=generator), dim=1)
    targets = (features[:m, 0] > 0).long()
    targets[: min(2, m)] = torch.arange(2)[: min(2, m)]
    return features[m:], features[:m], targets


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (u.least_confidence, [0, 0.75, 0.9, 1]),
        (u.margin, [0, 1, 0.9, 1]),
        (u.ratio, [0, 1, 0.75, 1]),
        (u.entropy, [0, 0.6309, 0.9912, 1]),
    ],
)
def test_uncertainty_by_the_books_formulas(measure, expected) -> None:
    assert measure(PROBABILITIES).tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("strategy", ALL)
@given(
    n=st.integers(2, 40),
    m=st.integers(0, 12),
    dims=st.integers(1, 5),
    share=st.floats(0, 1.5),
    kind=st.sampled_from(["random", "duplicates", "constant", "huge", "one huge", "tiny", "zero"]),
    classes=st.integers(1, 3),
    seed=st.integers(0, 3),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_scene_is_ranked_whole(strategy, n, m, dims, share, kind, classes, seed) -> None:
    pool, labeled, _ = random_scene(n, m, dims, seed)
    if kind == "duplicates":
        pool = pool[torch.arange(n) % 2]
    elif kind == "one huge":
        pool[-1] = MAX_FEATURE
        labeled[m // 2 : m // 2 + 1] = -MAX_FEATURE
    elif kind in ("huge", "tiny"):
        pool, labeled = (part * (MAX_FEATURE if kind == "huge" else 1e-30) for part in (pool, labeled))
    elif kind != "random":
        value = {"constant": 0.5, "zero": 0.0}[kind]
        pool, labeled = torch.full_like(pool, value), torch.full_like(labeled, value)
    targets = torch.arange(m) % classes
    head = max(1, round(share * n))

    ranking = rank(strategy, pool, labeled, targets, head_size=head, seed=seed)

    assert ranking.order.sort().values.tolist() == list(range(n))  # distinct, and all there
    assert ranking.scores[ranking.order].tolist() == places(n).tolist()
    if ranking.worth is not None:
        along = ranking.worth[ranking.order]
        assert torch.isfinite(along).all()
        assert (along[1:] <= along[:-1]).all()
    if head > n:
        with pytest.raises(ValueError, match=f"asked for {head} items of a pool of {n}"):
            select(strategy, pool, labeled, targets, head, seed=seed)
    else:
        picks = select(strategy, pool, labeled, targets, head, seed=seed)
        assert picks.tolist() == ranking.order[:head].tolist()


@pytest.mark.parametrize("strategy", ALL)
def test_batch_after_batch_labels_every_item_once(strategy: str) -> None:
    features, first, targets = random_scene(22, 8)
    truth = (features[:, 0] > 0).long()
    waiting, chosen = torch.arange(22), torch.zeros(0, dtype=torch.int64)
    for n in (9, 9, 4):
        labeled = torch.cat([first, features[chosen]]), torch.cat([targets, truth[chosen]])
        picks = waiting[select(strategy, features[waiting], *labeled, n)]
        chosen = torch.cat([chosen, picks])
        waiting = waiting[~torch.isin(waiting, picks)]
    assert chosen.sort().values.tolist() == list(range(22))


@pytest.mark.parametrize("strategy", ALL)
def test_same_seed_same_answer_and_permuting_the_pool_permutes_it(strategy: str) -> None:
    pool, labeled, targets = random_scene()
    picks = select(strategy, pool, labeled, targets, 20, seed=3)
    assert torch.equal(picks, select(strategy, pool, labeled, targets, 20, seed=3))

    permutation = torch.randperm(len(pool), generator=torch.Generator().manual_seed(1))
    permuted = select(strategy, pool[permutation], labeled, targets, 20, seed=3)

    # Sums are rounded in another order, which may swap two picks of nearly the same worth.
    assert len(set(permutation[permuted].tolist()) & set(picks.tolist())) >= 18


@pytest.mark.parametrize("strategy", ["random", "clusters", "badge"])
def test_another_seed_gives_another_answer(strategy: str) -> None:
    pool, labeled, targets = random_scene()
    answers = {tuple(select(strategy, pool, labeled, targets, 10, seed=seed).tolist()) for seed in range(5)}
    assert len(answers) > 1


@pytest.mark.parametrize("strategy", ALL)
def test_the_callers_tensors_and_classifier_are_left_alone(strategy: str) -> None:
    pool, labeled, targets = random_scene()
    scene = make_scene(pool, labeled, targets)
    before = [part.clone() for part in (pool, labeled, targets)]
    weights = [value.clone() for value in scene.trained.network.state_dict().values()]

    rank_scene(strategy, make_scene(pool, labeled, targets, trained=scene.trained), 10)

    for part, copy in zip((pool, labeled, targets), before, strict=True):
        assert torch.equal(part, copy)
    for value, copy in zip(scene.trained.network.state_dict().values(), weights, strict=True):
        assert torch.equal(value, copy)
    assert all(parameter.grad is None for parameter in scene.trained.network.parameters())


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("labels", [0, 3, 40])
def test_an_empty_pool_and_an_empty_batch_are_answered(strategy: str, labels: int) -> None:
    pool, labeled, targets = random_scene()
    few = labeled[:labels], targets[:labels]
    assert rank(strategy, pool[:0], *few).order.tolist() == []
    assert select(strategy, pool, *few, 0).tolist() == []


@pytest.mark.parametrize("pool", [torch.ones(200, 4), torch.zeros(200, 4), torch.eye(4).repeat(50, 1)])
def test_the_cold_start_ends_where_many_items_are_alike(pool: Tensor) -> None:
    order = rank("auto", pool, pool[:0], torch.zeros(0), head_size=200).order
    assert order.sort().values.tolist() == list(range(200))


def test_margin_ranks_the_boundary_first() -> None:
    pool, labeled, targets = random_scene()
    order = rank("margin", pool, labeled, targets).order
    assert pool[order[:10], 0].abs().mean() < pool[order[-10:], 0].abs().mean() / 2


def test_random_is_a_fair_lottery_for_empty_texts_too() -> None:
    """Over 400 seeds each item is among the first quarter as often as a fair coin of 1/4 would have it."""
    seeds = 400
    pool = torch.randn(200, 9, generator=torch.Generator().manual_seed(0)).sign()  # binary, odd in width
    pool = torch.cat([pool.unique(dim=0), torch.zeros(1, 9)])
    quarter = len(pool) // 4
    first = [select("random", pool, pool[:0], torch.zeros(0), quarter, seed=seed) for seed in range(seeds)]
    counts = torch.bincount(torch.cat(first), minlength=len(pool)).double()

    expected = seeds * quarter / len(pool)
    deviation = math.sqrt(expected * (1 - quarter / len(pool)))
    assert (counts - expected).abs().max() < 4.5 * deviation
    assert float(counts.std()) == pytest.approx(deviation, rel=0.25)


SIGNS = torch.cartesian_prod(*[torch.tensor([-0.5, 0.5])] * 4)
"""16 unit vectors on which sums are exact, so that what is equally good is exactly equal."""


def undecided(labeled: Tensor, targets: Tensor) -> Trained:
    """A classifier to which all items are the same, and so are they to its siblings."""
    trained = make_scene(SIGNS, labeled, targets).trained
    for network in (trained.network, trained.siblings):
        for parameter in network.parameters():
            parameter.data.zero_()
    out_of_fold = OutOfFold(outputs(trained.network, labeled), torch.arange(len(labeled)) % 2 == 0)
    return Trained(trained.network, trained.siblings, out_of_fold)


TIED = [
    *("least_confidence", "margin", "ratio", "entropy", "bald", "variation_ratios", "contrastive"),
    *("model_outliers", "transfer_uncertainty", "atlas", "most_uncertain_cluster", "badge"),
    *("coreset", "adaptive_representative", "representative", "representative_clusters", "clusters"),
]


@pytest.mark.parametrize("strategy", TIED)
def test_ties_go_by_content_and_seed_and_not_by_place(strategy: str) -> None:
    labeled = SIGNS.roll(1, dims=0)[:10]
    targets = torch.arange(10) % 2
    trained = undecided(labeled, targets)

    def first(places: Tensor, seed: int) -> list[list[float]]:
        pool = SIGNS[places]
        options = {"clusters": 1} if "cluster" in strategy else {}
        picks = select(strategy, pool, labeled, targets, 3, seed=seed, trained=trained, **options)
        return pool[picks].tolist()

    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        answers = [first(torch.randperm(16, generator=generator), seed) for _ in range(4)]
        assert answers[0] == answers[1] == answers[2] == answers[3]
    assert len({str(first(torch.arange(16), seed)) for seed in range(6)}) > 1


@pytest.mark.parametrize("strategy", ALL)
def test_verdicts_and_layers_are_of_one_training_and_there_is_only_one(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = []

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def train(*args: object, **kwargs: object) -> object:
            trainings.append(real)
            return real(*args, **kwargs)

        return train

    for name in ("train", "train_network"):
        monkeypatch.setattr(scene_module, name, counted(getattr(scene_module, name)))
    scene = make_scene(*random_scene())
    rank_scene(strategy, scene, 10)
    assert len(trainings) <= 1


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


@pytest.mark.parametrize("strategy", names())
def test_options_out_of_range_are_refused(strategy: str) -> None:
    pool, labeled, targets = random_scene()
    for option in inspect.signature(STRATEGIES[strategy].pick).parameters.values():
        if option.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        share = option.name == "within"
        for value in (0, -1, math.nan, "3", True, *([1.5, 5] if share else [2.5, 0.5])):
            allowed = "a number above 0 and at most 1" if share else "a whole number, at least 1"
            with pytest.raises(
                ValueError, match=f"'{strategy}': {option.name} must be {allowed}, not {value!r}"
            ):
                select(strategy, pool, labeled, targets, 5, **{option.name: value})
        for value in (0.01, 1) if share else (1, 10**6):
            assert len(select(strategy, pool, labeled, targets, 5, **{option.name: value})) == 5
    with pytest.raises(
        ValueError, match=f"'{strategy}' has no option 'rouns'; (its options are|it has none)"
    ):
        select(strategy, pool, labeled, targets, 5, rouns=3)


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
    ],
)
def test_a_wrong_composition_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_name(text)


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


def test_scores_are_places() -> None:
    pool, labeled, targets = random_scene()
    ranking = rank("auto", pool, labeled, targets, head_size=10)
    assert ranking.scores.min() > 0
    assert ranking.scores.max() < 1
    assert ranking.scores.argsort().tolist() == ranking.order.tolist()
    assert math.isclose(float(ranking.scores.sum()), len(pool) / 2)
