"""A fine-tuning, whatever its answers are about: here of whole contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from backend.learning.adapted_or_not import Compared, compare
from backend.learning.fine_tuning import Material, fine_tune, fitted
from backend.learning.network import LayeredNetwork
from backend.learning.tagger import Tagger
from backend.store.adapted_views import KeptViews

StepDone = Callable[[], None]
See = Callable[[Sequence[nn.Module], Tensor], KeptViews]
"""From blocks, those of all labels first, then those of the folds, and the fold of each item, int64 [M], to
what they see."""


class Made(NamedTuple):
    """blocks: the weights of the adapted blocks by their names; network: the model on what they give; views:
    what is to be ranked on, None for the frozen vectors."""

    blocks: Mapping[str, Tensor]
    network: LayeredNetwork | Tagger
    views: KeptViews | None = None


class Tuning(Protocol):
    """Of so many labelled items. measure: what `Compared` compares, in words."""

    @property
    def measure(self) -> str: ...
    def __len__(self) -> int: ...
    def run(self, step_done: StepDone) -> tuple[Compared, Made | None]:
        """Whether adapting pays; where it does, what comes of it by all labels, as sure of itself as held-out
        items allow. step_done: is called after each step; what it raises ends it."""


@dataclass(frozen=True)
class WholeTuning:
    """together: int64 [M], equal for items that must be in one fold; see: where the order is to be of
    adapted vectors."""

    material: Material
    together: Tensor
    seed: int
    device: str
    see: See | None = None
    measure = "right on held-out items"

    def __len__(self) -> int:
        return len(self.material)

    def run(self, step_done: StepDone) -> tuple[Compared, Made | None]:
        material, seed, device = self.material, self.seed, self.device
        together, see = self.together, self.see is not None
        found = compare(material, together, seed=seed, device=device, step_done=step_done, keep_folds=see)
        if not found.is_better:
            return found, None
        every = torch.arange(len(material))
        start = fitted(material, every, seed=seed, device=device)
        made = fine_tune(material, every, start, seed=seed, device=device, step_done=step_done)
        network = made.network.cpu()
        network.cool(found.temperature)
        views = None if self.see is None else self.see([made.blocks, *found.folds], found.fold_of)
        return found, Made(made.blocks.state_dict(), network, views)
