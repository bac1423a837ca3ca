"""A queue's head is made of batches, so that what is labelled of it is what the strategy would pick."""

from __future__ import annotations

import pytest
import torch

from backend.sampling import make_scene, names, rank, registry, select
from backend.sampling.batches import in_batches, interleaved, joined, labelled_at_once, of_what_is_left
from backend.sampling.clusters import clustering
from backend.sampling.composition import Shares
from backend.sampling.registry import find
from backend.sampling.rounds import sizes
from backend.sampling.scene import Picks, Scene
from backend.sampling.strategy import Strategy
from tests.unit.scenes import four_clusters, random_scene, trained_on_random_scene

pytestmark = pytest.mark.usefixtures("trained_once")

ALL = [
    *names(),
    "entropy within 30% by representative",
    "clusters within 10% by atlas",
    "70% typiclust and 30% clusters",
    "60% clusters within 50% by margin and 40% atlas",
]


@pytest.mark.parametrize(("labels", "batch"), [(40, 1), (40, 12), (0, 5)])
@pytest.mark.parametrize("strategy", ALL)
def test_a_batch_is_the_beginning_of_the_head(strategy: str, batch: int, labels: int) -> None:
    pool, labeled, targets = random_scene()
    known, trained = (labeled[:labels], targets[:labels]), trained_on_random_scene(labels)
    head = rank(strategy, pool, *known, head_size=24, batch=batch, trained=trained).order
    assert head[:batch].tolist() == select(strategy, pool, *known, batch, trained=trained).tolist()


@pytest.mark.parametrize("strategy", ALL)
def test_a_head_of_whole_batches_is_the_beginning_of_a_longer_one(strategy: str) -> None:
    scene, trained = random_scene(), trained_on_random_scene()
    long = rank(strategy, *scene, head_size=45, batch=5, trained=trained).order.tolist()
    for size in (5, 20):
        assert (
            rank(strategy, *scene, head_size=size, batch=5, trained=trained).order[:size].tolist()
            == (long[:size])
        )


@pytest.mark.parametrize("strategy", ALL)
def test_what_is_picked_is_not_picked_again(strategy: str) -> None:
    scene = make_scene(*random_scene(40), batch=4, trained=trained_on_random_scene())
    before = torch.arange(7, 40, 3)
    picks = find(strategy, {}).pick(scene.after(before), scene.size - len(before)).indices
    assert torch.cat([before, picks]).sort().values.tolist() == list(range(40))


def test_each_batch_is_as_large_as_all_before_it_and_knows_them() -> None:
    asked: list[tuple[list[int], int]] = []

    @in_batches
    def watched(scene: Scene, n: int) -> Picks:
        asked.append((scene.picked.tolist(), n))
        return Picks(scene.first_shuffled(n))

    scene = make_scene(*random_scene(), batch=5)
    picks = watched(scene, 70).indices
    assert picks.tolist() == scene.shuffled[:70].tolist()
    assert [n for _, n in asked] == [5, 5, 10, 20, 30]
    assert [len(before) for before, _ in asked] == [0, 5, 10, 20, 40]
    assert asked[-1][0] == picks[:40].tolist()


def test_a_strategy_that_knows_of_no_picks_is_shown_what_is_left() -> None:
    def first_rows(scene: Scene, n: int) -> Picks:
        return Picks(torch.arange(n))

    scene = make_scene(*random_scene())
    assert in_batches(of_what_is_left(first_rows))(scene, 30).indices.tolist() == list(range(30))
    picks = of_what_is_left(first_rows)(scene.after(torch.tensor([1, 0, 4])), 3).indices
    assert picks.tolist() == [2, 3, 5]


def test_of_batches_of_which_some_are_by_another_name_each_pick_has_one() -> None:
    """A strategy that falls back on another for a batch and not for the next, or the other way round."""
    first, second = torch.tensor([3, 1]), torch.tensor([2])
    for batches, names_of in [
        ((Picks(first, by=("margin", "margin")), Picks(second)), ("margin", "margin", None)),
        ((Picks(first), Picks(second, by=("margin",))), (None, None, "margin")),
        ((Picks(first), Picks(second)), None),
    ]:
        assert joined(batches).by == names_of
        assert interleaved(batches, torch.tensor([0, 0, 1])).by == names_of


