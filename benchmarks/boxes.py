"""Which pictures to draw boxes in next: the product's detector judges, on drawn scenes and on bccd.

python -m benchmarks.boxes first|second|FOLDER [--strategies random,auto] [--seeds 5] [--budgets 20,60]

FOLDER holds train/ and test/ with train.json and test.json, COCO. `first` and `second` are the settings of
backend/demo/drawn_scenes.py: choices are made on the first. Each seed draws the labels to begin with, the
same for all strategies; a detector is trained from scratch at every budget, for about half of the product's
steps. Of each strategy and budget: mean average precision at IoU 0.5 on the test pictures, boxes drawn so
far, and how many of these are of the rarest class. `mc_entropy` (entropy over passes with dropout) and
`most_boxes` (the expected number of boxes) are here alone; `auto+boxes` is auto on vectors of what is found
in a picture beside those of the picture, `auto+only` on the former alone; all others are the product's.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from tempfile import gettempdir

import numpy as np
import torch
from torch import Tensor

from backend.controls.matching import Marked as Boxes
from backend.controls.matching import average_precision
from backend.learning.detection import layers_of, train_detection
from backend.learning.detector import Candidates, Detector, Maps
from backend.learning.detector_training import Marked, train_detector
from backend.learning.units import UnitsLearned, pooled
from backend.sampling import select
from benchmarks.marked_pictures import Part, kept

STEPS = 80
PASSES, DROP = 3, 0.1
NEED_FOLDS = ("transfer_uncertainty", "atlas", "vote_entropy")


@dataclass(frozen=True)
class Point:
    score: float
    boxes: int
    rare: int
    seconds: float


def main() -> None:
    torch.set_num_threads(1)
    asked = _arguments()
    train, test = (kept(asked.set, part, Path(asked.cache)) for part in ("train", "test"))
    train = train.first(asked.pool)
    budgets = [int(each) for each in asked.budgets.split(",")]
    found: dict[str, list[list[Point]]] = {}
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        start = None
        for strategy in asked.strategies.split(","):
            run = Run(train, test, strategy, seed)
            further = [asked.random] if strategy == "random" and asked.random else []
            points, start = run([*budgets, *further], start)
            found.setdefault(strategy, []).append(points)
            print(seed, strategy, *(f"{p.score:.3f}/{p.boxes}/{p.rare}" for p in points), flush=True)
    _tell(Path(asked.set).name, budgets, found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("set")
    parser.add_argument("--strategies", default="random,auto")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budgets", default="20,60")
    parser.add_argument("--random", type=int, default=75, help="a further budget of random order alone")
    parser.add_argument("--pool", type=int, default=300)
    cache = Path(gettempdir()) / "boxes-benchmark"
    parser.add_argument("--cache", default=str(cache), help="a folder for what is encoded")
    return parser.parse_args()


class Run:
    """One strategy from one seed's first labels."""

    def __init__(self, train: Part, test: Part, strategy: str, seed: int):
        self._train, self._test, self._strategy, self._seed = train, test, strategy, seed
        self._classes = int(train.marked.classes.max()) + 1
        self._truth = [
            Boxes(
                test.marked.boxes[own].double().numpy(), test.marked.classes[own].numpy(), np.ones(len(own))
            )
            for own in _of_each(test.marked)
        ]
        self._rarest = int(torch.bincount(train.marked.classes).argmin())

    def __call__(self, budgets: list[int], start: Detector | None) -> tuple[list[Point], Detector]:
        """start: of the first budget, which is the same for all."""
        rng = torch.Generator().manual_seed(self._seed)
        order = torch.randperm(len(self._train.maps), generator=rng)
        labelled = order[: budgets[0]]
        points, first = [], start
        for number, budget in enumerate(budgets):
            began = time.process_time()
            detector = start if number == 0 and start is not None else self._trained(labelled)
            first = first or detector
            left = order[~torch.isin(order, labelled)]
            points.append(self._point(detector, labelled, time.process_time() - began))
            if number + 1 < len(budgets):
                chosen = self._chosen(detector, labelled, left, budgets[number + 1] - budget)
                labelled = torch.cat([labelled, left[chosen]])
        assert first is not None
        return points, first

    def _trained(self, labelled: Tensor) -> Detector:
        maps, marked = self._train.maps.of(labelled), self._train.marked.of(labelled)
        return train_detector(maps, marked, self._classes, seed=self._seed, steps=STEPS)

    def _point(self, detector: Detector, labelled: Tensor, seconds: float) -> Point:
        found = detector.candidates(self._test.maps)
        said = [
            Boxes(
                found.boxes[own].double().numpy(),
                found.classes[own].numpy(),
                found.sure[own].double().numpy(),
            )
            for own in (torch.nonzero(found.item == item)[:, 0] for item in range(len(self._test.maps)))
        ]
        score = float(np.nanmean(average_precision(said, self._truth, self._classes)))
        drawn = self._train.marked.of(labelled).classes
        return Point(score, len(drawn), int((drawn == self._rarest).sum()), seconds)

    def _chosen(self, detector: Detector, labelled: Tensor, left: Tensor, n: int) -> Tensor:
        """Places in `left`, int64 [n]."""
        if self._strategy == "random":
            return torch.arange(n)
        pool = self._train.maps.of(left)
        found = detector.candidates(pool)
        if self._strategy == "most_boxes":
            worth = torch.zeros(len(pool)).index_add_(0, found.item, found.sure)
            return worth.topk(n).indices
        if self._strategy == "mc_entropy":
            return _mc_entropy(detector, pool, found).topk(n).indices
        name, _, with_boxes = self._strategy.partition("+")
        learned = self._learned(name, detector, labelled, pool, found)
        vectors = self._train.vectors
        parts = vectors[left], vectors[labelled]
        if with_boxes:
            seen = detector.candidates(self._train.maps.of(labelled))
            own = _vectors(found, len(pool)), _vectors(seen, len(labelled))
            parts = own if with_boxes == "only" else tuple(map(_beside, parts, own))  # type: ignore[assignment]
        none = torch.zeros(len(labelled), dtype=torch.int64)
        return select(name, *parts, none, n, seed=self._seed, trained=learned)

    def _learned(
        self, name: str, detector: Detector, labelled: Tensor, pool: Maps, found: Candidates
    ) -> UnitsLearned:
        maps, marked = self._train.maps.of(labelled), self._train.marked.of(labelled)
        if name in NEED_FOLDS:
            return train_detection(maps, marked, self._classes, seed=self._seed, steps=STEPS).learned(pool)
        labeled = layers_of(detector.candidates(maps), len(maps))
        return UnitsLearned(
            pool=layers_of(found, len(pool)),
            held_out=labeled,
            correct=torch.ones(len(labeled.item), dtype=torch.bool),
            n_siblings=1,
            members=_none,
            by_siblings=_none,  # type: ignore[arg-type]
            pooling="top",
            labeled=labeled,
        )


