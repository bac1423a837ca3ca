"""Each strategy must do what its name says, in a scene where a plausible wrong one does not."""

import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from backend.learning.heads import train_domain_head
from backend.learning.network import LayeredNetwork, Layers
from backend.learning.training import OutOfFold, Trained, outputs, train_network
from backend.sampling import discriminative, make_scene, rank_scene, select, transfer
from backend.sampling.clusters import _fill_empty, spherical_kmeans
from backend.sampling.ensemble import bald, variation_ratios
from backend.sampling.outliers import mean_rank
from backend.sampling.scene import Scene
from backend.sampling.typiclust import _typicality

DIMS = 16


def cluster(n: int, *axes: float, spread: float = 0.1, seed: int = 0) -> Tensor:
    """n unit vectors around a direction given by its first coordinates."""
    center = torch.zeros(DIMS)
    center[: len(axes)] = torch.tensor(axes)
    noise = torch.randn(n, DIMS, generator=torch.Generator().manual_seed(seed)) * spread
    return torch.nn.functional.normalize(torch.nn.functional.normalize(center, dim=0) + noise, dim=1)


def picks_of(strategy: str, scene: Scene, n: int, **options: object) -> Tensor:
    return rank_scene(strategy, scene, n, **options).order[:n]


def with_verdicts(source: Tensor, targets: Tensor, held_out: Tensor, wrong: Tensor, pool: Tensor) -> Scene:
    """A classifier trained on `source` and judged on `held_out`, with these errors."""
    network = train_network(source, targets, 2)
    siblings = LayeredNetwork(network.shape)
    siblings.load_state_dict(network.state_dict())
    trained = Trained(network, siblings, OutOfFold(outputs(network, held_out), ~wrong))
    return make_scene(pool, held_out, torch.zeros(len(held_out)), n_classes=2, trained=trained)


def confident_errors() -> tuple[Scene, Tensor]:
    """Class 1 lies at +x and class 0 at -x; around (+x, +y) the classifier is sure of class 1 and wrong.

    Returns the scene and which pool items lie there.
    """
    source = torch.cat([cluster(40, 1.0, seed=1), cluster(40, -1.0, seed=2)])
    targets = (torch.arange(80) < 40).long()
    where = [(60, (1.0,)), (60, (-1.0,)), (60, (1.0, 1.0)), (40, (0.05, 0.0, 1.0))]  # the last: undecided
    held_out = torch.cat([cluster(n, *axes, seed=10 + i) for i, (n, axes) in enumerate(where)])
    pool = torch.cat([cluster(n, *axes, seed=20 + i) for i, (n, axes) in enumerate(where)])
    wrong = torch.zeros(220, dtype=torch.bool)
    wrong[120:180] = True
    wrong[180::2] = True  # of the undecided every second is wrong
    return with_verdicts(source, targets, held_out, wrong, pool), torch.arange(220) // 60 == 2


def test_the_error_head_finds_confident_errors_and_entropy_does_not() -> None:
    scene, region = confident_errors()
    assert region[picks_of("transfer_uncertainty", scene, 30)].float().mean() > 0.75
    assert region[picks_of("entropy", scene, 30)].float().mean() < 0.2


def test_atlas_takes_from_both_error_regions_where_the_plain_head_takes_from_one() -> None:
    source = torch.cat([cluster(40, 1.0, seed=1), cluster(40, -1.0, seed=2)])
    targets = (torch.arange(80) < 40).long()
    parts = [(1.0,), (-1.0,), (1.0, 1.0), (1.0, 0.0, 1.0)]
    held_out = torch.cat([cluster(150, *axes, seed=10 + i) for i, axes in enumerate(parts)])
    pool = torch.cat([cluster(100, *axes, seed=20 + i) for i, axes in enumerate(parts)])
    generator = torch.Generator().manual_seed(0)
    share_wrong = torch.tensor([0.02, 0.02, 0.97, 0.7]).repeat_interleave(150)  # the worst, and a bad one
    scene = with_verdicts(source, targets, held_out, torch.rand(600, generator=generator) < share_wrong, pool)
    region = torch.arange(400) // 100

    plain = torch.bincount(region[picks_of("transfer_uncertainty", scene, 60)], minlength=4)
    adaptive = torch.bincount(region[picks_of("atlas", scene, 60)], minlength=4)

    assert plain[3] <= 8  # it is all but done with the worst region before it turns to the other
    assert adaptive[3] >= 10
    assert adaptive[2] >= 30
    assert adaptive[:2].sum() == 0