def test_a_pick_without_a_name_is_the_strategys_own() -> None:
    scene = make_scene(*random_scene(30))

    def pick(scene: Scene, n: int) -> Picks:
        by = ("margin",) * n if len(scene.picked) else None
        return Picks(scene.top(scene.margin, n), by=by)

    mended = Strategy(in_batches(pick))
    told = Shares(((0.5, mended), (0.5, find("random", {}))), ("mine", "random")).pick(scene, 12).by
    assert told is not None
    assert set(told) == {"mine", "margin", "random"}


@pytest.mark.parametrize("part", ["by", "rounds", "chance"])
def test_a_plug_in_that_tells_of_other_picks_than_its_own_is_named(
    monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    told = {"by": ("mine",), "rounds": torch.ones(1), "chance": torch.ones(1)}

    def pick(scene: Scene, n: int) -> Picks:
        return Picks(scene.top(scene.margin, n), **{part: told[part]})

    monkeypatch.setattr(registry, "_strategies", lambda: {"mine": registry._guarded("mine", Strategy(pick))})
    with pytest.raises(ValueError, match=f"'mine' must give {part} for each of 5 picks"):
        select("mine", *random_scene(30), 5)


def test_scenes_of_one_pool_compute_once_what_does_not_depend_on_the_picks() -> None:
    scene = make_scene(*random_scene())
    later = scene.in_batches_of(3).after(torch.arange(4)).after(torch.arange(5, 7))
    for name in ("trained", "probabilities", "margin", "unit_pool", "lots", "shuffled", "error_head"):
        assert getattr(later, name) is getattr(scene, name), name
    assert later.left == scene.size - 6
    assert later.is_picked.nonzero().squeeze(1).tolist() == [0, 1, 2, 3, 5, 6]
    assert not scene.is_picked.any()


@pytest.mark.parametrize(
    ("batch", "n", "size", "expected"),
    [
        (5, 24, None, [1] * 5 + [1] * 5 + [2] * 5 + [4]),
        (5, 24, 2, [2, 2, 1, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2]),
        (5, 24, 20, [5, 5, 10, 4]),
        (100, 100, None, [20] * 5),
        (3, 7, None, [1] * 6 + [1]),
        (5, 0, None, []),
    ],
)
def test_rounds_end_where_a_batch_ends(batch: int, n: int, size: int | None, expected: list[int]) -> None:
    assert sizes(make_scene(*random_scene(), batch=batch), n, size) == expected


def test_a_project_labels_five_to_fifty_between_two_rankings() -> None:
    assert [labelled_at_once(every) for every in (1, 5, 20, 1000)] == [5, 5, 20, 50]


@pytest.mark.parametrize("batch", [0, -5])
def test_a_batch_of_nothing_is_refused(batch: int) -> None:
    with pytest.raises(ValueError, match=f"batch must be at least 1, not {batch}"):
        rank("random", *random_scene(), batch=batch)


def test_every_stretch_of_cluster_sampling_is_mixed() -> None:
    """A batch of five has a centroid, an outlier and three random members, of five clusters; after a whole
    circle each cluster has given its centroid and its outlier."""
    pool, _ = four_clusters()
    scene = make_scene(pool, pool[:0], torch.zeros(0), batch=50)
    order = find("clusters", {}).pick(scene, 50).indices
    found = clustering(scene, 10)
    cluster, similarity = found.of, found.similarity
    central = {int(similarity.masked_fill(cluster != c, -2).argmax()) for c in range(10)}
    outlying = {int(similarity.masked_fill(cluster != c, 2).argmin()) for c in range(10)}
    for stretch in (order[:5].tolist(), order[5:10].tolist()):
        assert len(set(cluster[stretch].tolist())) == 5
        assert len(central & set(stretch)) >= 1
        assert len(outlying & set(stretch)) >= 1
    large = [c for c in range(10) if int((cluster == c).sum()) >= 5]
    assert len(large) >= 5
    for c in large:
        assert {i for i in central | outlying if cluster[i] == c} <= set(order.tolist())
