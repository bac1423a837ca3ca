"""Training a detector: what each cell should say, and the losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.learning.detector import FULL, WIDTH, Detector, Maps, boxes_at
from backend.learning.overlap import giou

AT_ONCE = 8
"""Pictures of a step."""
STEPS = 150
RATE, DECAY = 4e-3, 0.05
DROP = 0.1
FOCUS = 2.0
"""Of the focal loss (Lin et al. 2017): how little the cells count that are right already."""
MIDDLE = 0.5
"""The part of a box, each way, whose cells should find it."""
OPEN = 400
"""Pictures whose maps are held open, 0.5 MB each, while training; of more, those of each step are opened."""


NOTHING, NOT_KNOWN = -1, -2
"""For a class: what should not be found, and what nothing should be learned of."""


@dataclass(frozen=True)
class Marked:
    """What annotators marked in M pictures. item: int64 [B], rising, in [0, items); boxes: float32 [B, 4], x,
    y, width and height in percent; classes: int64 [B], NOT_KNOWN for a place where annotators disagree."""

    item: Tensor
    boxes: Tensor
    classes: Tensor
    items: int

    def of(self, items: Tensor) -> Marked:
        """Of some pictures, in this order. items: int64 [n], each once."""
        place = torch.full((self.items,), -1).index_put_((items,), torch.arange(len(items)))
        new = place[self.item]
        order = new.argsort(stable=True)[int((new < 0).sum()) :]
        return Marked(new[order], self.boxes[order], self.classes[order], len(items))


@dataclass(frozen=True)
class Targets:
    """Of each cell of M pictures: classes: int64 [M, cells], or NOTHING or NOT_KNOWN; boxes: float32 [M,
    cells, 4]."""

    classes: Tensor
    boxes: Tensor


def targets_of(marked: Marked, grid: int) -> Targets:
    """The cells in the middle of a box should find it, one at least; where boxes overlap, the smaller one."""
    cells = grid * grid
    classes = torch.full((marked.items, cells), NOTHING)
    boxes = torch.zeros(marked.items, cells, 4)
    middles = (torch.arange(cells) % grid + 0.5, torch.arange(cells) // grid + 0.5)
    in_cells = marked.boxes * (grid / FULL)
    smallest_last = in_cells[:, 2:].prod(-1).argsort(descending=True)
    known = marked.classes[smallest_last] != NOT_KNOWN
    for each in torch.cat([smallest_last[~known], smallest_last[known]]).tolist():
        x, y, w, h = in_cells[each].tolist()
        part = MIDDLE if marked.classes[each] != NOT_KNOWN else 1.0
        off_x, off_y = (middles[0] - (x + w / 2)).abs(), (middles[1] - (y + h / 2)).abs()
        inside = (off_x <= w * part / 2) & (off_y <= h * part / 2)
        inside[(off_x + off_y).argmin()] = True
        item = int(marked.item[each])
        classes[item, inside] = marked.classes[each]
        boxes[item, inside] = marked.boxes[each]
    return Targets(classes, boxes)


def train_detector(
    maps: Maps,
    marked: Marked,
    n_classes: int,
    *,
    seed: int = 0,
    device: str = "cpu",
    steps: int = STEPS,
    width: int = WIDTH,
) -> Detector:
    """On all of these pictures, of which some may hold nothing. Raises ValueError where none has a box."""
    if not (marked.classes >= 0).any():
        raise ValueError("training needs boxes")
    opened = maps.opened(maps.rows[:OPEN])
    grid = opened.shape[-1]
    detector = Detector(opened.shape[1], n_classes, width, seed).to(device)
    detector.standardise_by(opened.to(device))
    held = opened.half() if len(maps) <= OPEN else None
    targets = targets_of(marked, grid)
    optimizer = torch.optim.AdamW(detector.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.2)
    generator = torch.Generator().manual_seed(seed)
    order = torch.zeros(0, dtype=torch.int64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(steps):
            while len(order) < min(AT_ONCE, len(maps)):
                order = torch.cat([order, torch.randperm(len(maps), generator=generator)])
            some, order = order[:AT_ONCE], order[AT_ONCE:]
            batch = maps.opened(maps.rows[some]) if held is None else held[some].float()
            optimizer.zero_grad()
            _loss(detector, batch.to(device), targets.classes[some], targets.boxes[some]).backward()
            torch.nn.utils.clip_grad_norm_(detector.parameters(), 5.0)
            optimizer.step()
            schedule.step()
    return detector.requires_grad_(False)


def _loss(detector: Detector, batch: Tensor, classes: Tensor, boxes: Tensor) -> Tensor:
    logits, reach = detector(batch, DROP)
    flat = logits.flatten(2).transpose(1, 2)  # [n, cells, C]
    classes, boxes = classes.to(batch.device), boxes.to(batch.device)
    truth = F.one_hot(classes.clamp(min=-1) + 1, detector.classes + 1)[..., 1:].to(flat.dtype)
    entropy = F.binary_cross_entropy_with_logits(flat, truth, reduction="none")
    missed = (truth - flat.sigmoid()).abs()
    found = classes >= 0
    count = found.sum().clamp(min=1)
    said = (entropy * missed**FOCUS)[classes != NOT_KNOWN].sum() / count
    if not found.any():
        return said
    placed = boxes_at(reach.flatten(2), batch.shape[-1])[found]
    return said + (1 - giou(placed, boxes[found])).mean()