def new_domain() -> tuple[Scene, Tensor]:
    """The pool has a region that nothing labelled comes from. Returns the scene and which items lie there."""
    labeled = torch.cat([cluster(30, 1.0, seed=1), cluster(30, -1.0, seed=2)])
    targets = (torch.arange(60) < 30).long()
    pool = torch.cat(
        [cluster(80, 1.0, seed=3), cluster(80, -1.0, seed=4), cluster(40, 0.3, 1.0, 0.0, 1.0, seed=5)]
    )
    return make_scene(pool, labeled, targets), torch.arange(200) >= 160


@pytest.mark.parametrize(
    "strategy",
    [
        "representative",
        "adaptive_representative",
        "transfer_representative",
        "transfer_adaptive_representative",
        "representative_clusters",
        "discriminative",
        "coreset",
    ],
)
def test_a_new_domain_is_found(strategy: str) -> None:
    scene, new = new_domain()
    assert new[picks_of(strategy, scene, 4)].float().mean() >= 0.75


@pytest.mark.parametrize(
    ("adaptive", "plain"),
    [
        ("adaptive_representative", "representative"),
        ("transfer_adaptive_representative", "transfer_representative"),
    ],
)
def test_adaptive_sampling_spreads_over_sub_clusters(adaptive: str, plain: str) -> None:
    labeled = torch.cat([cluster(30, 1.0, seed=1), cluster(30, -1.0, seed=2)])
    targets = (torch.arange(60) < 30).long()
    sizes = [120, 60, 60]  # of sub-clusters of the new domain
    subs = [
        cluster(size, 0.0, *(3.0 if axis == sub else 0.0 for axis in range(3)), spread=0.08, seed=5 + sub)
        for sub, size in enumerate(sizes)
    ]
    pool = torch.cat([cluster(60, 1.0, seed=3), cluster(60, -1.0, seed=4), *subs])
    sub_of = torch.repeat_interleave(torch.arange(-2, 3), torch.tensor([60, 60, *sizes]))
    scene = make_scene(pool, labeled, targets)

    spread = sub_of[picks_of(adaptive, scene, 30)]
    together = sub_of[picks_of(plain, scene, 30)]

    assert {0, 1, 2} <= set(spread.tolist())
    fewest = min(int((spread == sub).sum()) for sub in range(3))
    assert fewest > min(int((together == sub).sum()) for sub in range(3))


def test_what_was_picked_turns_to_the_labelled_side_of_the_discriminator(monkeypatch) -> None:
    sides: list[tuple[set[tuple[float, ...]], set[tuple[float, ...]]]] = []

    class Watched(LogisticRegression):
        def fit(self, inputs, unlabelled):
            rows = [{tuple(row) for row in inputs[unlabelled == side].tolist()} for side in (False, True)]
            sides.append((rows[0], rows[1]))
            return super().fit(inputs, unlabelled)

    monkeypatch.setattr(discriminative, "LogisticRegression", Watched)
    scene, _ = new_domain()
    picks_of("discriminative", scene, 100, rounds=10)
    assert [len(labelled) for labelled, _ in sides] == [60 + 10 * done for done in range(10)]
    assert [len(unlabelled) for _, unlabelled in sides] == [200 - 10 * done for done in range(10)]
    assert not any(labelled & unlabelled for labelled, unlabelled in sides)


@pytest.mark.parametrize("sample", [1000, 5])
def test_what_was_picked_turns_to_the_training_side_of_the_domain_head(sample: int, monkeypatch) -> None:
    sides = []

    def watched(layers: Layers, application: Tensor, **kwargs):
        sides.append((layers, application.clone()))
        return train_domain_head(layers, application, **kwargs)

    monkeypatch.setattr(transfer, "train_domain_head", watched)
    monkeypatch.setattr(transfer, "DOMAIN_SAMPLE", sample)
    scene, _ = new_domain()
    picks = picks_of("transfer_adaptive_representative", scene, 100, rounds=4)
    sampled = scene.shuffled[: sample + 100]
    for done, (layers, application) in enumerate(sides):
        picked = torch.isin(sampled, picks[: 25 * done])
        assert int(application.sum()) == int((~picked).sum()) > 0
        assert int((~application).sum()) == 60 + 25 * done
        rows = {tuple(row) for row in layers.all_hidden.tolist()}
        assert len(rows) == len(application)  # nobody is there twice


