"""The default order of what somebody else's model answers: where it is wrong, and some of what is unlike all
that is labelled, since it may be wrong there, too, as sure of itself as anywhere else."""

from __future__ import annotations

from dataclasses import replace

from backend.sampling.composition import Shares
from backend.sampling.coreset import coreset
from backend.sampling.scene import Picks, Scene
from backend.sampling.strategy import Strategy
from backend.sampling.transfer import atlas

SHARES = Shares(
    ((0.8, Strategy(atlas)), (0.2, Strategy(coreset, needs_classifier=False))), ("atlas", "coreset")
)
"""ATLAS alone found as many errors where a model fails on one kind of it, but in some draws it came upon none
of that kind for long (notmnist, ag-news, banking77: benchmarks/wrapped_weakness.py)."""


def where_wrong(scene: Scene, n: int) -> Picks:
    """Until verdicts of both kinds are there, ATLAS goes by the model's own scores."""
    picks, head = SHARES.pick(scene, n), scene.error_head
    return replace(picks, worth=scene.margin if head is None else scene.wrong(head), scorer_head=head)
