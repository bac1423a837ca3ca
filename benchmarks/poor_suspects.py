"""When models are too poor to say which labels are wrong: some are planted, among few labels.

python -m benchmarks.poor_suspects FOLDER SET,...      texts, as in FOLDER's README

Of so many labels a tenth is made wrong. Contradicted: of the labels that are judged, the share that models
which had not seen them contradict, over the share that labels drawn by lot would. Listed: the first 20 that
are contradicted; how much oftener they are wrong than the others are. Mean of SEEDS.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from backend.learning.suspects import Ints, held_out_probabilities, suspected
from backend.results.suspects import by_lot
from benchmarks.planted import Vectors, vectors
from benchmarks.suspects import noisy

SIZES, SEEDS, LISTED = (30, 60, 120, 300), 5, 20


def judged(found: Vectors, size: int, seed: int) -> tuple[float, float] | None:
    """Contradicted over by lot, and the lift of what is listed; None where no label is judged or wrong."""
    features, labels, _ = found
    classes = sorted({*labels} - {"new"})
    kept = [i for i, label in enumerate(labels) if label != "new"]
    order = torch.randperm(len(kept), generator=torch.Generator().manual_seed(seed))[:size]
    rows = [kept[i] for i in order.tolist()]
    here, truth = features[rows], torch.tensor([classes.index(labels[i]) for i in rows])
    given: Ints = noisy(here, truth, len(classes), "uniform", seed).numpy()
    wrong = given != truth.numpy()
    try:
        of = suspected(held_out_probabilities(here.numpy(), given, len(classes), seed=seed), given)
    except ValueError:  # no class has two labels
        return None
    is_judged = np.isfinite(of.order)
    against = is_judged & (of.other > of.given)
    first = [i for i in np.argsort(-of.order, kind="stable") if against[i]][:LISTED]
    if not first or not wrong[is_judged].any():
        return None
    share = against.sum() / max(by_lot(given[is_judged]), 1)
    return float(share), float(wrong[first].mean() / wrong[is_judged].mean())


def main(folder: str, names: str) -> None:
    print("| set | labels | contradicted, of what lots would | listed: times as often wrong |")
    for name in names.split(","):
        found = vectors(Path(folder), name)
        for size in SIZES:
            told = [each for seed in range(SEEDS) if (each := judged(found, size, seed))]
            if told:
                shares, lifts = zip(*told, strict=True)
                print(f"| {name} | {size} | {fmean(shares):.2f} | {fmean(lifts):.1f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
