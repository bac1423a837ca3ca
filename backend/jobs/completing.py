"""What a version keeps beside what its head depends on: how well it does, what has shifted, what is alike.

It is made while Label Studio imports the head, which takes longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.jobs.head_made import MadeHead
from backend.jobs.shifting import shift_told
from backend.jobs.version_stats import VersionStats
from backend.learning.domain_head import DomainHead
from backend.sampling.application import application_head
from backend.store.model_version import ModelVersion
from backend.why import centers_of


@dataclass(frozen=True)
class Made:
    """A new version with what its head depends on, and that head. told: what there is to tell of the version;
    notes: on what was left out, and on the target domain."""

    version: ModelVersion
    head: MadeHead
    told: VersionStats
    notes: Sequence[str]

    def completed(self) -> ModelVersion:
        """The whole version, to be kept."""
        version, told, material = self.version, self.told, self.told.material
        scene, seed = told.orders.each[0].scene, told.settings.seed
        waiting = [material.tasks[i] for i in material.waiting]
        shift = shift_told(scene, waiting, material.every, told.before)
        is_told_by_scorer = isinstance(version.scorer_head, DomainHead)
        return replace(
            version,
            stats={**told.told(self.notes, shift, version.stats["suggestions"]), **version.stats},
            domain_head=None if is_told_by_scorer else application_head(scene),
            origin=replace(version.origin, centers=centers_of(material.features[material.waiting], seed)),
        )
