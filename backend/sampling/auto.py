"""The default strategy: which labels would help the classifier most, measured to pay at every size."""

from __future__ import annotations

from backend.sampling.covering import covering
from backend.sampling.designed import designed
from backend.sampling.scene import Picks, Scene
from backend.sampling.unit_scene import UnitScene
from backend.sampling.where_wrong import where_wrong

MOST = 1_000
"""Picks at once; then the rest is looked at anew."""


def auto(scene: Scene, n: int) -> Picks:
    """The batch that covers best what the classifier doubts, as far as its doubt means anything.

    * Labels of fewer than two classes: no classifier, so the cold start decides (greedy facility
      location: typical and diverse items), for this strategy as for all that need one.
    * From two classes on: facility location again, in which an item counts by its doubt, calibrated on
      held-out verdicts. Where these do not beat chance all items count the same, and it is coverage alone;
      as they beat it, what is doubted counts more, and the radius that a label covers shrinks. Nothing has
      to be switched by hand between the two: there is one rule and no schedule.
    * What somebody else's model answers: where it is wrong, see `where_wrong`.
    * Items with units: V-optimal design with the units' doubt for information. Boxes: by margin alone, which
      was ahead of the design where that was chosen (docs/measured.md).
    """
    if scene.is_another_models:
        return where_wrong(scene, n)
    if isinstance(scene, UnitScene) and scene.is_ordered_by_doubt:
        return Picks(scene.top(scene.margin, n), scene.margin)
    before = len(scene.picked)
    while n > 0:
        size = min(n, MOST)
        scene = scene.after(designed(scene, size) if isinstance(scene, UnitScene) else covering(scene, size))
        n -= size
    return Picks(scene.picked[before:])