def test_the_domain_head_cannot_tell_networks_apart_where_there_is_one_domain() -> None:
    pool = torch.cat([cluster(200, 1.0, seed=3), cluster(200, -1.0, seed=4)])
    labeled = torch.cat([cluster(40, 1.0, seed=1), cluster(40, -1.0, seed=2)])
    scene = make_scene(pool, labeled, (torch.arange(80) < 40).long())
    ranking = rank_scene("transfer_representative", scene, 10)
    assert ranking.head is not None
    assert 0.3 < float(ranking.head(scene.pool_layers).mean()) < 0.8


def four_clusters() -> tuple[Tensor, Tensor]:
    sizes = [80, 60, 40, 20]
    axes = [(1.0,), (0.0, 1.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)]
    pool = torch.cat([cluster(n, *a, seed=i) for i, (n, a) in enumerate(zip(sizes, axes, strict=True))])
    return pool, torch.repeat_interleave(torch.arange(4), torch.tensor(sizes))


def test_clusters_give_their_centroids_first_then_their_outliers() -> None:
    pool, cluster_of = four_clusters()
    scene = make_scene(pool, pool[:0], torch.zeros(0))
    picks = picks_of("clusters", scene, 20, clusters=4)

    assert sorted(cluster_of[picks[:4]].tolist()) == [0, 1, 2, 3]
    assert sorted(cluster_of[picks[4:8]].tolist()) == [0, 1, 2, 3]
    for i in range(4):
        members = (cluster_of == cluster_of[picks[i]]).nonzero().squeeze(1)
        to_center = pool[members] @ torch.nn.functional.normalize(pool[members].sum(0), dim=0)
        assert picks[i] == members[to_center.argmax()]
        outlier = picks[4:8][cluster_of[picks[4:8]] == cluster_of[picks[i]]]
        assert outlier.tolist() == [int(members[to_center.argmin()])]


@pytest.mark.parametrize("strategy", ["clusters", "typiclust", "clustered_uncertainty"])
def test_more_clusters_than_distinct_items_repeat_nothing(strategy: str) -> None:
    pool = cluster(3, 1.0).repeat(10, 1)
    labeled, targets = cluster(10, 1.0, spread=1.0), torch.arange(10) % 2
    assert select(strategy, pool, labeled, targets, 25).unique().numel() == 25


@pytest.mark.parametrize("k", [1, 4, 29, 30])
def test_no_cluster_is_empty(k: int) -> None:
    for seed, rows in enumerate(
        (cluster(3, 1.0).repeat(10, 1), cluster(30, 1.0, spread=1.0), torch.ones(30, 1))
    ):
        shuffled = torch.randperm(30, generator=torch.Generator().manual_seed(seed))
        found, similarity = spherical_kmeans(rows, k, shuffled)
        assert torch.bincount(found, minlength=k).min() >= 1
        assert similarity.abs().max() <= 1 + 1e-5


def test_an_empty_cluster_takes_nobodys_only_member() -> None:
    found = torch.tensor([0, 1, 1, 1, 3, 3])
    similarity = torch.tensor([0.1, 0.9, 0.5, 0.8, 0.3, 0.2])  # the first fits worst, but is alone
    _fill_empty(found, similarity, torch.arange(6), 5)
    assert torch.bincount(found).tolist() == [1, 2, 1, 1, 1]
    assert found[[0, 1, 3, 4]].tolist() == [0, 1, 1, 3]


def test_typicality_is_the_inverse_of_the_mean_distance_to_the_nearest() -> None:
    rows, alone = cluster(40, 1.0, spread=0.5), cluster(1, -1.0)
    cluster_of = torch.arange(41) // 40
    typical = _typicality(torch.cat([rows, alone]), cluster_of, torch.ones(41))
    distances = torch.cdist(rows, rows).sort(dim=1).values[:, 1:21].mean(1)
    assert typical[:40].argsort(descending=True).tolist() == (1 / distances).argsort(descending=True).tolist()


