"""The default strategy: which labels would help the classifier most, measured to pay at every size."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.design import Problem, v_optimal
from backend.sampling.scene import Picks, Scene
from backend.sampling.where_wrong import where_wrong

RIDGE = 0.004
"""Prior precision, in units of the rows' mean squared length. Ten times more or less changes little."""
MAX_CANDIDATES = 5_000
"""Items that may be picked: the most uncertain ones of larger pools. Of them half are, at most; then the
next candidates are looked at."""
MAX_REFERENCES = 20_000
"""Items that stand for the pool: a random sample of larger ones."""


def auto(scene: Scene, n: int) -> Picks:
    """The batch that narrows the classifier's uncertainty over the pool the most.

    * Labels of fewer than two classes: no classifier, so the cold start decides (greedy facility
      location: typical and diverse items), for this strategy as for all that need one.
    * From two classes on: V-optimal design, each item's Fisher information taken from the margin
      uncertainty, sharpened, and classes that are predicted rarely counting as much as frequent ones.
      With few labels nearly everything is uncertain, so the design is about coverage, and it samples
      much like a representative strategy; as labels come in, the uncertain region shrinks and it
      samples like margin, but spread out instead of piled up in one place. Nothing has to be switched
      by hand between the two, which is why there is one rule here and not a schedule.
    * What somebody else's model answers: where it is wrong, see `where_wrong`.
    * Boxes: by margin alone, which was ahead of the design where that was chosen (docs/measured.md).
    """
    if scene.is_another_models:
        return where_wrong(scene, n)
    if scene.is_ordered_by_doubt:
        return Picks(scene.top(scene.margin, n), scene.margin)
    before = len(scene.picked)
    while n > 0:
        size = min(n, MAX_CANDIDATES // 2)
        scene = scene.after(_designed(scene, size))
        n -= size
    return Picks(scene.picked[before:])


def _designed(scene: Scene, n: int) -> Tensor:
    """n picks out of the most uncertain items, int64 [n]."""
    weight, known = scene.information, scene.labeled_information  # [N], [M]
    candidates = scene.top(scene.margin, min(MAX_CANDIDATES, scene.left))
    stand_in = slice(None) if scene.size <= MAX_REFERENCES else scene.shuffled[:MAX_REFERENCES]
    center = scene.pool[stand_in].float().mean(0) if scene.is_centred else scene.pool.new_zeros(())
    references = scene.pool[stand_in].float() - center  # [R, D]
    problem = Problem(
        scene.pool[candidates] - center,
        weight[candidates],
        torch.cat([scene.labeled, scene.pool[scene.picked]]) - center,
        torch.cat([known, weight[scene.picked]]),
        second_moment(references, weight[stand_in], scene.probabilities[stand_in]),
        max(RIDGE * float((references**2).sum(1).mean()), 1e-12),
    )
    return candidates[v_optimal(*problem.narrowed(), n)]


def second_moment(rows: Tensor, weight: Tensor, probabilities: Tensor) -> Tensor:
    """Second moment of the rows, weighted, also by the rarity of what they seem to be: float [D, D].

    rows: float [R, D]; weight: float [R]; probabilities: float [R, C].
    """
    rarity = (probabilities / (probabilities.mean(0) + 1e-3)).sum(1)  # [R]
    return (rows.T * (weight * rarity)) @ rows / max(len(rows), 1)
