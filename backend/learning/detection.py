"""Train a detector and its siblings, one per fold, and keep what ranking needs of them.

A unit is a box that the detector thinks possible. Its verdict: whether what the detector says of it, a class
or nothing, is right. Of a box that is missed the units are wrong that say nothing, those that lie there where
there are any, else all of its picture's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.learning.detector import Candidates, Detector, Maps
from backend.learning.detector_training import NOT_KNOWN, STEPS, Marked, train_detector
from backend.learning.logistic import fit_logistic
from backend.learning.network import Layers
from backend.learning.overlap import iou
from backend.learning.units import UnitLayers, UnitsLearned, rows_of_items

FOLDS = 3
"""Siblings, each of which sees all pictures but its fold's, and costs two thirds of the one that serves."""
SAME = 0.5
"""Boxes of one class that overlap by so much mean the same object."""


@dataclass(frozen=True)
class DetectorTrained:
    """The detector that serves, its K siblings, and what they say of the M labelled pictures.

    labeled: by the detector that serves; held_out: by a sibling that never saw the picture, without boxes of
    which nobody knows what is there; correct: bool, of each of these whether it is right; seen: all that the
    siblings saw in pictures that were held out.
    """

    detector: Detector
    siblings: list[Detector]
    labeled: UnitLayers
    held_out: UnitLayers
    correct: Tensor
    seen: Candidates

    def learned(self, pool: Maps, among: Tensor | None = None) -> UnitsLearned:
        """What a strategy asks about the pictures that wait. among: int64 [n], rising, those that are looked
        at; the others have no units, and stand behind."""
        among = torch.arange(len(pool)) if among is None else among
        looked_at = pool.of(among)
        found = self.detector.candidates(looked_at)
        return UnitsLearned(
            pool=layers_of(found._replace(item=among[found.item]), len(pool)),
            held_out=self.held_out,
            correct=self.correct,
            n_siblings=len(self.siblings),
            members=lambda: self._members(looked_at, found),
            by_siblings=lambda items, sibling: self._by_siblings(pool, items, sibling),
            pooling="top",
            labeled=self.labeled,
        )

    def _members(self, looked_at: Maps, found: Candidates) -> Tensor:
        said = [each.logits_at(looked_at, found.item, found.cell).softmax(-1) for each in self.siblings]
        return torch.stack(said)

    def _by_siblings(self, pool: Maps, items: Tensor, sibling: Tensor) -> UnitLayers:
        return layers_of(_by_each(self.siblings, pool.of(items), sibling), len(items))


def train_detection(
    maps: Maps,
    marked: Marked,
    n_classes: int,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    device: str = "cpu",
    steps: int = STEPS,
) -> DetectorTrained:
    """On all of these pictures, and once more per fold without that fold.

    maps: of M pictures; marked: what is in them. All share the first weights. The logits are scaled so that a
    sigmoid of one is how often such a box was right in pictures that were held out (Platt 1999).
    Raises ValueError where fewer than two pictures have a box.
    """
    fold_of = _folds(marked, folds, seed)
    every = torch.arange(len(maps))
    detector = train_detector(maps, marked, n_classes, seed=seed, device=device, steps=steps)
    siblings = []
    for fold in range(int(fold_of.max()) + 1):
        seen = every[fold_of != fold]
        part = train_detector(
            maps.of(seen), marked.of(seen), n_classes, seed=seed, device=device, steps=2 * steps // 3
        )
        siblings.append(part)
    slope, offset = _honest(_by_each(siblings, maps, fold_of), marked)
    for each in (detector, *siblings):
        each.calibrate(slope, offset)
    held_out = _by_each(siblings, maps, fold_of)
    correct, known = verdicts(held_out, marked)
    return DetectorTrained(
        detector,
        siblings,
        layers_of(detector.candidates(maps), len(maps)),
        layers_of(Candidates(*(each[known] for each in held_out)), len(maps)),
        correct[known],
        held_out,
    )


