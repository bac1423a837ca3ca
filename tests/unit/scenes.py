"""Pools, labels and classifiers that show what a strategy does."""

from functools import cache

import torch
from torch import Tensor

from backend.learning.network import LayeredNetwork
from backend.learning.training import OutOfFold, Trained, outputs, train, train_network
from backend.sampling import make_scene, rank_scene
from backend.sampling.scene import Scene


def random_scene(n: int = 80, m: int = 40, dims: int = 6, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Unit vectors whose class is the sign of the first feature."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.nn.functional.normalize(torch.randn(n + m, dims, generator=generator), dim=1)
    targets = (features[:m, 0] > 0).long()
    targets[: min(2, m)] = torch.arange(2)[: min(2, m)]
    return features[m:], features[:m], targets


@cache
def trained_on_random_scene(labels: int = 40, seed: int = 0) -> Trained | None:
    """On the first labelled items of `random_scene()`; None of none. It is shared: nobody may change it."""
    _, labeled, targets = random_scene()
    return train(labeled[:labels], targets[:labels], 2, seed=seed) if labels else None


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
    # Where two clusters are all there is to learn, training leaves the first layer one direction, and more
    # only by how the processor rounds. A network of use keeps more: here as much as it began with.
    with torch.no_grad():
        network.layers[0].weight += LayeredNetwork(network.shape, seed=1).layers[0].weight
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


def new_domain() -> tuple[Scene, Tensor]:
    """The pool has a region that nothing labelled comes from. Returns the scene and which items lie there."""
    labeled = torch.cat([cluster(30, 1.0, seed=1), cluster(30, -1.0, seed=2)])
    targets = (torch.arange(60) < 30).long()
    pool = torch.cat(
        [cluster(80, 1.0, seed=3), cluster(80, -1.0, seed=4), cluster(40, 0.3, 1.0, 0.0, 1.0, seed=5)]
    )
    return make_scene(pool, labeled, targets), torch.arange(200) >= 160


def four_clusters() -> tuple[Tensor, Tensor]:
    sizes = [80, 60, 40, 20]
    axes = [(1.0,), (0.0, 1.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)]
    pool = torch.cat([cluster(n, *a, seed=i) for i, (n, a) in enumerate(zip(sizes, axes, strict=True))])
    return pool, torch.repeat_interleave(torch.arange(4), torch.tensor(sizes))


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


def odd_first(scene: Scene, of: Tensor) -> list[int]:
    """These items by how small a share of held-out activations lies below theirs, smallest first."""
    held_out = scene.trained.out_of_fold.layers.all_layers
    activations = scene.pool_layers.all_layers[of]
    below = (held_out[None] < activations[:, None]).double().mean((1, 2))
    return of[below.argsort()].tolist()
