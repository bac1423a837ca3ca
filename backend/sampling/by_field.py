"""Sampling stratified by a field of the task: each of its values is served in turn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from backend.sampling.batches import in_whole_batches, interleaved, of_what_is_left
from backend.sampling.coldstart import NO_CLASSES, cold_start
from backend.sampling.part import Part
from backend.sampling.scene import Picks, Scene
from backend.sampling.strata import Strata


@dataclass(frozen=True)
class ByField:
    """Of each value of the field `part` picks, out of the items that have it; the picks are interleaved.

    The value of which the fewest are labelled begins, so that rare ones have their turn even where each
    ranking serves fewer items than there are values; of those with as many labels the rarest in the pool.
    Where `part` needs a classifier and there is none, each value has the cold start's order.
    """

    part: Part
    field: str

    needs_classifier = False

    def pick(self, scene: Scene, n: int) -> Picks:
        strata = self._strata(scene)
        turns = _turns(scene, strata, n)
        is_cold = self.part.needs_classifier and not scene.has_classifier
        pick = of_what_is_left(cold_start) if is_cold else self.part.pick
        for note in (NO_CLASSES if is_cold else None, strata.note):
            if note is not None and note not in scene.notes:
                scene.notes.append(note)
        asked = torch.bincount(turns, minlength=strata.count).tolist()
        waiting = len(strata.pool[~scene.is_picked].unique())
        own = scene.in_batches_of(math.ceil(scene.batch / waiting))
        answers = []
        for value in turns.unique().tolist():
            rows = ((strata.pool == value) & ~scene.is_picked).nonzero().squeeze(1)
            found = in_whole_batches(own.narrowed(rows), pick, asked[value])
            answers.append(replace(found, indices=torch.cat([scene.picked, rows])[found.indices]))
        return interleaved(answers, turns)

    def _strata(self, scene: Scene) -> Strata:
        found = scene.strata.get(self.field)
        if found is None:
            raise ValueError(
                f"`by {self.field}` needs the field {self.field!r} of each item, which tasks in a project of "
                "Label Studio have; in Python, give `fields`"
            )
        return found


def _turns(scene: Scene, strata: Strata, n: int) -> Tensor:
    """The value whose turn it is, for each of n picks: int64 [n], on the processor."""
    count = strata.count
    labels = torch.bincount(strata.labeled[strata.labeled >= 0].cpu(), minlength=count)
    place = labels.argsort(stable=True).argsort()
    values = strata.pool.cpu()
    picked = torch.bincount(values[scene.picked.cpu()], minlength=count)
    left = torch.bincount(values, minlength=count) - picked
    left = left.clamp(max=n)
    which = torch.arange(count).repeat_interleave(left)
    turn = torch.arange(len(which)) - (left.cumsum(0) - left)[which] + picked[which]
    return which[(turn * count + place[which]).argsort()[:n]]