def layers_of(found: Candidates, items: int) -> UnitLayers:
    """What heads read of candidates: the logit of the likeliest class, its distance to the next, the size
    and the place of the box, and the encoder's vector there, the same for every detector."""
    two = found.logits.topk(2, dim=-1).values
    size = found.boxes[:, 2:].clamp(min=0.1).log()
    middle = (found.boxes[:, :2] + found.boxes[:, 2:] / 2) / 100
    own = [found.logits[:, :-1].amax(-1, keepdim=True), two[:, :1] - two[:, 1:], size, middle]
    hidden = torch.cat([*own, found.vectors.float()], 1)
    return UnitLayers(Layers((hidden,), found.logits), found.item, items)


def verdicts(found: Candidates, marked: Marked) -> tuple[Tensor, Tensor]:
    """Of each candidate whether what it says is right, and whether that can be told: bool [U] each."""
    means, missed, known = _meant(found, marked)
    says = found.sure > 0.5
    claims = means >= 0
    # A box that only candidates mean which say nothing is missed, too, but they are where it is.
    nowhere = missed[found.item]
    return torch.where(says, claims, ~claims & ~nowhere), known


def _meant(found: Candidates, marked: Marked) -> tuple[Tensor, Tensor, Tensor]:
    """Which box each candidate means, int64 [U], -1 for none; bool [M], in which pictures there is a box that
    none means; bool [U], of which candidates it can be told.

    Each box is meant once, by the surest candidate of its class that overlaps it by SAME.
    """
    means = torch.full_like(found.item, -1)
    known = torch.ones_like(found.item, dtype=torch.bool)
    missed, classes = torch.zeros(marked.items, dtype=torch.bool), found.classes
    of_each = (rows_of_items(item, marked.items) for item in (found.item, marked.item))
    for picture, (units, boxes) in enumerate(zip(*of_each, strict=True)):  # labelled ones alone
        over = iou(found.boxes[units], marked.boxes[boxes])
        disputed = marked.classes[boxes] == NOT_KNOWN
        known[units] = ~((over >= SAME) & disputed).any(1) if len(boxes) else True
        over = over * (classes[units][:, None] == marked.classes[boxes])
        for i in range(len(units) if len(boxes) else 0):
            best = int(over[i].argmax())
            if over[i, best] >= SAME:
                means[units[i]] = boxes[best]
                over[:, best] = 0
        taken = torch.isin(boxes, means[units])
        missed[picture] = bool((~taken & ~disputed).any())
    return means, missed, known


def _honest(held_out: Candidates, marked: Marked) -> tuple[float, float]:
    """Slope and offset from a detector's logits to how often they were right."""
    means, _, known = _meant(held_out, marked)
    own = held_out.logits[:, :-1].amax(-1)[known]
    inputs = torch.stack([own, torch.ones_like(own)], 1)
    as_it_says = torch.tensor([1.0, 0.0])
    slope, offset = fit_logistic(inputs, means[known] >= 0, torch.ones(2), toward=as_it_says).tolist()
    return max(slope, 0.1), offset


def _by_each(detectors: list[Detector], maps: Maps, which: Tensor) -> Candidates:
    """What one of the detectors sees in each picture. which: int64 [N]."""
    parts = []
    for number, detector in enumerate(detectors):
        items = (which == number).nonzero()[:, 0]
        found = detector.candidates(maps.of(items))
        parts.append(found._replace(item=items[found.item]))
    whole = Candidates(*(torch.cat(each) for each in zip(*parts, strict=True)))
    order = whole.item.argsort(stable=True)
    return Candidates(*(each[order] for each in whole))


def _folds(marked: Marked, folds: int, seed: int) -> Tensor:
    """The fold of each picture, int64 [M]: random, pictures with a box dealt out first."""
    has_box = torch.bincount(marked.item[marked.classes >= 0], minlength=marked.items) > 0
    if int(has_box.sum()) < 2:
        raise ValueError("training needs boxes in two pictures at least")
    shuffled = torch.randperm(marked.items, generator=torch.Generator().manual_seed(seed))
    order = shuffled[has_box[shuffled].int().argsort(descending=True, stable=True)]
    folds = min(folds, int(has_box.sum()))
    return torch.empty(marked.items, dtype=torch.int64).index_put_(
        (order,), torch.arange(marked.items) % folds
    )
