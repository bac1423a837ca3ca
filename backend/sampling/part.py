"""What a composition needs of each of its parts; a registered strategy is one."""

from __future__ import annotations

from typing import Protocol

from backend.sampling.scene import Picks, Scene


class Part(Protocol):
    """See above."""

    @property
    def needs_classifier(self) -> bool: ...

    def pick(self, scene: Scene, n: int) -> Picks: ...
