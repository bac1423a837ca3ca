"""What the error head knows: the accuracy on the unlabelled pool, and which of its items are wrong.

python benchmarks/accuracy_estimate.py FILE.csv ...     columns text,label; the labels are only for judging

Labels are given in random order and in the order of `auto`; at 60, 140 and 300 of them

* the estimated accuracy is compared with the truth, beside two plainer ones: the out-of-fold accuracy on
  the labelled items and the classifier's mean confidence on the pool;
* the pool is ranked by the head's P(wrong) and by the classifier's own margin: the area under the ROC
  curve of the classifier's errors (0.5 = no idea, 1 = all errors first).

Without enough verdicts for a head the product takes the out-of-fold accuracy and the margin; so does this.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from backend.encoders.lsa import TextEncoder
from backend.labelled import load
from backend.learning.training import train
from backend.sampling import make_scene, select
from backend.sampling.scene import Scene

BUDGETS = (60, 140, 300)
STEP, SEEDS, MAX_POOL = 20, 3, 4_000
ESTIMATES = ("estimate", "out-of-fold", "confidence")
RANKINGS = ("AUC head", "AUC margin")
Numbers = dict[str, float]


def main(files: list[str]) -> None:
    torch.set_num_threads(1)
    print(f"| data | order | labels | true | {' | '.join(ESTIMATES + RANKINGS)} |")
    print("|---" * (4 + len(ESTIMATES + RANKINGS)) + "|")
    everything: dict[str, list[Numbers]] = defaultdict(list)
    for file in files:
        for order in ("random", "auto"):
            measured = [found for seed in range(SEEDS) for found in _replay(Path(file), order, seed)]
            for budget in BUDGETS:
                found = [numbers for labels, numbers in measured if labels == budget]
                cells = " | ".join(f"{_mean(found, name):.3f}" for name in ("true", *ESTIMATES, *RANKINGS))
                print(f"| {Path(file).name.split('.')[0]} | {order} | {budget} | {cells} |", flush=True)
            everything[order] += [numbers for _, numbers in measured]
    _summary(everything)


def _summary(everything: dict[str, list[Numbers]]) -> None:
    for order, found in everything.items():
        print(f"\nLabels in {order} order, {len(found)} classifiers:")
        for name in ESTIMATES:
            error = fmean(abs(numbers[name] - numbers["true"]) for numbers in found)
            print(f"* mean absolute error of the {name}: {error:.3f}")
        for name in RANKINGS:
            print(f"* mean {name}: {_mean(found, name):.3f}")


def _replay(file: Path, order: str, seed: int) -> Iterator[tuple[int, Numbers]]:
    """The numbers at each of BUDGETS while labels come in this order."""
    features, targets, classes = _load(file, seed)
    labeled = torch.arange(STEP)  # the rows are shuffled
    for budget in range(STEP, BUDGETS[-1] + 1, STEP):
        if budget > STEP:
            rest = _others(labeled, len(features))
            picks = select(order, features[rest], features[labeled], targets[labeled], STEP, seed=seed)
            labeled = torch.cat([labeled, rest[picks]])
        if budget in BUDGETS:
            rest = _others(labeled, len(features))
            trained = train(features[labeled], targets[labeled], classes, seed=seed)
            scene = make_scene(
                features[rest], features[labeled], targets[labeled], seed=seed, trained=trained
            )
            yield budget, _compare(scene, targets[rest])


def _load(file: Path, seed: int) -> tuple[Tensor, Tensor, int]:
    """Features [N, D], targets [N] and the number of classes, at most MAX_POOL rows in random order."""
    rows = load(file).rows
    classes = sorted({label for _, label in rows})
    picked = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:MAX_POOL].tolist()
    texts = [rows[i][0] for i in picked]
    targets = torch.tensor([classes.index(rows[i][1]) for i in picked])
    return TextEncoder.fit(texts, seed=seed).encode(texts), targets, len(classes)


def _others(rows: Tensor, n: int) -> Tensor:
    waiting = torch.ones(n, dtype=torch.bool)
    waiting[rows] = False
    return waiting.nonzero().squeeze(1)


def _compare(scene: Scene, truth: Tensor) -> Numbers:
    wrong = scene.pool_layers.logits.argmax(1) != truth
    verdicts = float(scene.trained.out_of_fold.correct.float().mean())
    estimate, head = scene.estimated_accuracy, scene.error_head
    return {
        "true": 1 - float(wrong.float().mean()),
        "estimate": verdicts if estimate is None else estimate,
        "out-of-fold": verdicts,
        "confidence": float(scene.probabilities.max(1).values.mean()),
        "AUC head": _auc(wrong, scene.margin if head is None else head(scene.pool_layers)),
        "AUC margin": _auc(wrong, scene.margin),
    }


def _auc(wrong: Tensor, worth: Tensor) -> float:
    """NaN where there is nothing to rank: no error, or nothing but errors."""
    return float(roc_auc_score(wrong, worth)) if 0 < int(wrong.sum()) < len(wrong) else math.nan


def _mean(found: list[Numbers], name: str) -> float:
    known = [numbers[name] for numbers in found if not math.isnan(numbers[name])]
    return fmean(known) if known else math.nan


if __name__ == "__main__":
    main(sys.argv[1:])
