"""Strategies against random order, ours and other libraries', batch by batch or as labels come live.

python -m benchmarks.order run FOLDER KEPT --sets choosing [--contenders 'auto;ska: typiclust'] [--seeds 5]
python -m benchmarks.order report KEPT --sets reporting     tables of what is kept

FOLDER has NAME.csv.gz (text,label) or NAME.npz (images, labels), and NAME.test.* beside it; KEPT is where
vectors and curves are kept: each curve is a file, and a run that was stopped goes on where it was. The curves
of one KEPT are all of one protocol and of the same budgets; --pool cuts pools and test parts. With --live
labels come as they do in a project, from the cold start on, five at a time (benchmarks/order/live.py); with
--oracle they are judged by halves of the test part, and "oracle" is a contender (benchmarks/order/oracle.py).
All contenders of a seed start from the same random labels and go on batch by batch, to each of the budgets.
A logistic regression (C = 10, balanced) judges: macro-F1 on the test part at each budget, the mean of which
is the score. "plain" features are the hashed n-grams (of images: pixels), "pretrained" `use+lsa` (of images:
`lite0`), with the last third of the training part for a test part. The other libraries ("ska: " is
scikit-activeml, "st: " small-text) are found where PYTHONPATH says: pip install --no-deps --target PLACE
scikit-activeml==1.0.1 makefun==1.16.0 small-text==1.4.1 modAL-python==0.4.2.1 skorch dill tqdm tabulate.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import torch

from benchmarks.order import live, oracle
from benchmarks.order.data import CHOOSING, MOST_TEXTS, REPORTING, cut, vectors
from benchmarks.order.replay import RANDOM, curve
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
    "ska: probcover",
    "ska: coreset",
    "st: coreset",
    "st: contrastive",
    "modAL: ranked batch",
)
FEATURES = ("plain", "pretrained")


def main() -> None:
    asked = _arguments()
    torch.set_num_threads(1)
    if asked.what == "report":
        print(report(list(_shards(asked)), asked.kept, asked.less))
        return
    for shard in _shards(asked):
        if not shard.file(asked.kept).exists():
            data = _vectors(asked.folder, shard.data, shard.features, asked.kept / "vectors")
            found = replay(shard, cut(data, asked.pool), asked.budgets, asked.kept, asked.protocol)
            print(
                *shard,
                f"{sum(found.f1) / len(found.f1):.3f}",
                f"{found.cpu:.0f} s",
                flush=True,
                file=sys.stderr,
            )


_vectors = lru_cache(maxsize=1)(vectors)
"""Contenders are the innermost loop, so one set is asked for again and again."""


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
            command.add_argument("--pool", type=int, default=MOST_TEXTS)
            command.add_argument("--live", action="store_const", const=live.curve, dest="protocol")
            command.add_argument("--oracle", action="store_const", const=oracle.curve, dest="protocol")
            command.set_defaults(protocol=curve)
        else:
            command.add_argument("--less", default=RANDOM, help="whom differences are to")
        command.add_argument("kept", type=Path)
        command.add_argument("--sets", default="reporting")
        command.add_argument("--contenders", default=";".join(CONTENDERS))
        command.add_argument("--features", default=",".join(FEATURES))
        command.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
