"""How close the error head's estimate comes to the classifier's true accuracy on the unlabelled pool.

python benchmarks/accuracy_estimate.py FILE.csv ...     columns text,label; the labels are only for judging

Labels are given in random order and in the order of `auto`; at 60, 140 and 300 of them the estimate is
compared with the truth, beside two plainer ones: the out-of-fold accuracy on the labelled items and the
classifier's mean confidence on the pool.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import torch

from backend.labelled import read_csv
from backend.learning.text import TextEncoder
from backend.sampling import make_scene, select
from backend.sampling.scene import Scene

BUDGETS = (60, 140, 300)
STEP, SEEDS, MAX_POOL = 20, 3, 4_000


def main(files: list[str]) -> None:
    torch.set_num_threads(1)
    print("| data | order | labels | true accuracy | estimate | out-of-fold | confidence |")
    print("|---|---|---|---|---|---|---|")
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for file in files:
        rows = read_csv(Path(file))
        classes = sorted({label for _, label in rows})
        for order in ("random", "auto"):
            found: dict[int, list[list[float]]] = defaultdict(list)
            for seed in range(SEEDS):
                picked = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:MAX_POOL]
                texts = [rows[i][0] for i in picked.tolist()]
                features = TextEncoder.fit(texts, seed=seed).encode(texts)
                targets = torch.tensor([classes.index(rows[i][1]) for i in picked.tolist()])
                for labels, numbers in _replay(order, features, targets, len(classes), seed):
                    found[labels].append(numbers)
                    for name, value in zip(
                        ("estimate", "out-of-fold", "confidence"), numbers[1:], strict=True
                    ):
                        errors[order, name].append(abs(value - numbers[0]))
            for labels, several in found.items():
                means = torch.tensor(several).mean(0).tolist()
                cells = " | ".join(f"{value:.3f}" for value in means)
                print(f"| {Path(file).name.split('.')[0]} | {order} | {labels} | {cells} |", flush=True)
    print("\nMean absolute error:")
    for (order, name), values in errors.items():
        print(f"* {order} order, {name}: {sum(values) / len(values):.3f} ({len(values)} comparisons)")


def _replay(order: str, features: torch.Tensor, targets: torch.Tensor, classes: int, seed: int):
    labeled = torch.arange(20)
    for budget in range(20, BUDGETS[-1] + 1, STEP):
        waiting = torch.ones(len(features), dtype=torch.bool)
        if budget > 20:
            waiting[labeled] = False
            rest = waiting.nonzero().squeeze(1)
            picks = select(order, features[rest], features[labeled], targets[labeled], STEP, seed=seed)
            labeled = torch.cat([labeled, rest[picks]])
        if budget in BUDGETS:
            waiting[:] = True
            waiting[labeled] = False
            scene = make_scene(
                features[waiting], features[labeled], targets[labeled], n_classes=classes, seed=seed
            )
            yield budget, _compare(scene, targets[waiting])


def _compare(scene: Scene, truth: torch.Tensor) -> list[float]:
    """[true accuracy, estimate, out-of-fold accuracy, mean confidence]."""
    verdicts = scene.trained.out_of_fold.correct.float().mean()
    right = (scene.pool_layers.logits.argmax(1) == truth).float().mean()
    estimate = scene.estimated_accuracy
    confidence = scene.probabilities.max(1).values.mean()
    return [
        float(right),
        float(verdicts if estimate is None else estimate),
        float(verdicts),
        float(confidence),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
