"""What a version knows of content it has seen: a copy of it goes behind all else, and its guess is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.copies import Ints, keys_of
from backend.placing import lot_of
from backend.sampling import Ranking
from backend.store.model_version import ModelVersion

UNKNOWN = -2
NOT_LABELLED = -1


def seen_before(version: ModelVersion, texts: Sequence[str]) -> Ints:
    """Of each text which of the version's answers its content was given, NOT_LABELLED where a task of the
    same content waits in the version's queue, else UNKNOWN: int64 [N]."""
    words = version.scheme.main.words_of(texts)
    known, keys = version.known_keys.numpy(), keys_of(words)
    if not len(known):
        return np.full(len(texts), UNKNOWN)
    at = np.searchsorted(known, keys).clip(max=len(known) - 1)
    return np.where(known[at] == keys, version.known_labels.numpy()[at], UNKNOWN)


def with_given(
    version: ModelVersion, seen: Ints, guesses: list[list[dict[str, Any]]], texts: Sequence[str]
) -> list[list[dict[str, Any]]]:
    """The guesses for N items, those of labelled content by its label. seen: of the items."""
    main = version.scheme.main
    for item in np.flatnonzero(seen >= 0).tolist():
        if not (answer := version.answers[seen[item]]):  # too long to be kept
            continue
        others = [region for region in guesses[item] if region["from_name"] not in main.names]
        guesses[item] = [*main.given(answer, texts[item]), *others]
    return guesses


def place_behind(version: ModelVersion, task_id: Any, text: str) -> float:
    """Where a copy stands that came after the ranking: behind all that was ranked or is placed between."""
    return 1 - 0.02 * lot_of(task_id, text) / max(len(version.queue_ids), 1)


def falling_to_the_end(ranking: Ranking, behind: int) -> Tensor:
    """The worth of the queue in its order, float32 [N], of copies behind it less than any may have."""
    if ranking.worth is None:
        return torch.zeros(0)
    along = ranking.worth[ranking.order].float()
    least = float(along[-1]) - 1 if len(along) else 0.0
    return torch.cat([along, torch.full((behind,), least)])
