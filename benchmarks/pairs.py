"""How well it is learned which of two texts is better, by what a pair's vector is made of.

python -m benchmarks.pairs [--encoder use+lsa] [--seeds 5] FILE.csv.gz ...

Each file has columns text and label, two labels that matter. Of two texts with different labels the one
with the label that comes last in the alphabet is the better one; which of them stands left is chance.
Printed: mean accuracy on 1,000 pairs of texts that were in no pair to learn from, its deviation over the
seeds, and of how many of these pairs the answer is the opposite one once the sides are changed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backend.encoders.base import encoded
from backend.encoders.registry import find_encoder
from backend.learning.training import outputs, train_network

PAIRS = (30, 100, 300)
TEXTS = 3000
HELD_OUT = 1000
Ints = npt.NDArray[np.int64]
Vector = Callable[[Tensor, Tensor], Tensor]
VECTORS: dict[str, Vector] = {
    "left less right": lambda left, right: left - right,
    "left, right": lambda left, right: torch.cat([left, right], 1),
    "left, right, difference": lambda left, right: torch.cat([left, right, left - right], 1),
}


def drawn(better: Ints, among: Ints, count: int, seed: int) -> tuple[Ints, Ints, Tensor]:
    """Left and right, and 0 where the left one is better, else 1. among: the texts to draw from."""
    chance = np.random.default_rng(seed)
    sides = chance.choice(among, (8 * count, 2))
    sides = sides[better[sides[:, 0]] != better[sides[:, 1]]][:count]
    left, right = sides.T
    return left, right, torch.from_numpy(better[right])


def measured(path: Path, encoder: str, seeds: int) -> None:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[:TEXTS]
    labels = [row["label"] for row in rows]
    better = np.array([label == max(labels) for label in labels], np.int64)
    texts = [row["text"] for row in rows]
    vectors = encoded(find_encoder(encoder).fit(texts, seed=0), texts)
    known, unseen = np.arange(len(rows) // 2), np.arange(len(rows) // 2, len(rows))
    left, right, truth = drawn(better, unseen, HELD_OUT, 99)
    for name, of in VECTORS.items():
        for count in PAIRS:
            right_ones, turned = [], []
            for seed in range(seeds):
                one, other, targets = drawn(better, known, count, seed)
                network = train_network(of(vectors[one], vectors[other]), targets, 2, seed=seed)
                said = outputs(network, of(vectors[left], vectors[right])).logits.argmax(1)
                changed = outputs(network, of(vectors[right], vectors[left])).logits.argmax(1)
                right_ones.append(float((said == truth).float().mean()))
                turned.append(float((said != changed).float().mean()))
            print(
                f"{path.name} {name}, {count} pairs: {np.mean(right_ones):.3f} ± {np.std(right_ones):.3f}, "
                f"turns round {np.mean(turned):.0%}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--encoder", default="use+lsa")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    for path in given.files:
        measured(path, given.encoder, given.seeds)


if __name__ == "__main__":
    main()
