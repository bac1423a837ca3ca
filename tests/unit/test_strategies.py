"""Each strategy must do what its name says, in a scene where a plausible wrong one does not."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from backend.sampling import chance, discriminative, make_scene, rank_scene, select
from backend.sampling.outliers import mean_rank
from tests.unit.scenes import boundary_scene, cluster, four_clusters, new_domain, odd_first, picks_of


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
    picks_of("discriminative", scene.in_batches_of(100), 100, round=10)
    assert [len(labelled) for labelled, _ in sides] == [60 + 10 * done for done in range(10)]
    assert [len(unlabelled) for _, unlabelled in sides] == [200 - 10 * done for done in range(10)]
    assert not any(labelled & unlabelled for labelled, unlabelled in sides)


def test_coreset_is_farthest_first() -> None:
    pool, _ = four_clusters()
    labeled = pool[:5]
    covered = labeled
    for pick in select("coreset", pool, labeled, torch.zeros(5), 6):
        distance = (pool @ covered.T).max(1).values
        assert float(distance[pick]) == pytest.approx(float(distance.min()), abs=1e-5)
        covered = torch.cat([covered, pool[pick][None]])


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


def test_model_outliers_are_those_that_light_up_less_than_held_out_items() -> None:
    scene, _ = boundary_scene()
    odd = odd_first(scene, torch.arange(scene.size))
    picks = picks_of("model_outliers", scene, 20).tolist()
    assert len(set(picks) & set(odd[:20])) >= 16  # our ranks are interpolated, these are not


def test_mean_rank_is_among_held_out_activations() -> None:
    held_out = torch.rand(50, 4, generator=torch.Generator().manual_seed(0)) + 1
    activations = torch.tensor([[0.5] * 4, [1.5] * 4, [3.0] * 4, [1.5, 1.5, 1.5, 0.2]])
    ranks = mean_rank(activations, held_out)
    assert ranks.argsort().tolist() == [0, 3, 1, 2]
    assert 0.4 < float(ranks[1]) < 0.6
    beyond = mean_rank(torch.tensor([[0.2] * 4, [0.5] * 4, [2.2] * 4, [2.5] * 4]), held_out)
    assert beyond.tolist() == sorted(set(beyond.tolist()))


def test_model_outliers_of_constant_or_few_held_out_items_are_finite() -> None:
    activations = torch.randn(10, 3)
    for held_out in (torch.ones(5, 3), torch.zeros(1, 3)):
        assert torch.isfinite(mean_rank(activations, held_out)).all()


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


def test_badge_draws_by_the_distances_of_the_gradient_matrix() -> None:
    """The matrix that the strategy never builds, and k-means++ seeding in it."""
    scene, _ = boundary_scene()
    answer = torch.nn.functional.one_hot(scene.probabilities.argmax(1), scene.probabilities.shape[1])
    miss = scene.probabilities - answer
    gradients = (miss[:, :, None] * scene.pool_layers.last_hidden[:, None, :]).flatten(1).double()
    expected = [int((gradients**2).sum(1).argmax())]
    for draw in range(1, 10):
        nearest = torch.cdist(gradients, gradients[expected]).min(1).values
        expected.append(chance.race((nearest**2).float(), scene.lots, draw))
    assert picks_of("badge", scene, 10).tolist() == expected


def test_badge_takes_an_item_and_none_of_its_copies() -> None:
    scene, _ = boundary_scene()
    copies = torch.cat([scene.pool[:1].repeat(200, 1), scene.pool[60:75]])
    picks = select("badge", copies, scene.labeled, scene.targets, 10)
    assert sum(int(pick) < 200 for pick in picks) <= 1


def test_one_class_is_said_and_answered_by_the_cold_start() -> None:
    pool, cluster_of = four_clusters()
    labeled = cluster(3, 1.0, seed=9)
    scene = make_scene(pool, labeled, torch.ones(3))
    ranking = rank_scene("auto", scene, 3)
    assert ranking.notes == ["labels of fewer than two classes: cold start"]
    # What is labelled represents its cluster already; of the others the largest comes first.
    assert cluster_of[ranking.order[:3]].tolist() == [1, 2, 3]
