"""What the adapted networks see, for an order on adapted vectors: of the labelled items, and of candidates.

To encode a whole pool anew would take longer than a fine-tuning. So the candidates are the head of the last
order and a random sample of the rest, as far as there is time; all others stand behind, by frozen vectors.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

import torch
from torch import Tensor, nn

from backend.jobs.tuning import See
from backend.jobs.tuning_due import are_views_wanted
from backend.jobs.tuning_material import PIECE, Gathered, tasks_of
from backend.settings import Settings
from backend.store.adapted_views import NO_FOLD, KeptViews
from backend.store.model_version import ModelVersion
from backend.store.vectors import digest_of

SAMPLE = 1_000
"""Candidates beside the head."""
SECONDS = 120.0
"""For the candidates."""


@dataclass(frozen=True)
class ViewsMaker:
    """candidates: what stands in their tasks, the first to label first; look: is called now and then; what it
    raises ends it."""

    gathered: Gathered
    candidates: Sequence[str]
    device: str
    look: Callable[[], None]

    @torch.no_grad()
    def __call__(self, blocks: Sequence[nn.Module], fold_of: Tensor) -> KeptViews:
        """Of each content once. Equal contents are of one fold."""
        own = dict(zip(self.gathered.values, fold_of.tolist(), strict=True))
        digests, seen, began = list[bytes](), list[Tensor](), inf
        for values in self._pieces(own):
            if values[0] not in own:
                began = min(began, monotonic())
            if digests and monotonic() - began >= SECONDS:
                break
            found = self.gathered.contents.read(values)
            there = [i for i, content in enumerate(found) if content is not None]
            if there:
                inputs = self.gathered.backbone.inputs([found[i] for i in there])
                batch = inputs.batch(range(len(there)), self.device)
                seen.append(torch.stack([each.to(self.device)(batch).cpu().half() for each in blocks]))
                digests += [digest_of(values[i]) for i in there]
            self.look()
        folds = {digest_of(value): fold for value, fold in own.items()}
        of_each = torch.tensor([folds.get(digest, NO_FOLD) for digest in digests])
        return KeptViews(digests, self.gathered.material.start, torch.cat(seen, 1), of_each)

    def _pieces(self, own: dict[str, int]) -> Iterator[list[str]]:
        """The labelled first, then the candidates."""
        rest = [value for value in dict.fromkeys(self.candidates) if value not in own]
        for values in (list(own), rest):
            yield from (values[at : at + PIECE] for at in range(0, len(values), PIECE))


def views_maker(
    settings: Settings, project_id: int, version: ModelVersion, gathered: Gathered, look: Callable[[], None]
) -> See | None:
    """None where the order stays on frozen vectors."""
    if not are_views_wanted(settings, version.scheme.main):
        return None
    text_of = {task.id: task.text for task in tasks_of(settings, project_id, version) if task.waits}
    queue = [task for task in version.queue_ids.tolist() if task in text_of]
    head, rest = queue[: settings.queue_head], queue[settings.queue_head :]
    sample = random.Random(settings.seed).sample(rest, min(SAMPLE, len(rest)))
    return ViewsMaker(gathered, [text_of[task] for task in (*head, *sample)], settings.device, look)
