"""What strategies rank images by: single cells of each, on a lattice, with verdicts by networks that did not
see the image."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.learning.cells import UNSAID, Look, centres
from backend.learning.network import Layers
from backend.learning.segmentation import Segmenter, TrainedSegmenter
from backend.learning.units import UnitLayers, UnitsLearned

SIDE = 20
"""Units a side. Each is one cell, not the mean of several, which at a border is doubtful where no cell is."""
JUDGED = 100_000
"""Units of all labelled images, to bound memory: where there are more than 250, fewer are taken of each."""
PASS = 8
"""Images looked at at once."""


def units_learned(trained: TrainedSegmenter, pool: Look, items: int, *, side: int = SIDE) -> UnitsLearned:
    """Of N items that wait: they are looked at PASS by PASS, and what the maps hold is not kept.

    side: at most the maps' own. `by_siblings` looks again.
    """
    family, siblings = trained.family, trained.family.network.shape.members - 1
    where = centres(side)
    hidden, logits, members = [], [], []
    for batch in torch.arange(items).split(PASS):
        layers = _seen(family, pool, batch, where)
        hidden.append(layers.hidden[-1][0].clone())  # a view would hold what all members saw
        logits.append(layers.logits[0].clone())
        members.append(layers.probabilities[1:].clone())
    units = Layers((torch.cat(hidden),), torch.cat(logits))
    likely = torch.cat(members, dim=1)
    last = family.network.readout
    weight, bias = last.weight[0].detach().cpu(), last.bias[0, 0].detach().cpu()
    labeled, held_out, correct = _held_out(trained, side)
    return UnitsLearned(
        pool=UnitLayers(units, torch.arange(items).repeat_interleave(side * side), items),
        held_out=held_out,
        correct=correct,
        n_siblings=siblings,
        members=lambda: likely,
        by_siblings=lambda chosen, sibling: _by_members(family, pool, chosen, sibling + 1, where),
        labeled=labeled,
        last_layer=(weight, bias),
    )


def units_seen(segmenter: Segmenter, pool: Look, items: int, *, side: int = SIDE) -> UnitLayers:
    """What one network sees of N items' units, which are those of `units_learned`."""
    everything, alone = torch.arange(items), torch.zeros(items, dtype=torch.int64)
    return _by_members(segmenter, pool, everything, alone, centres(side))


def _held_out(trained: TrainedSegmenter, side: int) -> tuple[UnitLayers, UnitLayers, Tensor]:
    """Of the labelled images: what the network that serves sees, what a sibling sees that did not see the
    image, and whether that is right. Cells of which nobody said what they are, are left out."""
    items, grid = len(trained.targets), trained.targets.shape[-1]
    side = min(side, max(int((JUDGED / items) ** 0.5), 1))
    where = centres(side)
    cell = (where * grid).long()
    targets = trained.targets[:, cell[:, 1], cell[:, 0]].flatten()
    said = targets != UNSAID
    item = torch.arange(items).repeat_interleave(side * side)[said]
    everything, serving = torch.arange(items), torch.zeros(items, dtype=torch.int64)
    ours = _by_members(trained.family, trained.look, everything, serving, where)
    theirs = _by_members(trained.family, trained.look, everything, trained.fold_of + 1, where)
    labeled = UnitLayers(ours.layers.rows(said), item, items)
    held_out = UnitLayers(theirs.layers.rows(said), item, items)
    return labeled, held_out, held_out.layers.logits.argmax(-1) == targets[said]


def _by_members(family: Segmenter, look: Look, chosen: Tensor, member: Tensor, where: Tensor) -> UnitLayers:
    """What a member of each item's own sees of its units. chosen, member: int64 [n]."""
    hidden, logits = [], []
    for batch, of in zip(chosen.split(PASS), member.split(PASS), strict=True):
        layers = _seen(family, look, batch, where)
        mine, rows = of.repeat_interleave(len(where)), torch.arange(len(batch) * len(where))
        hidden.append(layers.hidden[-1][mine, rows])
        logits.append(layers.logits[mine, rows])
    units = Layers((torch.cat(hidden),), torch.cat(logits))
    return UnitLayers(units, torch.arange(len(chosen)).repeat_interleave(len(where)), len(chosen))


def _seen(family: Segmenter, look: Look, items: Tensor, where: Tensor) -> Layers:
    """Of all members, on the processor: each tensor [K + 1, n * P, width]."""
    cells = look(items, where.expand(len(items), -1, -1))
    return family(cells.flatten(0, 1)).to("cpu")
