"""Wrong labels, planted: how many of the first that are suspected are wrong, here and by cleanlab's ranking.

python -m benchmarks.suspects FOLDER SET,...      texts, as in FOLDER's README; needs `pip install cleanlab`

1,000 labels, a tenth of them made wrong in one of three ways: `uniform`, any other class; `confused`, the
class whose mean is nearest; `annotator`, one of five annotators is wrong in half of what they label.
Precision at 100: of the 100 most suspected, the share that is wrong. Mean and standard error of 5 seeds. All
rank by held-out probabilities: "its own recipe" by those of scikit-learn's logistic regression, the others by
ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from torch import Tensor

from backend.learning.suspects import held_out_probabilities, suspected
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


def by_cleanlab(probabilities: np.ndarray, given: Tensor) -> np.ndarray:
    from cleanlab.rank import get_label_quality_scores

    return -np.asarray(get_label_quality_scores(given.numpy(), probabilities, method="self_confidence"))


def by_cleanlab_margin(probabilities: np.ndarray, given: Tensor) -> np.ndarray:
    from cleanlab.rank import get_label_quality_scores

    return -np.asarray(get_label_quality_scores(given.numpy(), probabilities, method="normalized_margin"))


def precision(doubts: np.ndarray, wrong: np.ndarray) -> float:
    return float(wrong[np.argsort(-doubts, kind="stable")[:FIRST]].mean())


def rankings(features: Tensor, given: Tensor, classes: int, seed: int) -> dict[str, np.ndarray]:
    once = held_out_probabilities(features, given, classes, repeats=1, seed=seed)
    ours = held_out_probabilities(features, given, classes, seed=seed)
    folds = StratifiedKFold(10, shuffle=True, random_state=seed)
    theirs = cross_val_predict(
        LogisticRegression(max_iter=1000), features.numpy(), given.numpy(), cv=folds, method="predict_proba"
    )
    return {
        "suspects": suspected(ours, given).doubts.numpy(),
        "suspects, one split": suspected(once, given).doubts.numpy(),
        "P(given), ours": -ours[torch.arange(len(given)), given].numpy(),
        "cleanlab on ours": by_cleanlab(ours.numpy(), given),
        "cleanlab margin on ours": by_cleanlab_margin(ours.numpy(), given),
        "cleanlab, its own recipe": by_cleanlab(theirs, given),
        "cleanlab margin, its own recipe": by_cleanlab_margin(theirs, given),
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
            for who, doubts in rankings(here, given, len(classes), seed).items():
                found.setdefault(who, []).append(precision(doubts, (given != truth).numpy()))
        for who, values in found.items():
            error = stdev(values) / len(values) ** 0.5
            say(f"{name:20} {kind:10} {who:32} {fmean(values):.3f} ± {error:.3f}")


if __name__ == "__main__":
    for each in sys.argv[2].split(","):
        table(Path(sys.argv[1]), each)
