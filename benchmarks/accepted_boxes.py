"""What it does to a detector and to its verdicts that annotators wave a tenth of its wrong boxes through.

python -m benchmarks.accepted_boxes [--seeds 5] [--wave 0.1]

On the first setting of the drawn scenes, which is there to choose by. 20 random pictures are drawn by hand;
then twice 20 more are shown with the boxes of the detector so far, and corrected: a right box (IoU 0.5, its
class) is accepted as it is, of the wrong ones a tenth stays, and of the missed ones a tenth stays missing;
all else becomes the truth. Ways to take what was only accepted, which Label Studio marks
`"origin": "prediction"`:

by hand         everybody draws the truth (nothing is shown)
as it is        an accepted box is a box: what the product does
half            of every other accepted box it is not known what is there
not             of no accepted box is it known what is there

Of each after 60 pictures: mAP@0.5 on 150 test pictures; the same out of fold, as the product tells it, by
what was given and by the truth; the share of the verdicts (of boxes held out) that the truth would turn
round; how much surer than right the detector is of what it shows on the test pictures; and how many of the
accepted boxes are wrong.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from tempfile import gettempdir
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from backend.controls.box_units import SURE_FROM
from backend.controls.matching import Marked as Boxes
from backend.controls.matching import average_precision, matched
from backend.learning.detection import DetectorTrained, train_detection, verdicts
from backend.learning.detector import Candidates
from backend.learning.detector_training import NOT_KNOWN, Marked, train_detector
from benchmarks.marked_pictures import Part, kept

STEPS, START, SHOWN, ROUNDS = 80, 20, 20, 2
WAYS = ("by hand", "as it is", "half", "not")
COLUMNS = ("test mAP", "out of fold, by what was given", "by the truth", "verdicts turned", "too sure")


class Answer(NamedTuple):
    """Of one picture. boxes: float32 [n, 4]; classes: int64 [n]; accepted: bool [n]; wrong: how many of those
    are."""

    boxes: Tensor
    classes: Tensor
    accepted: Tensor
    wrong: int


@dataclass(frozen=True)
class Found:
    numbers: tuple[float, ...]
    accepted: int
    wrong: int


def main() -> None:
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--wave", type=float, default=0.1)
    parser.add_argument("--cache", default=str(Path(gettempdir()) / "boxes-benchmark"))
    asked = parser.parse_args()
    train, test = (kept("first", part, Path(asked.cache)) for part in ("train", "test"))
    found: dict[str, list[Found]] = {way: [] for way in WAYS}
    for seed in range(asked.seeds):
        for way in WAYS:
            found[way].append(Run(train, test, way, seed, asked.wave)())
            print(seed, way, found[way][-1], flush=True)
    _tell(found)


class Run:
    def __init__(self, train: Part, test: Part, way: str, seed: int, wave: float):
        self._train, self._test, self._way, self._seed, self._wave = train, test, way, seed, wave
        self._classes = int(train.marked.classes.max()) + 1
        self._random = np.random.default_rng(seed)

    def __call__(self) -> Found:
        order = torch.randperm(len(self._train.maps), generator=torch.Generator().manual_seed(self._seed))
        answers = [self._truth(int(each)) for each in order[:START]]
        for _ in range(ROUNDS):
            seen = order[: len(answers)]
            detector = train_detector(
                self._train.maps.of(seen), self._taught(answers), self._classes, seed=self._seed, steps=STEPS
            )
            shown = order[len(answers) : len(answers) + SHOWN]
            said = detector.candidates(self._train.maps.of(shown))
            answers += [self._answer(int(each), said, place) for place, each in enumerate(shown.tolist())]
        return self._measured(order[: len(answers)], answers)

    def _answer(self, picture: int, said: Candidates, place: int) -> Answer:
        truth = self._truth(picture)
        if self._way == "by hand":
            return truth
        own = (said.item == place) & (said.sure >= SURE_FROM)
        boxes, classes = said.boxes[own], said.classes[own]
        means = torch.from_numpy(matched(_as_boxes(boxes, classes, said.sure[own]), _as_boxes(*truth[:2])))
        is_right = means >= 0
        waved = ~is_right & torch.from_numpy(self._random.random(len(boxes)) < self._wave)
        stays = is_right | waved
        missed = ~torch.isin(torch.arange(len(truth.boxes)), means)
        missed &= torch.from_numpy(self._random.random(len(missed)) >= self._wave)
        accepted = torch.cat([torch.ones(int(stays.sum())), torch.zeros(int(missed.sum()))]).bool()
        return Answer(
            torch.cat([boxes[stays], truth.boxes[missed]]),
            torch.cat([classes[stays], truth.classes[missed]]),
            accepted,
            int(waved.sum()),
        )

    def _truth(self, picture: int) -> Answer:
        marked = self._train.marked
        own = marked.item == picture
        boxes = marked.boxes[own]
        return Answer(boxes, marked.classes[own], torch.zeros(len(boxes), dtype=torch.bool), 0)

    def _taught(self, answers: list[Answer]) -> Marked:
        """As this way takes them."""
        given = _marked(answers)
        accepted = torch.cat([each.accepted for each in answers])
        if self._way == "half":
            accepted &= torch.arange(len(accepted)) % 2 == 0
        hidden = accepted if self._way in ("half", "not") else torch.zeros_like(accepted)
        return replace(given, classes=given.classes.masked_fill(hidden, NOT_KNOWN))

    def _measured(self, pictures: Tensor, answers: list[Answer]) -> Found:
        taught, truth = self._taught(answers), self._train.marked.of(pictures)
        maps = self._train.maps.of(pictures)
        trained = train_detection(maps, taught, self._classes, seed=self._seed, steps=STEPS)
        said = trained.detector.candidates(self._test.maps)
        numbers = (
            self._precision(said, self._test.marked),
            self._precision(trained.seen, _marked(answers)),
            self._precision(trained.seen, truth),
            _turned(trained, taught, truth),
            self._too_sure(said),
        )
        accepted = sum(int(each.accepted.sum()) for each in answers)
        return Found(numbers, accepted, sum(each.wrong for each in answers))

    def _precision(self, said: Candidates, truth: Marked) -> float:
        found, there = _by_picture(said, truth)
        return float(np.nanmean(average_precision(found, there, self._classes)))

    def _too_sure(self, said: Candidates) -> float:
        """Of boxes that would be shown the mean certainty, less the share that is right."""
        found, there = _by_picture(said, self._test.marked)
        right = np.concatenate([matched(one, other) >= 0 for one, other in zip(found, there, strict=True)])
        sure = np.concatenate([each.sure for each in found])
        shown = sure >= SURE_FROM
        return float(sure[shown].mean() - right[shown].mean())


def _turned(trained: DetectorTrained, taught: Marked, truth: Marked) -> float:
    """Of the verdicts that there are by what was taught the share that is another one by the truth."""
    by_taught, known = verdicts(trained.seen, taught)
    by_truth, _ = verdicts(trained.seen, truth)
    return float((by_taught != by_truth)[known].float().mean())


def _marked(answers: list[Answer]) -> Marked:
    item = torch.arange(len(answers)).repeat_interleave(torch.tensor([len(each.boxes) for each in answers]))
    boxes, classes = (torch.cat([each[i] for each in answers]) for i in (0, 1))
    return Marked(item, boxes, classes, len(answers))


def _as_boxes(boxes: Tensor, classes: Tensor, sure: Tensor | None = None) -> Boxes:
    certain = torch.ones(len(boxes)) if sure is None else sure
    return Boxes(boxes.double().numpy(), classes.numpy(), certain.double().numpy())


def _by_picture(said: Candidates, truth: Marked) -> tuple[list[Boxes], list[Boxes]]:
    found, there = [], []
    for picture in range(truth.items):
        own, theirs = said.item == picture, truth.item == picture
        found.append(_as_boxes(said.boxes[own], said.classes[own], said.sure[own]))
        there.append(_as_boxes(truth.boxes[theirs], truth.classes[theirs]))
    return found, there


def _tell(found: dict[str, list[Found]]) -> None:
    print(f"| accepted boxes | {' | '.join(COLUMNS)} | accepted, of these wrong |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for way, runs in found.items():
        columns = zip(*(run.numbers for run in runs), strict=True)
        cells = " | ".join(f"{fmean(each):.3f} ± {stdev(each) / len(each) ** 0.5:.3f}" for each in columns)
        counted = f"{fmean(run.accepted for run in runs):.0f}, {fmean(run.wrong for run in runs):.1f}"
        print(f"| {way} | {cells} | {counted} |")


if __name__ == "__main__":
    main()
