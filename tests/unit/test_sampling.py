"""What holds for every strategy."""

import math
from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from backend.learning.training import outputs, train
from backend.sampling import (
    make_scene,
    names,
    queue_scores,
    rank,
    rank_scene,
    select,
)
from backend.sampling import scene as scene_module
from backend.sampling.checks import MAX_FEATURE
from tests.unit.scenes import random_scene, trained_on_random_scene

COMPOSED = ["margin within 30% by representative", "70% auto and 30% random"]


ALL = [*names(), *COMPOSED]


@pytest.mark.parametrize("strategy", ALL)
@given(
    n=st.integers(2, 24),
    m=st.integers(0, 12),
    dims=st.integers(1, 5),
    share=st.floats(0, 1.5),
    kind=st.sampled_from(["random", "duplicates", "constant", "huge", "one huge", "tiny", "zero"]),
    classes=st.integers(1, 3),
    seed=st.integers(0, 3),
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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

    scene = make_scene(pool, labeled, targets, seed=seed, batch=head)
    ranking = rank_scene(strategy, scene, head)
    trained = scene.trained if scene.has_classifier else None

    assert ranking.order.sort().values.tolist() == list(range(n))  # distinct, and all there
    assert ranking.scores[ranking.order].tolist() == queue_scores(n).tolist()
    if ranking.worth is not None:
        along = ranking.worth[ranking.order]
        assert torch.isfinite(along).all()
        assert (along[1:] <= along[:-1]).all()
    if head > n:
        with pytest.raises(ValueError, match=f"asked for {head} items of a pool of {n}"):
            select(strategy, pool, labeled, targets, head, seed=seed, trained=trained)
    else:
        picks = select(strategy, pool, labeled, targets, head, seed=seed, trained=trained)
        assert picks.tolist() == ranking.order[:head].tolist()


@pytest.mark.parametrize("strategy", ALL)
def test_batch_after_batch_labels_every_item_once(strategy: str) -> None:
    features, first, targets = random_scene(22, 8)
    truth = (features[:, 0] > 0).long()
    waiting, chosen = torch.arange(22), torch.zeros(0, dtype=torch.int64)
    for n in (12, 10):
        labeled = torch.cat([first, features[chosen]]), torch.cat([targets, truth[chosen]])
        picks = waiting[select(strategy, features[waiting], *labeled, n)]
        chosen = torch.cat([chosen, picks])
        waiting = waiting[~torch.isin(waiting, picks)]
    assert chosen.sort().values.tolist() == list(range(22))


@pytest.mark.parametrize("strategy", ALL)
def test_same_seed_same_answer_and_permuting_the_pool_permutes_it(strategy: str) -> None:
    pool, labeled, targets = random_scene()
    trained = trained_on_random_scene(seed=3)
    picks = select(strategy, pool, labeled, targets, 20, seed=3, trained=trained)
    assert torch.equal(picks, select(strategy, pool, labeled, targets, 20, seed=3, trained=trained))

    permutation = torch.randperm(len(pool), generator=torch.Generator().manual_seed(1))
    permuted = select(strategy, pool[permutation], labeled, targets, 20, seed=3, trained=trained)

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
    trained = deepcopy(trained_on_random_scene())
    assert trained is not None
    before = [part.clone() for part in (pool, labeled, targets)]
    weights = [value.clone() for value in trained.network.state_dict().values()]

    rank_scene(strategy, make_scene(pool, labeled, targets, trained=trained), 10)

    for part, copy in zip((pool, labeled, targets), before, strict=True):
        assert torch.equal(part, copy)
    for value, copy in zip(trained.network.state_dict().values(), weights, strict=True):
        assert torch.equal(value, copy)
    assert all(parameter.grad is None for parameter in trained.network.parameters())


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("labels", [0, 3, 40])
def test_an_empty_pool_and_an_empty_batch_are_answered(strategy: str, labels: int) -> None:
    pool, labeled, targets = random_scene()
    few = labeled[:labels], targets[:labels]
    trained = trained_on_random_scene(labels)
    assert rank(strategy, pool[:0], *few, trained=trained).order.tolist() == []
    assert select(strategy, pool, *few, 0, trained=trained).tolist() == []


@pytest.mark.parametrize("pool", [torch.ones(200, 4), torch.zeros(200, 4), torch.eye(4).repeat(50, 1)])
def test_the_cold_start_ends_where_many_items_are_alike(pool: Tensor) -> None:
    order = rank("auto", pool, pool[:0], torch.zeros(0), head_size=200).order
    assert order.sort().values.tolist() == list(range(200))


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

    monkeypatch.setattr(scene_module, "train", counted(scene_module.train))
    scene = make_scene(*random_scene())
    rank_scene(strategy, scene, 10)
    assert len(trainings) <= 1


ASKED = ["trained", "network", "probabilities", "labeled_layers", "member_probabilities", "error_head"]


@pytest.mark.parametrize("first", ASKED)
def test_a_scene_has_the_same_network_whatever_is_asked_of_it_first(first: str) -> None:
    asked, other = make_scene(*random_scene()), make_scene(*random_scene())
    getattr(asked, first)
    expected = outputs(train(other.labeled, other.targets, 2).network, other.pool).logits

    for name in ASKED[::-1]:
        getattr(asked, name)

    for network in (asked.network, asked.trained.network, asked.narrowed(torch.arange(5)).trained.network):
        assert torch.equal(outputs(network, other.pool).logits, expected)
    assert torch.equal(asked.probabilities, other.probabilities)


def test_scores_follow_the_queue() -> None:
    pool, labeled, targets = random_scene()
    ranking = rank("auto", pool, labeled, targets, head_size=10)
    assert ranking.scores.min() > 0
    assert ranking.scores.max() < 1
    assert ranking.scores.argsort().tolist() == ranking.order.tolist()
    assert math.isclose(float(ranking.scores.sum()), len(pool) / 2)