def test_typiclust_takes_the_dense_middle_of_the_largest_cluster_without_a_label() -> None:
    pool, cluster_of = four_clusters()
    labeled = cluster(1, 1.0, seed=9)  # in the largest
    scene = make_scene(pool, labeled, torch.zeros(1))
    picks = picks_of("typiclust", scene, 3, clusters=4)
    assert cluster_of[picks].tolist() == [1, 2, 3]
    members = (cluster_of == 1).nonzero().squeeze(1)
    closeness = (pool[members] @ pool[members].T).mean(1)
    assert closeness[members == picks[0]] > closeness.median()


def test_coreset_is_farthest_first() -> None:
    pool, _ = four_clusters()
    labeled = pool[:5]
    covered = labeled
    for pick in select("coreset", pool, labeled, torch.zeros(5), 6):
        distance = (pool @ covered.T).max(1).values
        assert float(distance[pick]) == pytest.approx(float(distance.min()), abs=1e-5)
        covered = torch.cat([covered, pool[pick][None]])


def boundary_scene() -> tuple[Scene, Tensor]:
    """Two classes along x; on the boundary between them a big knot of near-copies and two small groups."""
    labeled = torch.cat([cluster(30, 1.0, seed=1), cluster(30, -1.0, seed=2)])
    targets = (torch.arange(60) < 30).long()
    knot = cluster(60, 0.0, 1.0, spread=0.002, seed=3)
    groups = [
        cluster(30, 0.02, 0.0, 1.0, spread=0.1, seed=4),
        cluster(30, 0.02, 0.0, 0.0, 1.0, spread=0.1, seed=5),
    ]
    sure = torch.cat([cluster(150, 1.0, seed=6), cluster(150, -1.0, seed=7)])
    pool = torch.cat([knot, *groups, sure])
    group_of = torch.repeat_interleave(torch.arange(4), torch.tensor([60, 30, 30, 300]))
    return make_scene(pool, labeled, targets), group_of


@pytest.mark.parametrize("strategy", ["auto", "badge", "clustered_uncertainty"])
def test_diverse_uncertainty_spreads_over_the_boundary_and_takes_few_near_copies(strategy: str) -> None:
    scene, group_of = boundary_scene()
    counts = torch.bincount(group_of[picks_of(strategy, scene, 15)], minlength=4)
    assert counts[1] >= 2
    assert counts[2] >= 2
    assert counts[0] <= 8


def test_auto_and_clustered_uncertainty_leave_the_sure_items_alone() -> None:
    scene, group_of = boundary_scene()
    for strategy in ("auto", "clustered_uncertainty"):
        assert (group_of[picks_of(strategy, scene, 15)] < 3).float().mean() >= 0.8


def test_auto_asks_where_many_are_in_doubt_before_it_asks_about_a_loner() -> None:
    scene, _ = boundary_scene()
    loner = cluster(1, 0.0, 0.0, 0.0, 0.0, 1.0, spread=0.0)
    pool = torch.cat([loner, scene.pool])
    picks = select("auto", pool, scene.labeled, scene.targets, 3)
    assert 0 not in picks.tolist()


def odd_first(scene: Scene, of: Tensor) -> list[int]:
    """These items by how small a share of held-out activations lies below theirs, smallest first."""
    held_out = scene.trained.out_of_fold.layers.all_layers
    activations = scene.pool_layers.all_layers[of]
    below = (held_out[None] < activations[:, None]).double().mean((1, 2))
    return of[below.argsort()].tolist()


def test_model_outliers_are_those_that_light_up_less_than_held_out_items() -> None:
    scene, _ = boundary_scene()
    odd = odd_first(scene, torch.arange(scene.size))
    picks = picks_of("model_outliers", scene, 20).tolist()
    assert len(set(picks) & set(odd[:20])) >= 16  # our ranks are interpolated, these are not


