"""How far estimates by audits are off, and how often their intervals hold the truth: of kept replays.

python -m benchmarks.estimates REPLAYS ...      files of benchmarks/audit_replays.py

The truth is the pool's that is not labelled. Tables: by the number of labels, and by set; by the share, where
of the pool as many audits as a share would have had are drawn anew (they were not trained on); forecasts at
1.5 and 2 times the labels; calibration of P(right) on the pool in 15 bins of equal mass, and the area under
the ROC curve of right against wrong, beside the softmax's.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from sklearn.metrics import f1_score, roc_auc_score

from backend.learning.calibrated import SureHead, sure_head
from backend.learning.estimates import Estimate, Interval, Judged, believed, estimate, log_odds
from backend.learning.forecast import forecast, point_of
from backend.learning.network import Layers
from backend.learning.training import OutOfFold

LABELS = (100, 140, 150, 200, 300)
SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
BINS = 15
Arrays = dict[str, npt.NDArray[np.generic]]
Row = tuple[float, ...]


@dataclass(frozen=True)
class State:
    """A replay after so many labels."""

    name: str
    labels: int
    arrays: Arrays

    @property
    def data(self) -> str:
        """Set and features: of "ag-news-lsa.0.05.3" the first."""
        return self.name.rsplit(".", 3)[0]

    def judged(self, of: str) -> Judged:
        """of: `pool` or `held`, what siblings say of the labelled items."""
        probabilities = softmax(self.arrays[of].astype(np.float64), axis=1)
        layers = Layers((), torch.from_numpy(self.arrays[of]))
        return Judged(1 - self.head(layers).double().numpy(), probabilities)

    @cached_property
    def head(self) -> SureHead:
        held, correct, audits = (
            torch.from_numpy(self.arrays[each]) for each in ("held", "correct", "audits")
        )
        return sure_head(OutOfFold(Layers((), held), correct), audits)

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.arrays["pool"].argmax(1) == self.arrays["truth"])

    def audits(self) -> tuple[Judged, npt.NDArray[np.int64]]:
        rows, held = self.arrays["audits"].astype(bool), self.judged("held")
        return Judged(held.right[rows], held.probabilities[rows]), self.arrays["targets"][rows].astype(
            np.int64
        )

    def drawn(self, share: float) -> tuple[Judged, npt.NDArray[np.int64]]:
        """Other audits, as many as the share would have."""
        pool = self.judged("pool")
        lot = np.random.default_rng([self.labels, *self.name.encode()])
        rows = lot.permutation(len(pool.right))[: round(share * self.labels)]
        return Judged(pool.right[rows], pool.probabilities[rows]), self.arrays["truth"][rows].astype(np.int64)

    def estimated(self, audits: tuple[Judged, npt.NDArray[np.int64]]) -> Estimate:
        pool, classes = self.judged("pool"), np.unique(self.arrays["targets"]).astype(np.int64)
        return estimate(pool, *audits, believed(pool, self.labels), classes=classes)

    def f1(self) -> npt.NDArray[np.float64]:
        """Of the classes that have labels."""
        said, truth = self.arrays["pool"].argmax(1), self.arrays["truth"]
        classes = np.unique(self.arrays["targets"])
        return np.asarray(f1_score(truth, said, labels=classes, average=None, zero_division=0))


def states(files: Iterable[Path]) -> list[State]:
    found = []
    for file in files:
        with np.load(file, allow_pickle=False) as arrays:
            parts: dict[int, Arrays] = defaultdict(dict)
            for key in arrays.files:
                labels, name = key.split(".", 1)
                parts[int(labels)][name] = arrays[key]
        kept = [(labels, each) for labels, each in sorted(parts.items()) if "pool" in each]
        found += [State(file.stem, labels, each) for labels, each in kept]
    return found


def hit(found: Interval, truth: float) -> Row:
    """How far off, whether the interval holds the truth, its width."""
    return abs(found.value - truth), float(found.low <= truth <= found.high), found.high - found.low


def measured(state: State, audits: tuple[Judged, npt.NDArray[np.int64]]) -> Row:
    """Of accuracy and macro-F1, and of classes' F1 on the mean."""
    found, f1 = state.estimated(audits), state.f1()
    classes = [hit(each, truth) for each, truth in zip(found.per_class.values(), f1, strict=True)]
    return (
        *hit(found.accuracy, float(state.right.mean())),
        *hit(found.f1_macro, float(f1.mean())),
        *map(float, np.mean(classes, axis=0)),
    )


