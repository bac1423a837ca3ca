"""When to stop: labels that are asked for and accuracy that is lost, by our advice and small-text's criteria.

python -m benchmarks.stopping REPLAYS ...       files of benchmarks/audit_replays.py, of 500 labels

After each batch of 20 labels, from 60 on, a rule may say stop. What it loses is the accuracy on the test
after the last batch of the replay less that after the batch it stopped at; one that never stops loses nothing
and takes all labels. small-text 1.4.1's criteria are written here as its source has them, at their defaults,
asked about the test's items: KappaAverage (Bloodgood & Vijay-Shanker 2009), DeltaFScore (Altschuler &
Bloodgood 2019; two classes alone), ClassificationChange and OverallUncertainty (Zhu et al. 2008). Ours is the
first version whose advice says that stopping is sensible, of those that the replay keeps all of.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import cohen_kappa_score

from backend.learning.forecast import forecast, point_of, too_early
from benchmarks.estimates import State, states

WINDOW, KAPPA, DELTA_F, UNCERTAIN = 3, 0.99, 0.05, 0.05
FIRST = 60
Logits = npt.NDArray[np.floating]
Curve = dict[int, Logits]
"""By the number of labels, what the network says of the test: float [T, C]."""


def kappa_average(curve: Curve) -> int | None:
    said = {labels: logits.argmax(1) for labels, logits in curve.items()}
    found = [
        (now, 1.0 if (said[was] == said[now]).all() else cohen_kappa_score(said[was], said[now]))
        for was, now in pairwise(said)
    ]
    return _first(found, WINDOW, lambda last: float(np.mean(last)) >= KAPPA)


def delta_f_score(curve: Curve) -> int | None:
    """None where there are more than two classes: it is not for these."""
    found = []
    for was, now in pairwise(curve):
        before, after = curve[was].argmax(1) == 1, curve[now].argmax(1) == 1
        agree, differ = int((before & after).sum()), int((before ^ after).sum())
        found.append((now, 1 - 2 * agree / max(2 * agree + differ, 1)))
    if next(iter(curve.values())).shape[1] != 2:
        return None
    return _first(found, WINDOW, lambda last: max(last) < DELTA_F)


def classification_change(curve: Curve) -> int | None:
    found = [
        (now, float((curve[was].argmax(1) == curve[now].argmax(1)).all())) for was, now in pairwise(curve)
    ]
    return _first(found, 1, lambda last: last[0] == 1)


def overall_uncertainty(curve: Curve) -> int | None:
    classes = next(iter(curve.values())).shape[1]
    found = [
        (labels, float(entropy(softmax(logits, axis=1), axis=1).mean() / np.log(classes)))
        for labels, logits in curve.items()
    ]
    return _first(found, 1, lambda last: last[0] < UNCERTAIN)


CRITERIA = {
    "KappaAverage": kappa_average,
    "DeltaFScore": delta_f_score,
    "ClassificationChange": classification_change,
    "OverallUncertainty": overall_uncertainty,
}


def _first(
    found: Sequence[tuple[int, float]], window: int, stops: Callable[[list[float]], bool]
) -> int | None:
    for end in range(window, len(found) + 1):
        labels = found[end - 1][0]
        if labels >= FIRST and stops([value for _, value in found[end - window : end]]):
            return labels
    return None


def advice(kept: Sequence[State]) -> int | None:
    """Where our advice says stop first. kept: of one replay, by rising labels."""
    points = []
    for state in kept:
        audits = state.audits()
        accuracy = state.estimated(audits).accuracy
        points.append(point_of(state.labels, accuracy))
        if too_early(state.labels, len(audits[1]), accuracy) is not None:
            continue
        if "stopping is sensible" in forecast(points[-1], points[:-1]).advice:
            return state.labels
    return None


def curve_of(file: Path) -> tuple[Curve, npt.NDArray[np.integer]]:
    with np.load(file, allow_pickle=False) as arrays:
        names = [name for name in arrays.files if name.endswith(".test")]
        curve = {int(name.split(".")[0]): arrays[name] for name in names}
        return dict(sorted(curve.items())), arrays["0.test_truth"]


def main(files: list[str]) -> None:
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for file in sorted(map(Path, files)):
        curve, truth = curve_of(file)
        right = {labels: float((logits.argmax(1) == truth).mean()) for labels, logits in curve.items()}
        last = max(right)
        stops = {name: rule(curve) for name, rule in CRITERIA.items()}
        stops["our advice"] = advice([state for state in states([file]) if state.labels >= FIRST])
        cells = []
        for name, at in stops.items():
            if name == "DeltaFScore" and next(iter(curve.values())).shape[1] != 2:
                continue
            stopped = last if at is None else at
            found[name].append((stopped, right[last] - right[stopped], float(at is not None)))
            cells.append(f"{name} {at or 'never'} ({right[last] - right[stopped]:+.3f})")
        print(f"{file.stem}: {right[last]:.3f} at {last}; {'; '.join(cells)}", flush=True)
    print("\n| rule | replays | labels | accuracy lost | stopped |\n| --- | --- | --- | --- | --- |")
    for name, each in found.items():
        labels, lost, stopped = np.mean(each, axis=0)
        print(f"| {name} | {len(each)} | {labels:.0f} | {lost:.3f} | {stopped:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
