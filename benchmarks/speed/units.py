"""What ranking items with units costs, beside whole items: CPU seconds, the least of REPEATS, in one process.

python -m benchmarks.speed.units                                    10,000 items of 20 units, all strategies
python -m benchmarks.speed.units --items 2000 --units 400 --only atlas,margin

Rows are random directions in which a few classes lie; a classifier of 1,000 labelled units learned them. Of
each strategy a head of HEAD is made in batches of 5.
"""

from __future__ import annotations

import argparse
import resource
import time

import torch
from torch import Tensor

from backend.learning.training import Trained, layers_by_member, member_probabilities, outputs, train
from backend.learning.units import Pooling, UnitLayers, UnitsLearned
from backend.sampling import make_scene, names, rank_scene
from backend.sampling.scene import Scene

HEAD, REPEATS = 200, 3
DIMS, CLASSES = 256, 6
"""Numbers of a vector, and classes of a unit."""
TAUGHT = 1_000
"""Units that the classifier learns from, and whole items that are labelled."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=20, help="of each item")
    parser.add_argument("--labeled", type=int, default=1_000, help="items whose units all have a verdict")
    parser.add_argument("--pooling", choices=("mean", "top"), default="mean")
    parser.add_argument("--only", default="", help="strategies, with commas; all by default")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scenes = made(options.items, options.units, options.labeled, options.pooling)
    print(
        f"{options.items:,} items, {options.units} units each, {options.pooling}: CPU seconds, ratio to whole"
    )
    for strategy in options.only.split(",") if options.only else names():
        whole, units = (least(scene, strategy) for scene in scenes)
        print(f"| {strategy} | {whole:.3f} | {units:.3f} | {units / whole:.1f} |", flush=True)
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:,.0f} MB")


def least(make: Made, strategy: str) -> float:
    """CPU seconds of the quickest of REPEATS rankings, each of a new scene."""
    pool, labeled, targets, trained = make
    seconds = []
    for _ in range(REPEATS):
        scene: Scene = make_scene(pool, labeled, targets, trained=trained)
        began = time.process_time()
        rank_scene(strategy, scene, HEAD)
        seconds.append(time.process_time() - began)
    return min(seconds)


Made = tuple[Tensor, Tensor, Tensor, Trained | UnitsLearned]


def made(items: int, units: int, known: int, pooling: Pooling) -> tuple[Made, Made]:
    """What `make_scene` takes: of whole items, and of items with units."""
    chance = torch.Generator().manual_seed(0)
    centers = torch.randn(CLASSES, DIMS, generator=chance)

    def drawn(count: int) -> tuple[Tensor, Tensor]:
        targets = torch.randint(0, CLASSES, (count,), generator=chance)
        rows = centers[targets] + 8 * torch.randn(count, DIMS, generator=chance)
        return torch.nn.functional.normalize(rows, dim=1), targets

    (taught, targets), (pool, _), (held, truth) = drawn(TAUGHT), drawn(items * units), drawn(known * units)
    trained = train(taught, targets, CLASSES)
    vectors = [rows.view(-1, units, DIMS).mean(1) for rows in (pool, held)]
    whole = vectors[0], taught, targets, trained
    learned = learned_of(trained, pool, held, truth, units, pooling)
    return whole, (vectors[0], vectors[1], torch.zeros(known), learned)


def learned_of(
    trained: Trained, pool: Tensor, held: Tensor, truth: Tensor, units: int, pooling: Pooling
) -> UnitsLearned:
    seen = UnitLayers(outputs(trained.network, pool)._replace(features=None), *_items(pool, units))
    judged = UnitLayers(outputs(trained.network, held)._replace(features=None), *_items(held, units))

    def by_siblings(items: Tensor, which: Tensor) -> UnitLayers:
        some, place = seen.units_of(items)
        layers = layers_by_member(trained.siblings, pool[some], which[place])._replace(features=None)
        return UnitLayers(layers, place, len(items))

    correct = judged.layers.logits.argmax(1) == truth
    members = trained.siblings.shape.members
    return UnitsLearned(
        seen,
        judged,
        correct,
        members,
        lambda: member_probabilities(trained.siblings, pool),
        by_siblings,
        pooling,
    )


def _items(rows: Tensor, units: int) -> tuple[Tensor, int]:
    items = len(rows) // units
    return torch.arange(items).repeat_interleave(units), items


if __name__ == "__main__":
    main()
