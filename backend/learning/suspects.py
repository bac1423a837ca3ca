"""Which given labels are likely wrong: those that models which never saw them contradict with confidence.

What held-out probabilities say of the given class is a label's quality in confident learning (Northcutt,
Jiang & Chuang 2021; Kuan & Mueller 2022). The models are scikit-learn's logistic regressions, not the
classifier that serves: that one fits single labels too well to contradict them (measured on ag-news).
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold

FEWEST = 3
"""Labels of a class that are needed to judge one of them."""
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
"""Inverse penalties of the regression, of which held-out log loss chooses: with many classes a weak one."""
FOLDS = 10
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Suspected(NamedTuple):
    """Of each label: order: by what to look first, higher = sooner, -inf where too few of its class are
    labelled to judge it; given, other: how likely its class is, and the likeliest other one; instead: that.
    """

    order: Floats
    given: Floats
    other: Floats
    instead: Ints


def suspected(probabilities: Floats, targets: Ints) -> Suspected:
    """probabilities: [M, C], by models that never saw the item; targets: [M], as labelled.

    The order is log P(other) - 2 log P(given): how much likelier another class is, and how unlikely the
    given one is. Of several measures it was first on the sets that were used to choose.
    """
    rows = np.arange(len(targets))
    given = probabilities[rows, targets]
    others = probabilities.copy()
    others[rows, targets] = -1
    instead = others.argmax(1)
    other = others[rows, instead]
    order = np.log(other.clip(1e-6)) - 2 * np.log(given.clip(1e-6))
    order[np.bincount(targets)[targets] < FEWEST] = -np.inf
    return Suspected(order, given, other, instead)


def held_out_probabilities(
    features: npt.NDArray[np.float32],
    targets: Ints,
    n_classes: int,
    *,
    together: Ints | None = None,
    seed: int = 0,
) -> Floats:
    """What a model that never saw an item says of it, [M, n_classes]; classes without a label get 0.

    features: [M, D]; together: [M], equal for items that must be held out together, such as copies.
    Raises ValueError where no two classes have a label, or none has two.
    """
    return judged(features, targets, n_classes, features[:0], together=together, seed=seed)[0]


def judged(
    features: npt.NDArray[np.float32],
    targets: Ints,
    n_classes: int,
    others: npt.NDArray[np.float32],
    *,
    together: Ints | None = None,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """`held_out_probabilities`, and what a model of all labels says of others, [N, n_classes].

    others: [N, D], items without a label. Raises as `held_out_probabilities`.
    """
    present, which = np.unique(targets, return_inverse=True)
    if len(present) < 2 or len(present) == len(targets):
        raise ValueError("labels of two classes are needed, two of one of them")
    groups = np.arange(len(targets)) if together is None else together
    most = int(np.bincount(which).max())
    folds = max(min(FOLDS, len(np.unique(groups)), most), 2)
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    exact = features.astype(np.float64)  # else the probabilities add up to nearly one
    said = ((_held_out(exact, which, groups, split, strength), strength) for strength in STRENGTHS)
    best, strength = min(said, key=lambda each: log_loss(which, each[0], labels=np.arange(len(present))))
    probabilities, of_others = np.zeros((len(targets), n_classes)), np.zeros((len(others), n_classes))
    probabilities[:, present] = best
    if len(others):
        of_others[:, present] = _fitted(exact, which, strength).predict_proba(others.astype(np.float64))
    return probabilities, of_others


def _fitted(features: Floats, which: Ints, strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=1000).fit(features, which)


def _held_out(
    features: Floats, which: Ints, groups: Ints, split: StratifiedGroupKFold, strength: float
) -> Floats:
    found = np.zeros((len(which), int(which.max()) + 1))
    with warnings.catch_warnings():
        # Of classes with fewer labels than folds: they are not judged, or by the folds that they are in.
        warnings.filterwarnings("ignore", "The least populated class")
        parts = list(split.split(features, which, groups))
    for known, held_out in parts:
        classes = np.unique(which[known])
        if len(classes) == 1:  # all that is known says the same
            found[held_out, classes[0]] = 1
            continue
        model = _fitted(features[known], which[known], strength)
        found[np.ix_(held_out, classes)] = model.predict_proba(features[held_out])
    return found
