"""Which layers of the image encoder, and which strategy: the product's own classifier judges.

python -m benchmarks.images [--layers both] [--strategies random,auto] [--seeds 5] NAME=FOLDER/NAME ...

NAME.npz and NAME.test.npz hold `images` (uint8, N x H x W or N x H x W x 3), `labels` and `class_names`.
Each seed draws its own pool of at most --pool images; the test part stays the same. For each strategy:
macro-F1 averaged over the budgets, the difference to `random` of the same seed with its standard error, the
last budget's macro-F1, and CPU seconds of choosing. The last line is a classifier trained on the whole pool.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.metrics import f1_score
from torch import Tensor

from backend.encoders.lite0 import LAST_CHANNELS
from backend.encoders.lite0_weights import lite0
from backend.encoders.pictures import SIDE, Lite0Encoder
from backend.learning.training import outputs, train_network
from backend.simulate.plan import Plan
from backend.simulate.replay import Replay, ReplayJob, replay

LAYERS = {
    "last": slice(0, LAST_CHANNELS),
    "middle": slice(LAST_CHANNELS, None),
    "both": slice(None),
}
Part = tuple[Tensor, Tensor]


def main() -> None:
    torch.set_num_threads(1)
    asked = _arguments()
    print("| set | vectors | strategy | mean | to random | at 60 | at the end | s choosing |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for file in asked.files:
        train, test = (_encoded(Path(f"{file}{end}.npz"), asked.side) for end in ("", ".test"))
        for layers in asked.layers.split(","):
            _compare(Path(file).name, layers, asked, _only(train, layers), _only(test, layers))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--layers", default="both")
    parser.add_argument("--strategies", default="random,auto")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pool", type=int, default=3000)
    parser.add_argument("--budget", type=int, default=300)
    parser.add_argument("--side", type=int, default=SIDE)
    return parser.parse_args()


def _encoded(file: Path, side: int) -> Part:
    """Vectors float32 [N, D], as they are kept, and targets int64 [N]."""
    with np.load(file) as stored:
        images, labels = stored["images"], stored["labels"]
    if images.ndim == 3:
        images = np.repeat(images[..., None], 3, axis=3)
    vectors = Lite0Encoder(lite0, side).encode(list(images))
    return vectors.half().float(), torch.from_numpy(labels.astype(np.int64))


def _only(part: Part, layers: str) -> Part:
    return part[0][:, LAYERS[layers]].contiguous(), part[1]


def _compare(name: str, layers: str, asked: argparse.Namespace, train: Part, test: Part) -> None:
    strategies = tuple(asked.strategies.split(","))
    plan = Plan(strategies, tuple(range(asked.seeds)), 20, 20, asked.budget, 0.0)
    found = {strategy: list(_replays(strategy, plan, asked.pool, train, test)) for strategy in strategies}
    base = [_mean(each) for each in found.get("random", [])]
    for strategy, replays in found.items():
        means = [_mean(each) for each in replays]
        gains = [a - b for a, b in zip(means, base, strict=False)]
        error = f" ± {stdev(gains) / len(gains) ** 0.5:.3f}" if len(gains) > 1 else ""
        gain = f"{fmean(gains):+.3f}{error}" if gains and strategy != "random" else ""
        early, late = (fmean(_at(each, n) for each in replays) for n in (60, asked.budget))
        seconds = fmean(each.points[-1].seconds_choosing for each in replays)
        cells = (name, layers, strategy, f"{fmean(means):.3f}", gain, f"{early:.3f}", f"{late:.3f}")
        print(f"| {' | '.join(cells)} | {seconds:.1f} |", flush=True)
    full = [_full(_drawn(train, asked.pool, seed), test, seed) for seed in plan.seeds]
    print(
        f"| {name} | {layers} | all labels ({min(asked.pool, len(train[0]))}) | {fmean(full):.3f} |"
        + " |" * 4
    )


def _replays(strategy: str, plan: Plan, pool: int, train: Part, test: Part) -> Iterator[Replay]:
    classes = tuple(map(str, range(int(train[1].max()) + 1)))
    with tempfile.TemporaryDirectory() as folder:
        for seed in plan.seeds:
            features, targets = _drawn(train, pool, seed)
            file = Path(folder) / f"{seed}.safetensors"
            split = {"pool": features, "targets": targets, "held_out": test[0], "truth": test[1]}
            save_file(split | {"blocks": torch.tensor(_blocks(features.shape[1]))}, file)
            yield replay(ReplayJob(strategy, seed, plan, classes, file), lambda: None)


def _blocks(width: int) -> tuple[int, ...]:
    """Widths of what vectors of so many numbers are made of: of both layers, or of one."""
    both = Lite0Encoder(lite0).block_widths
    return both if width == sum(both) else (width,)


def _drawn(train: Part, pool: int, seed: int) -> Part:
    rows = torch.randperm(len(train[0]), generator=torch.Generator().manual_seed(seed))[:pool]
    return train[0][rows].contiguous(), train[1][rows].contiguous()


def _mean(found: Replay) -> float:
    return fmean(point.score.macro_f1 for point in found.points)


def _at(found: Replay, labels: int) -> float:
    return next(point.score.macro_f1 for point in found.points if point.labels >= labels)


def _full(train: Part, test: Part, seed: int) -> float:
    network = train_network(*train, int(train[1].max()) + 1, seed=seed)
    predicted = outputs(network, test[0]).logits.argmax(-1)
    return float(f1_score(test[1], predicted, average="macro"))


if __name__ == "__main__":
    main()
