"""Wrong labels, planted: how many of the first that are suspected are wrong, here and by cleanlab's ranking.

python -m benchmarks.suspects FOLDER SET,...      texts, as in FOLDER's README; needs `pip install cleanlab`

1,000 labels, a tenth of them made wrong in one of three ways: `uniform`, any other class; `confused`, the
class whose mean is nearest; `annotator`, one of five annotators is wrong in half of what they label.
Precision at 100: of the 100 most suspected, the share that is wrong. Mean and standard error of 5 seeds.
cleanlab's rankings are given what its guides give them: held-out probabilities of a logistic regression.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from torch import Tensor

from backend.learning.suspects import Floats, Ints, held_out_probabilities, suspected
from benchmarks.planted import vectors

LABELS, WRONG, FIRST, SEEDS = 1_000, 0.1, 100, 5
KINDS = ("uniform", "confused", "annotator")


def noisy(features: Tensor, targets: Tensor, classes: int, kind: str, seed: int) -> Tensor:
    """int64 [M]: the labels, WRONG of them changed."""
    chance = np.random.default_rng(seed)
    given = targets.numpy().copy()
    if kind == "annotator":
        hers = chance.permutation(len(given))[: len(given) // 5]
        rows = chance.permutation(hers)[: round(WRONG * len(given))]
    else:
        rows = chance.permutation(len(given))[: round(WRONG * len(given))]
    if kind == "confused":
        means = torch.stack([features[targets == each].mean(0) for each in range(classes)])
        apart = torch.cdist(means, means)
        apart.fill_diagonal_(torch.inf)
        given[rows] = apart.argmin(1).numpy()[given[rows]]
    else:
        given[rows] = (given[rows] + chance.integers(1, classes, len(rows))) % classes
    return torch.from_numpy(given)


def by_cleanlab(probabilities: Floats, given: Ints, method: str) -> Floats:
    from cleanlab.rank import get_label_quality_scores

    return -np.asarray(get_label_quality_scores(given, probabilities, method=method))


def precision(order: Floats, wrong: npt.NDArray[np.bool_]) -> float:
    return float(wrong[np.argsort(-order, kind="stable")[:FIRST]].mean())


def rankings(features: npt.NDArray[np.float32], given: Ints, seed: int) -> dict[str, Floats]:
    _, which = np.unique(given, return_inverse=True)  # cleanlab wants each class to have a label
    ours = held_out_probabilities(features, which, int(which.max()) + 1, seed=seed)
    folds = StratifiedKFold(10, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=1000)
    theirs = cross_val_predict(model, features, which, cv=folds, method="predict_proba")
    return {
        "suspects": suspected(ours, which).order,
        "cleanlab": by_cleanlab(theirs, which, "self_confidence"),
        "cleanlab, normalized margin": by_cleanlab(theirs, which, "normalized_margin"),
        "cleanlab, our probabilities": by_cleanlab(ours, which, "self_confidence"),
    }


def table(folder: Path, name: str, say: Callable[[str], None] = print) -> None:
    features, labels, _ = vectors(folder, name)
    kept = [i for i, label in enumerate(labels) if label != "new"]
    classes = sorted({labels[i] for i in kept})
    targets = torch.tensor([classes.index(labels[i]) for i in kept])
    features = features[kept]
    for kind in KINDS:
        found: dict[str, list[float]] = {}
        for seed in range(SEEDS):
            rows = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))[:LABELS]
            here, truth = features[rows], targets[rows]
            given = noisy(here, truth, len(classes), kind, seed)
            for who, order in rankings(here.numpy(), given.numpy(), seed).items():
                found.setdefault(who, []).append(precision(order, (given != truth).numpy()))
        for who, values in found.items():
            error = stdev(values) / len(values) ** 0.5
            say(f"{name:20} {kind:10} {who:32} {fmean(values):.3f} ± {error:.3f}")


if __name__ == "__main__":
    for each in sys.argv[2].split(","):
        table(Path(sys.argv[1]), each)