def test_uncertain_outliers_are_both() -> None:
    scene, _ = boundary_scene()
    assert scene.trained  # before the margin, so that both are of one training
    odd = odd_first(scene, scene.margin.topk(84).indices)  # a fifth of 420
    picks = picks_of("uncertain_outliers", scene, 10).tolist()
    assert set(picks) <= set(odd)
    assert len(set(picks) & set(odd[:10])) >= 8
    for alone in ("margin", "model_outliers"):
        assert len(set(picks) & set(picks_of(alone, scene, 10).tolist())) < 8


def test_mean_rank_is_among_held_out_activations() -> None:
    held_out = torch.rand(50, 4, generator=torch.Generator().manual_seed(0)) + 1
    activations = torch.tensor([[0.5] * 4, [1.5] * 4, [3.0] * 4, [1.5, 1.5, 1.5, 0.2]])
    ranks = mean_rank(activations, held_out)
    assert ranks.argsort().tolist() == [0, 3, 1, 2]
    assert 0.4 < float(ranks[1]) < 0.6


def test_model_outliers_of_constant_or_few_held_out_items_are_finite() -> None:
    activations = torch.randn(10, 3)
    for held_out in (torch.ones(5, 3), torch.zeros(1, 3)):
        assert torch.isfinite(mean_rank(activations, held_out)).all()


def test_the_most_uncertain_cluster_comes_before_lone_uncertain_items_elsewhere() -> None:
    scene, group_of = boundary_scene()
    picks = picks_of("most_uncertain_cluster", scene, 20, clusters=5)
    assert group_of[picks].unique().numel() == 1
    margins = scene.margin[picks]
    assert (margins[1:] <= margins[:-1] + 1e-6).all()
    rest = picks_of("most_uncertain_cluster", scene, 80, clusters=5)
    assert group_of[rest].unique().numel() > 1  # a cluster that is used up makes room for the next


def test_representative_clusters_go_where_labels_are_few() -> None:
    pool, cluster_of = four_clusters()
    labeled = torch.cat([cluster(40, 1.0, seed=8), cluster(2, 0.0, 1.0, seed=9)])
    scene = make_scene(pool, labeled, torch.zeros(42))
    counts = torch.bincount(
        cluster_of[picks_of("representative_clusters", scene, 12, clusters=4)], minlength=4
    )
    assert counts[0] == 0  # 80 items, but 40 labels
    assert counts[2] > counts[3] > 0  # no labels; twice the items come twice as often
    assert counts.sum() == 12


def test_representative_transfer_uncertainty_is_errors_within_the_representative() -> None:
    scene, _ = confident_errors()
    picks = picks_of("representative_transfer_uncertainty", scene, 10)
    representative = picks_of("transfer_representative", scene, scene.size // 2).tolist()
    by_risk = [i for i in picks_of("transfer_uncertainty", scene, scene.size).tolist() if i in representative]
    assert set(picks.tolist()) == set(by_risk[:10])


def test_the_uncertainties_by_name_are_four_different_orders() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(360, DIMS, generator=generator), dim=1)
    scene = make_scene(features[60:], features[:60], features[:60, :4].argmax(1))
    best, second = scene.probabilities.topk(2).values.T
    expected = {
        "least_confidence": 1 - best,
        "margin": second - best,
        "ratio": second / best,
        "entropy": -(scene.probabilities * scene.probabilities.log()).sum(1),
    }
    for name, worth in expected.items():
        assert picks_of(name, scene, 30).tolist() == worth.topk(30).indices.tolist()
    assert len({str(worth.topk(30).indices.tolist()) for worth in expected.values()}) == 4


def test_the_disagreements_by_name_are_those_of_the_siblings() -> None:
    scene, _ = boundary_scene()
    mean = scene.member_probabilities.mean(0)
    entropies = torch.special.entr(scene.member_probabilities).sum(-1).mean(0)
    divided = torch.special.entr(mean).sum(-1) - entropies
    assert len(set(picks_of("bald", scene, 20).tolist()) & set(divided.topk(20).indices.tolist())) >= 18
    votes = scene.member_probabilities.argmax(-1)
    minority = torch.minimum((votes == 0).sum(0), (votes == 1).sum(0))
    picks = minority[picks_of("variation_ratios", scene, 40)]
    assert picks.tolist() == minority.sort(descending=True).values[:40].tolist()
    assert picks[0] > picks[-1]


