"""What an encoder is worth: labels needed, and CPU seconds.

python benchmarks/encoders.py labels lsa,use+lsa FILE.csv ...   columns text,label; FILE.test.csv beside it
python benchmarks/encoders.py seconds lsa,use+lsa               10,000 texts of 30 words, 300 of them labelled

`labels` replays `auto` with the product's own classifier: 20 labels at random, then batches of 20 up to 300
and of 100 up to 600, 5 seeds, pools of 5,000 texts at most; macro-F1 on the test texts. The goal is 90 % of
what the first encoder reaches with the whole pool labelled; the labels needed are those of the first batch
at which the mean over the seeds is there. `seconds` tells the CPU time of one thread.
"""

from __future__ import annotations

import csv
import math
import random
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

import torch
from sklearn.metrics import f1_score
from torch import Tensor

from backend.demo.data import load
from backend.encoders.base import encoded
from backend.encoders.registry import find_encoder
from backend.learning.training import outputs, train, train_network
from backend.sampling import make_scene, rank_scene, select

BUDGETS = [*range(20, 301, 20), 400, 500, 600]
SHOWN = (20, 60, 100, 200, 300)
SEEDS, MAX_POOL, MAX_TEST = 5, 5_000, 2_000
GOAL = 0.9
Rows = list[tuple[str, str]]


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    what, names, *files = arguments
    if what == "seconds":
        seconds(names.split(","))
    else:
        labels(names.split(","), [Path(file) for file in files])


def labels(encoders: Sequence[str], files: Sequence[Path]) -> None:
    print(f"| set | encoder | {' | '.join(map(str, SHOWN))} | mean to 300 | all | to the goal |")
    print("|---" * (5 + len(SHOWN)) + "|")
    for file in files:
        pool, test = _read(file)[:MAX_POOL], _read(file.with_suffix(".test.csv"))[:MAX_TEST]
        goal, areas = 0.0, {}
        for encoder in encoders:
            curves, full = _curves(encoder, pool, test)
            goal = goal or GOAL * full
            mean = [fmean(scores) for scores in zip(*curves, strict=True)]
            areas[encoder] = [fmean(curve[: BUDGETS.index(300) + 1]) for curve in curves]
            cells = " | ".join(f"{mean[BUDGETS.index(budget)]:.3f}" for budget in SHOWN)
            there = [str(b) for b, score in zip(BUDGETS, mean, strict=True) if score >= goal]
            needed = there[0] if there else f"> {BUDGETS[-1]}"
            area = f"{fmean(areas[encoder]):.3f}{_difference(areas[encoder], areas[encoders[0]])}"
            print(
                f"| {file.stem} | {encoder} | {cells} | {area} | {full:.3f} | {needed} |",
                flush=True,
            )


def _difference(ours: Sequence[float], base: Sequence[float]) -> str:
    differences = [a - b for a, b in zip(ours, base, strict=True)]
    error = stdev(differences) / math.sqrt(len(differences))
    return "" if ours is base else f" ({fmean(differences):+.3f} ± {error:.3f})"


def _curves(encoder: str, pool: Rows, test: Rows) -> tuple[list[list[float]], float]:
    """Macro-F1 by seed and budget, and with all of the pool labelled."""
    classes = sorted({label for _, label in pool})
    fitted = find_encoder(encoder).fit([text for text, _ in pool], seed=0)
    x, held_out = (encoded(fitted, [text for text, _ in rows]) for rows in (pool, test))
    y, truth = (torch.tensor([classes.index(label) for _, label in rows]) for rows in (pool, test))

    def score(network: object) -> float:
        said = outputs(network, held_out).logits.argmax(-1)  # type: ignore[arg-type]
        return float(f1_score(truth, said, average="macro", labels=range(len(classes)), zero_division=0))

    full = score(train_network(x, y, len(classes)))
    return [_curve(x, y, len(classes), score, seed) for seed in range(SEEDS)], full


def _curve(x: Tensor, y: Tensor, n_classes: int, score: object, seed: int) -> list[float]:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    chosen, found, trained = order[: BUDGETS[0]], [], None
    for budget in BUDGETS:
        if (wanted := min(budget, len(x)) - len(chosen)) > 0:
            rest = torch.arange(len(x))[~torch.isin(torch.arange(len(x)), chosen)]
            lot = seed * 1_000_003 + budget
            picks = select("auto", x[rest], x[chosen], y[chosen], wanted, seed=lot, trained=trained)
            chosen = torch.cat([chosen, rest[picks]])
        if len(y[chosen].unique()) > 1:
            trained = train(x[chosen], y[chosen], n_classes, seed=seed)
        found.append(0.0 if trained is None else score(trained.network))  # type: ignore[operator]
    return found


def seconds(encoders: Sequence[str]) -> None:
    """Encode, train and rank as a retrain does."""
    chance = random.Random(0)
    headlines = [text for text, _ in load(None, 0).pool]
    texts = [" ".join(" ".join(chance.sample(headlines, 8)).split()[:30]) for _ in range(10_000)]
    y = torch.tensor([chance.randrange(4) for _ in range(300)])
    print("| encoder | load | fit | encode | train | rank | in all |")
    print("|---" * 7 + "|")
    for encoder in encoders:
        laps = [time.process_time()]
        kind = find_encoder(encoder)
        encoded(kind.fit(texts[:1], seed=0), texts[:1])
        laps.append(time.process_time())
        fitted = kind.fit(texts, seed=0)
        laps.append(time.process_time())
        x = encoded(fitted, texts)
        laps.append(time.process_time())
        trained = train(x[:300], y, 4)
        laps.append(time.process_time())
        rank_scene("auto", make_scene(x[300:], x[:300], y, n_classes=4, seed=0, trained=trained), 200)
        laps.append(time.process_time())
        parts = [end - start for start, end in pairwise(laps)]
        print(f"| {encoder} | {' | '.join(f'{part:.1f}' for part in [*parts, sum(parts)])} |", flush=True)


def _read(file: Path) -> Rows:
    with open(file, newline="", encoding="utf-8") as lines:
        return [(row["text"], row["label"]) for row in csv.DictReader(lines)]


if __name__ == "__main__":
    main(sys.argv[1:])
