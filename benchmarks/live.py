"""The live loop without Label Studio: every strategy against random order, as annotators meet it.

python -m benchmarks.live FOLDER SET,... [--strategies 'all' or 'margin;atlas'] [--labels 100] [--seeds 5] ...

Nothing is labelled at first: the queue begins with the product's cold start. The first R = 5 of the queue are
labelled, the classifier and its siblings are trained anew, the strategy ranks anew, and so on. Macro-F1 of
the serving network on the test part after every tenth label; "mean" is over those from 20 labels on; the
difference is to `random`, which has the same first labels, with its standard error over the seeds.
FOLDER has NAME.csv.gz (text,label) or NAME.npz (images, labels), and NAME.test.* beside it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor

from backend.encoders.base import encoded
from backend.encoders.images import find_image_encoder
from backend.encoders.registry import find_encoder
from backend.learning.training import Trained, outputs, train, train_network
from backend.sampling import make_scene, rank_scene
from backend.sampling.registry import STRATEGIES, find

R, EVERY, FROM = 5, 10, 20
POOL, TEST = 2_000, 1_000
BASELINE = "random"
Curve = list[float]


class Data(NamedTuple):
    """pool, test: float32 [N, D] and [T, D]; targets, truth: int64 [N] and [T]."""

    pool: Tensor
    targets: Tensor
    test: Tensor
    truth: Tensor


def main() -> None:
    asked = _arguments()
    torch.set_num_threads(1)
    names = list(STRATEGIES) if asked.strategies == "all" else asked.strategies.split(";")
    names = [BASELINE, *(name for name in names if name != BASELINE)]
    budgets = list(range(EVERY, asked.labels + 1, EVERY))
    shown = [budget for budget in (20, 50, 100, 200, 300) if budget <= asked.labels]
    print(f"| set | strategy | {' | '.join(map(str, shown))} | mean | less random |")
    print("|---" * (4 + len(shown)) + "|")
    for name in asked.sets.split(","):
        data = _load(asked.folder, name, asked.encoder)
        found: dict[str, list[Curve]] = {}
        for strategy in names:
            found[strategy] = [labelled(data, strategy, asked.labels, seed) for seed in range(asked.seeds)]
            means = [fmean(points) for points in zip(*found[strategy], strict=True)]
            cells = " | ".join(f"{means[budgets.index(budget)]:.3f}" for budget in shown)
            print(f"| {name} | `{strategy}` | {cells} | {_compared(found, strategy)} |", flush=True)


def labelled(data: Data, strategy: str, labels: int, seed: int) -> Curve:
    """Macro-F1 after every EVERY labels."""
    generator = torch.Generator().manual_seed(seed)
    # Another seed, another pool: the cold start knows no chance of its own.
    waiting = torch.randperm(len(data.pool), generator=generator)[: max(len(data.pool) * 4 // 5, labels)]
    chosen = torch.zeros(0, dtype=torch.int64)
    classes = int(data.targets.max()) + 1
    needs_classifier = find(strategy, {}).needs_classifier
    curve: Curve = []
    while len(chosen) < labels:
        x, y = data.pool[chosen], data.targets[chosen]
        trained: Trained | None = None
        if needs_classifier and len(y.unique()) > 1:
            trained = train(x, y, classes, seed=seed)
        # Until there are two classes random order, too, begins with the cold start: all have the same labels.
        now = strategy if len(y.unique()) > 1 else "margin"
        scene = make_scene(
            data.pool[waiting], x, y, n_classes=classes, seed=seed * 1_000_003 + len(y), trained=trained
        )
        picks = waiting[rank_scene(now, scene, R).order[:R]]
        chosen, waiting = torch.cat([chosen, picks]), waiting[~torch.isin(waiting, picks)]
        if len(chosen) % EVERY == 0:
            curve.append(_measured(data, chosen, classes, seed))
    return curve


def _measured(data: Data, chosen: Tensor, classes: int, seed: int) -> float:
    y = data.targets[chosen]
    if len(y.unique()) < 2:
        predicted = y[:1].expand(len(data.truth))
    else:
        network = train_network(data.pool[chosen], y, classes, seed=seed)
        predicted = outputs(network, data.test).logits.argmax(-1)
    return float(f1_score(data.truth, predicted, average="macro", zero_division=0))


def _compared(found: dict[str, list[Curve]], strategy: str) -> str:
    def areas(name: str) -> list[float]:
        return [fmean(curve[FROM // EVERY - 1 :]) for curve in found[name]]

    own, base = areas(strategy), areas(BASELINE)
    if strategy == BASELINE:
        return f"{fmean(own):.3f} |"
    less = [a - b for a, b in zip(own, base, strict=True)]
    return f"{fmean(own):.3f} | {fmean(less):+.3f} ± {stdev(less) / math.sqrt(len(less)):.3f}"


def _load(folder: Path, name: str, encoder: str) -> Data:
    if (folder / f"{name}.npz").exists():
        pool, targets = _pictures(folder / f"{name}.npz", POOL)
        test, truth = _pictures(folder / f"{name}.test.npz", TEST)
        return Data(pool, targets, test, truth)
    rows, others = _texts(folder / f"{name}.csv.gz", POOL), _texts(folder / f"{name}.test.csv.gz", TEST)
    fitted = find_encoder(encoder).fit([text for text, _ in rows], seed=0)
    classes = sorted({label for _, label in rows})

    def targets_of(part: Sequence[tuple[str, str]]) -> Tensor:
        return torch.tensor([classes.index(label) for _, label in part])

    pool, test = (encoded(fitted, [text for text, _ in part]) for part in (rows, others))
    return Data(pool, targets_of(rows), test, targets_of(others))


def _texts(file: Path, most: int) -> list[tuple[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        return [(row["text"], row["label"]) for row in islice(csv.DictReader(lines), most)]


def _pictures(file: Path, most: int) -> tuple[Tensor, Tensor]:
    with np.load(file, allow_pickle=False) as arrays:
        pictures, labels = arrays["images"][:most], arrays["labels"][:most]
    squares = [np.repeat(each[..., None], 3, -1) if each.ndim == 2 else each for each in pictures]
    return find_image_encoder("lite0").encode(squares), torch.tensor(labels.tolist())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets")
    parser.add_argument("--encoder", default="use+lsa")
    parser.add_argument("--strategies", default="all")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