def audits_alone(state: State) -> float:
    """How far off the share of right audits is; what a coin says where there is none."""
    rows = state.arrays["audits"].astype(bool)
    said = float(state.arrays["correct"][rows].mean()) if rows.any() else 0.5
    return abs(said - float(state.right.mean()))


def forecasts(replay: Sequence[State], now: int, then: int) -> Row | None:
    """Of accuracy after `then` labels, told after `now`."""
    by = {state.labels: state for state in replay}
    if now not in by or then not in by:
        return None
    points = [point_of(n, by[n].estimated(by[n].audits()).accuracy) for n in sorted(by) if n <= now]
    return hit(forecast(points[-1], points[:-1]).at[then], float(by[then].right.mean()))


def calibration(state: State) -> Row:
    """Expected calibration error and AUC of the corrected head, then those of the softmax."""
    pool, found = state.judged("pool"), state.estimated(state.audits())
    odds = (log_odds(pool.right) + found.shift) / np.sqrt(1 + np.pi * found.spread**2 / 8)
    sure, soft = 1 / (1 + np.exp(-odds)), pool.probabilities.max(1)
    return (*_calibrated(sure, state.right), *_calibrated(soft, state.right))


def _calibrated(sure: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> Row:
    order = np.argsort(sure, kind="stable")
    bins = zip(np.array_split(sure[order], BINS), np.array_split(right[order], BINS), strict=True)
    error = sum(len(said) * abs(said.mean() - truth.mean()) for said, truth in bins) / len(sure)
    auc = roc_auc_score(right, sure) if 0 < right.sum() < len(right) else 0.5
    return float(error), float(auc)


def table(title: str, columns: str, rows: dict[object, list[Row]]) -> None:
    print(f"\n{title}\n| of | replays | {columns} |\n{'|---' * (2 + len(columns.split('|')))}|")
    for name, values in rows.items():
        cells = " | ".join(f"{each:.3f}" for each in np.mean(values, axis=0))
        print(f"| {name} | {len(values)} | {cells} |", flush=True)


def grouped(
    found: Sequence[State], key: Callable[[State], object], of: Callable[[State], Row]
) -> dict[object, list[Row]]:
    rows: dict[object, list[Row]] = defaultdict(list)
    for state in found:
        rows[key(state)].append(of(state))
    return rows


def main(files: list[str]) -> None:
    every = states(map(Path, files))
    found = [state for state in every if state.labels in LABELS]
    three = "off | covered | width"
    columns = f"accuracy {three} | macro-F1 {three} | class F1 {three} | audits alone off"
    told = {id(state): (*measured(state, state.audits()), audits_alone(state)) for state in found}
    table("By labels", columns, grouped(found, lambda each: each.labels, lambda each: told[id(each)]))
    table("By set", columns, grouped(found, lambda each: each.data, lambda each: told[id(each)]))
    by_share: dict[object, list[Row]] = defaultdict(list)
    for state in found:
        if state.labels in (100, 300):
            for share in SHARES:
                by_share[f"{share:.0%} at {state.labels}"].append(measured(state, state.drawn(share)))
    table(
        "By share", columns.rsplit(" | ", 1)[0], dict(sorted(by_share.items(), key=lambda each: str(each[0])))
    )
    expected: dict[object, list[Row]] = defaultdict(list)
    for name in dict.fromkeys(state.name for state in every):
        replay = [state for state in every if state.name == name]
        for now, then in ((100, 150), (200, 300), (100, 200), (150, 300)):
            if (row := forecasts(replay, now, then)) is not None:
                expected[f"{then} told at {now}"].append(row)
    table("Forecasts", three, expected)
    words = "calibration error | AUC | softmax's error | its AUC"
    table("P(right) by labels", words, grouped(found, lambda each: each.labels, calibration))
    table("P(right) by set", words, grouped(found, lambda each: each.data, calibration))


if __name__ == "__main__":
    main(sys.argv[1:])
