"""Replays of labelling with an audit share: what `benchmarks/estimates.py` reads.

python -m benchmarks.audit_replays VECTORS OUT SET,... [--seeds 0,1] [--share 0.05] [--labels 600]

VECTORS has a file for each set and its features, NAME.pt: float32 [N, D], int64 [N], the widths of blocks.
OUT gets a file a replay; a replay whose file is there is not made again. A random 2,000 of the items, at most
three of four, are the pool; at most 1,000 of the others are to test on. Labels come in batches of 20, in the
order of `auto` with audits between, drawn as the product draws them. At every label count of KEPT are kept:
the rows that are labelled, what siblings say of them and whether it is right, which of them are audits, what
the network says of the pool, and its truth; after every batch what it says of the test.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backend.learning.training import Trained, outputs, train
from backend.sampling import make_scene, rank_scene
from backend.sampling.audit import due, lots_of

POOL, TEST, BATCH = 2_000, 1_000, 20
KEPT = (20, 40, 60, 80, 100, 140, 160, 200, 240, 300, 400, 500)


def replay(vectors: Path, seed: int, share: float, labels: int) -> dict[str, Any]:
    items, every, blocks = torch.load(vectors)
    mine = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))
    size = min(POOL, len(items) * 3 // 4)
    pool, truth, test = items[mine[:size]], every[mine[:size]], items[mine[size : size + TEST]]
    classes = int(every.max()) + 1
    lots = lots_of(torch.arange(len(pool)), seed)
    chosen, audits = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.bool)
    found: dict[str, Any] = {"0.test_truth": every[mine[size : size + TEST]].numpy()}
    trained: Trained | None = None
    for budget in range(BATCH, min(labels, len(pool) // 2) + 1, BATCH):
        rest = _others(chosen, len(pool))
        scene = make_scene(
            pool[rest],
            pool[chosen],
            truth[chosen],
            n_classes=classes,
            batch=budget - len(chosen),
            seed=seed,
            trained=trained,
            blocks=blocks,
        )
        order = rest[rank_scene("auto", scene, budget - len(chosen)).order]
        picks, drawn = _batch(order, audits, lots, share, seed, budget - len(chosen))
        chosen, audits = torch.cat([chosen, picks]), torch.cat([audits, drawn])
        if len(truth[chosen].unique()) > 1:
            trained = train(pool[chosen], truth[chosen], classes, seed=seed)
            found[f"{budget}.test"] = outputs(trained.network, test).logits.numpy()
            kept = _kept(trained, pool, truth, chosen, audits) if budget in KEPT else {}
            found |= {f"{budget}.{name}": value for name, value in kept.items()}
    return found


def _others(rows: Tensor, n: int) -> Tensor:
    waiting = torch.ones(n, dtype=torch.bool)
    waiting[rows] = False
    return waiting.nonzero().squeeze(1)


def _batch(
    order: Tensor, audits: Tensor, lots: Tensor, share: float, seed: int, size: int
) -> tuple[Tensor, Tensor]:
    """The rows to label next, and which of them are audits. order: of all that wait; audits: bool, of the
    labels so far."""
    done = int(audits.sum())
    since = len(audits) - 1 - int(audits.nonzero().max()) if done else len(audits)
    places = due(share, seed, done, since, size)
    drawn = order[lots[order].argsort()][: len(places)]
    own, audited = iter(order[~torch.isin(order, drawn)].tolist()), iter(drawn.tolist())
    is_audit = torch.zeros(size, dtype=torch.bool)
    is_audit[places] = True
    return torch.tensor([next(audited if each else own) for each in is_audit.tolist()]), is_audit


def _kept(
    trained: Trained, pool: Tensor, truth: Tensor, chosen: Tensor, audits: Tensor
) -> dict[str, npt.NDArray[Any]]:
    rest = _others(chosen, len(pool))
    there = outputs(trained.network, pool[rest])._replace(features=None)
    held_out, correct = trained.out_of_fold.layers, trained.out_of_fold.correct
    kept = {
        "rows": chosen,
        "audits": audits,
        "held": held_out.logits,
        "correct": correct,
        "targets": truth[chosen],
    }
    kept |= {"pool": there.logits, "truth": truth[rest]}
    return {name: value.numpy() for name, value in kept.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("sets")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--labels", type=int, default=600)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    for seed in map(int, asked.seeds.split(",")):
        for file in sorted(
            each for name in asked.sets.split(",") for each in asked.vectors.glob(f"{name}-*.pt")
        ):
            out = asked.out / f"{file.stem}.{asked.share}.{seed}.npz"
            if not out.exists():
                np.savez_compressed(out, **replay(file, seed, asked.share, asked.labels))
                print(out, flush=True)


if __name__ == "__main__":
    main()
