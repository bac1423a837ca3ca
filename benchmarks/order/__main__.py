"""Strategies against random order, ours and scikit-activeml's, batch by batch.

python -m benchmarks.order run FOLDER KEPT --sets choosing [--contenders 'auto;ska: typiclust'] [--seeds 5]
python -m benchmarks.order report KEPT --sets reporting     tables of what is kept

FOLDER has NAME.csv.gz (text,label) or NAME.npz (images, labels), and NAME.test.* beside it; KEPT is where
vectors and curves are kept: each curve is a file, and a run that was stopped goes on where it was.
All contenders of a seed start from the same random labels and go on batch by batch, to each of the budgets.
A logistic regression (C = 10, balanced) judges: macro-F1 on the test part at each budget, the mean of which
is the score. "plain" features are the hashed n-grams (of images: pixels), "pretrained" `use+lsa` (of images:
`lite0`), with the last third of the training part for a test part. scikit-activeml is found where PYTHONPATH
says: pip install --no-deps --target FOLDER scikit-activeml==1.0.1 makefun==1.16.0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.order.data import CHOOSING, REPORTING, vectors
from benchmarks.order.replay import RANDOM
from benchmarks.order.report import report
from benchmarks.order.shards import Shard, replay

CONTENDERS = (
    RANDOM,
    "auto",
    "margin",
    "typiclust",
    "ska: typiclust",
    "ska: maxherding",
    "ska: dropquery",
    "ska: badge",
    "ska: falcun",
    "ska: clue",
)
FEATURES = ("plain", "pretrained")


def main() -> None:
    asked = _arguments()
    torch.set_num_threads(1)
    if asked.what == "report":
        print(report(list(_shards(asked)), asked.kept))
        return
    for shard in _shards(asked):
        if not shard.file(asked.kept).exists():
            data = vectors(asked.folder, shard.data, shard.features, asked.kept / "vectors")
            found = replay(shard, data, asked.budgets, asked.kept)
            print(
                *shard,
                f"{sum(found.f1) / len(found.f1):.3f}",
                f"{found.cpu:.0f} s",
                flush=True,
                file=sys.stderr,
            )


def _shards(asked: argparse.Namespace) -> Iterator[Shard]:
    """Seed by seed, so that a run that was stopped has something of all."""
    sets = {"choosing": CHOOSING, "reporting": REPORTING}.get(asked.sets) or asked.sets.split(",")
    for seed in range(asked.seeds):
        for features in asked.features.split(","):
            for name in sets:
                for contender in asked.contenders.split(";"):
                    yield Shard(features, name, contender, seed)


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    for what in ("run", "report"):
        command = commands.add_parser(what)
        if what == "run":
            command.add_argument("folder", type=Path)
            command.add_argument("--budgets", type=_numbers, default=list(range(20, 301, 20)))
        command.add_argument("kept", type=Path)
        command.add_argument("--sets", default="reporting")
        command.add_argument("--contenders", default=";".join(CONTENDERS))
        command.add_argument("--features", default=",".join(FEATURES))
        command.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