def _none(*_: Tensor) -> Tensor:
    raise ValueError("this strategy needs folds")


def _beside(one: Tensor, other: Tensor) -> Tensor:
    return torch.cat([one / one.norm(dim=1).mean(), other / other.norm(dim=1).mean()], 1)


def _vectors(found: Candidates, items: int) -> Tensor:
    """Of what is seen in each picture the mean, each by how sure it is: float32 [items, D], of length 1."""
    weighted = found.vectors.float() * found.sure[:, None]
    return torch.nn.functional.normalize(pooled(weighted, found.item, items))


def _mc_entropy(detector: Detector, pool: Maps, found: Candidates) -> Tensor:
    passes = [detector.logits_at(pool, found.item, found.cell, DROP).softmax(-1) for _ in range(PASSES)]
    mean = torch.stack(passes).mean(0)
    entropy = -(mean * mean.clamp(min=1e-9).log()).sum(-1)
    return pooled(entropy, found.item, len(pool), "top")


def _of_each(marked: Marked) -> list[Tensor]:
    return [torch.nonzero(marked.item == item)[:, 0] for item in range(marked.items)]


def _tell(name: str, budgets: list[int], found: dict[str, list[list[Point]]]) -> None:
    """Differences to `random` of the same seed, with their standard error, on average over the budgets after
    the first, and at equal numbers of boxes drawn; of those at the end, how many are of the rarest class."""
    print("| set | strategy | mAP@0.5 at", " | ".join(map(str, budgets)), "| to random | by box | rare |")
    print("|---" * (len(budgets) + 5) + "|")
    base = found.get("random", [])
    for strategy, runs in found.items():
        cells = [f"{fmean(run[i].score for run in runs):.3f}" for i in range(len(budgets))]
        gains = [
            _mean(run, len(budgets)) - _mean(other, len(budgets))
            for run, other in zip(runs, base, strict=False)
        ]
        by_box = [_by_box(run, other) for run, other in zip(runs, base, strict=False)]
        run_at = [run[len(budgets) - 1] for run in runs]
        rare = f"{fmean(p.rare for p in run_at):.1f} of {fmean(p.boxes for p in run_at):.0f}"
        means = f"{' | '.join(cells)} | {_with_error(gains)} | {_with_error(by_box)}"
        print(f"| {name} | {strategy} | {means} | {rare} |")
    if base and len(base[0]) > len(budgets):
        print(f"random, at its further budget: {fmean(run[-1].score for run in base):.3f}")
    print(
        "seconds to train, CPU:",
        f"{fmean(p.seconds for runs in found.values() for r in runs for p in r[1:]):.1f}",
    )


def _with_error(values: list[float]) -> str:
    return f"{fmean(values):+.3f} ± {stdev(values) / len(values) ** 0.5:.3f}" if len(values) > 1 else ""


def _mean(run: list[Point], n: int) -> float:
    """Over the budgets after the first that all have."""
    return fmean(point.score for point in run[1:n])


def _by_box(run: list[Point], base: list[Point]) -> float:
    """The mean difference at equal numbers of boxes drawn, as far as both go."""
    at = np.linspace(run[0].boxes, min(run[-1].boxes, base[-1].boxes), 30)
    one, other = (np.interp(at, [p.boxes for p in each], [p.score for p in each]) for each in (run, base))
    return float((one - other).mean())


if __name__ == "__main__":
    main()