def test_bald_is_disagreement_and_not_uncertainty() -> None:
    agreed = torch.tensor([0.5, 0.5]).expand(4, 1, 2)
    torn = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])[:, None]
    sure = torch.tensor([1.0, 0.0]).expand(4, 1, 2)
    both = torch.cat([agreed, torn, sure], dim=1)
    assert bald(both).tolist() == pytest.approx([0, math.log(2), 0], abs=1e-6)
    votes = variation_ratios(both)
    assert votes[1] == pytest.approx(0.5, abs=0.13)
    assert votes[0] == votes[2] == 0
    assert variation_ratios(torch.stack([torn[0], torn[0], torn[0], torn[1]]))[0] == pytest.approx(
        0.25, abs=0.13
    )


def test_contrastive_finds_items_predicted_unlike_their_neighbours() -> None:
    scene, _ = boundary_scene()
    worth_first = picks_of("contrastive", scene, 20)
    log_pool = scene.pool_layers.logits.log_softmax(-1)
    log_labeled = scene.labeled_layers.logits.log_softmax(-1)
    similarity = scene.unit_pool @ scene.unit_labeled.T
    divergence = torch.stack(
        [
            (log_labeled[near].exp() * (log_labeled[near] - log_pool[i])).sum(1).mean()
            for i, near in enumerate(similarity.topk(10, dim=1).indices)
        ]
    )
    assert set(worth_first.tolist()) == set(divergence.topk(20).indices.tolist())


def test_badge_distances_are_those_of_the_gradient_matrix() -> None:
    """With one pick made, the next is drawn by the squared distance of gradients; a copy is never drawn."""
    scene, _ = boundary_scene()
    copies = torch.cat([scene.pool[:1].repeat(200, 1), scene.pool[60:75]])
    picks = select("badge", copies, scene.labeled, scene.targets, 10)
    assert sum(int(pick) < 200 for pick in picks) <= 1


def test_too_few_errors_are_said_and_answered_by_margin() -> None:
    labeled = torch.cat([cluster(10, 1.0, spread=0.01), cluster(10, -1.0, spread=0.01)])
    pool = cluster(30, 0.0, 1.0, spread=0.5)
    scene = make_scene(pool, labeled, (torch.arange(20) < 10).long())
    for strategy in ("transfer_uncertainty", "atlas"):
        ranking = rank_scene(strategy, scene, 10)
        assert ranking.head is None
        assert "margin" in ranking.notes[0]
        assert torch.equal(ranking.order, rank_scene("margin", scene, 10).order)


def test_one_class_is_said_and_answered_by_the_cold_start() -> None:
    pool, cluster_of = four_clusters()
    labeled = cluster(3, 1.0, seed=9)
    scene = make_scene(pool, labeled, torch.ones(3))
    ranking = rank_scene("auto", scene, 3)
    assert ranking.notes == ["labels of fewer than two classes: cold start"]
    # What is labelled represents its cluster already; of the others the largest comes first.
    assert cluster_of[ranking.order[:3]].tolist() == [1, 2, 3]


def test_the_accuracy_on_the_pool_is_estimated_where_the_labelled_items_mislead() -> None:
    """Labels came from the hard region, the pool is mostly easy: cross-validation is far too low."""
    generator = torch.Generator().manual_seed(0)
    easy = torch.cat([cluster(400, 1.0, seed=3), cluster(400, -1.0, seed=4)])
    hard = cluster(400, 0.0, 1.0, spread=0.2, seed=5)
    features = torch.cat([easy, hard])
    truth = torch.cat([torch.ones(400), torch.zeros(400), torch.rand(400, generator=generator) < 0.5]).long()
    labeled = torch.cat([torch.arange(0, 800, 20), torch.arange(800, 1200, 4)])
    waiting = torch.ones(1200, dtype=torch.bool)
    waiting[labeled] = False
    scene = make_scene(features[waiting], features[labeled], truth[labeled])

    accuracy = (scene.pool_layers.logits.argmax(1) == truth[waiting]).float().mean()

    assert scene.estimated_accuracy == pytest.approx(float(accuracy), abs=0.06)
    assert scene.trained.out_of_fold.correct.float().mean() < accuracy - 0.1
