"""A weakness planted into somebody else's model: how many of its errors are among the first labels.

python -m benchmarks.wrapped_weakness FOLDER [--sets ag-news,notmnist] [--strategies auto,random] [--seeds 5]

FOLDER has sets in the form of its README (NAME.csv.gz or NAME.npz). Of each a class, another for each seed,
is cut down to 5 % of the pool: on it the model always fails, as sure of itself as anywhere else. Elsewhere it
is right but for 1 % at random. In rounds of 5 the head of the queue is labelled, with the heads, weights and
strategies that the loop has; in the first round the cold start picks.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

from backend import sampling
from backend.learning.wrapped import Answers, Judged, WrappedModel, learned_of, weights_by_age
from backend.wrapped.numbers import WIDTH
from benchmarks.planted import Vectors, vectors

POOL, SHARE, ELSEWHERE = 800, 0.05, 0.01
BUDGET, BATCH = 100, 5


class Weak:
    """A pool and a model that fails on one kind of it. wrong: bool [N]."""

    def __init__(self, found: Vectors, seed: int):
        features, labels, self.blocks = found
        draw = np.random.default_rng(seed)
        classes = sorted(set(labels))
        kind = classes[seed % len(classes)]
        of_kind = np.array([label == kind for label in labels])
        others = draw.permutation(np.flatnonzero(~of_kind))[:POOL]
        few = draw.permutation(np.flatnonzero(of_kind))[: round(len(others) * SHARE / (1 - SHARE))]
        rows = draw.permutation(np.concatenate([others, few]))
        self.features = features[rows].float()
        self.kind = torch.from_numpy(of_kind[rows])
        self.wrong = self.kind | torch.from_numpy(draw.random(len(rows)) < ELSEWHERE)
        sure = torch.from_numpy(draw.beta(6, 2, len(rows)).astype(np.float32))
        said = torch.zeros(len(rows), WIDTH)
        said[:, 2] = said[:, 3] = sure
        self.answers = Answers(self.features, said, sure)
        self.seed = seed

    def errors(self, strategy: str) -> list[int]:
        """How many after each label."""
        labelled: list[int] = []
        waits = torch.ones(len(self.features), dtype=torch.bool)
        while len(labelled) < BUDGET:
            pool = waits.nonzero().squeeze(1)
            picked = pool[self._ranked(strategy, pool, labelled)[:BATCH]].tolist()
            labelled += picked
            waits[picked] = False
        return np.cumsum(self.wrong[labelled].numpy()).tolist()

    def _ranked(self, strategy: str, pool: torch.Tensor, labelled: list[int]) -> torch.Tensor:
        rows, nothing = torch.tensor(labelled, dtype=torch.int64), torch.zeros(len(labelled)).long()
        learned = None
        if labelled:
            model = WrappedModel.of(self._of(torch.cat([pool, rows])))
            agreement = (~self.wrong[rows]).float()
            places = torch.arange(len(rows))
            judged = Judged(places, self._of(rows), agreement, weights_by_age(nothing))
            learned = learned_of(model, self._of(pool), judged, len(rows))
        scene = sampling.make_scene(
            *(self.features[pool], self.features[rows], nothing),
            batch=BATCH,
            seed=self.seed,
            trained=learned,
            blocks=self.blocks,
        )
        return sampling.rank_scene(strategy, scene, 2 * BATCH).order

    def _of(self, rows: torch.Tensor) -> Answers:
        return Answers(*(each[rows] for each in self.answers))


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--sets", default="ag-news,notmnist")
@click.option("--strategies", default="auto,transfer_uncertainty,atlas,margin,random")
@click.option("--seeds", default=5)
def main(folder: Path, sets: str, strategies: str, seeds: int) -> None:
    torch.set_num_threads(1)
    for name in sets.split(","):
        found = vectors(folder, name)
        for strategy in strategies.split(","):
            runs = [Weak(found, seed).errors(strategy.strip()) for seed in range(seeds)]
            ends = np.array([run[-1] for run in runs])
            error = ends.std(ddof=1) / len(ends) ** 0.5 if len(ends) > 1 else float("nan")
            print(
                f"{name:24} {strategy:40} {ends.mean():6.1f} ± {error:.1f}   each {ends.tolist()}", flush=True
            )


if __name__ == "__main__":
    main()
