"""Coverage of what is doubted: each pick covers the most doubt that no label lies near.

Facility location, in which an item of the pool counts by the classifier's doubt: uncertainty times coverage
with a radius that shrinks, as UHerding (Bae, Sutherland et al., ICLR 2025) has it, with doubt that held-out
verdicts calibrate (`Scene.doubt`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.sampling.facility import lazy_greedy
from backend.sampling.rows import unit_rows
from backend.sampling.scene import Scene

MOST = 4_000
"""Items that are looked at: of larger pools a sample, drawn with a chance in proportion to the doubt."""
CANDIDATES = 2_000
"""Of these, items that may be picked, the first of the sample; half of them cost half the time, and on
ag-news 20 and 200 picks cover the same, to a part in a thousand."""
RADIUS_OF = 2_000
"""Items that the radius is measured on."""
PARTS, PARTS_PER_LABEL = 100, 3
"""The radius of what a label covers: the pool's share within it is one of so many parts, and a label more
makes it so many more."""


def covering(scene: Scene, n: int) -> Tensor:
    """n picks, int64 [n]; n may be CANDIDATES at most."""
    chosen, weight = _drawn(scene)
    rows = unit_rows(scene.pool[chosen])
    radius = _radius(scene)
    near = _near(rows[:CANDIDATES], rows, radius).mul_(weight)  # [picked from, C]
    known = torch.cat([scene.unit_labeled, unit_rows(scene.pool[scene.picked])])
    parts = [_near(rows, some, radius).amax(1) for some in known.split(MOST)]
    covered = torch.stack(parts).amax(0) * weight
    return chosen[lazy_greedy(near, covered, n)]


def _drawn(scene: Scene) -> tuple[Tensor, Tensor]:
    """Items that stand for the pool and may be picked, int64 [C], and what each counts, float [C].

    Of exponential clocks with the items' doubts for rates those that ring first; each counts as its doubt
    over the chance of ringing before the first that is left out (bottom-k sampling, Cohen & Kaplan 2007).
    """
    ring = -scene.lots.clamp(min=1e-300).log() / scene.doubt.double()
    ring[scene.picked] = torch.inf
    first = ring.topk(min(MOST + 1, scene.left), largest=False, sorted=True)
    chosen = first.indices[:MOST]
    doubt = scene.doubt[chosen]
    if scene.left <= MOST:
        return chosen, doubt
    return chosen, doubt / -torch.expm1(-doubt * float(first.values[-1]))


def _near(rows: Tensor, others: Tensor, radius: float) -> Tensor:
    """How far one covers another, float [n, m] in [0, 1], by 1 less the cosine."""
    return (rows @ others.T).sub_(1).div_(radius).exp_()


def _radius(scene: Scene) -> float:
    """1 less the cosine within which half of the items have one of so many parts of the pool."""
    parts = PARTS + PARTS_PER_LABEL * len(scene.labeled)
    return scene.once(f"radius of 1 in {parts}", lambda: _distance(scene, parts))


def _distance(scene: Scene, parts: int) -> float:
    rows = unit_rows(scene.pool[scene.shuffled[:RADIUS_OF]])
    within = min(max(len(rows) // parts, 1) + 1, len(rows))  # and itself
    farthest = (rows @ rows.T).topk(within, dim=1).values[:, -1]
    return max(float((1 - farthest).median()), 1e-3)
