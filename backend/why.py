"""Why tasks stand where they do in a queue: one answer for what is published, predicted and kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from backend.learning.domain_head import DomainHead
from backend.learning.network import Layers
from backend.sampling import Ranking, alike, uncertainty
from backend.store.model_version import ModelVersion
from backend.store.queue_origin import QueueOrigin
from backend.store.reason import BEHIND, COPY, LATE, NOBODY, PICKED, UNKNOWN, UNREAD, Reason

CLUSTERS = 10
DIGITS = 4
_EXACT = 1e-6
"""Of a place: it comes as a fraction of the queue."""


def reasons_of(
    version: ModelVersion,
    scores: Sequence[float],
    features: Tensor | None = None,
    layers: Layers | None = None,
    came: Sequence[str | None] | None = None,
) -> list[Reason]:
    """Of N tasks with these places in the version's queue, in (0, 1).

    features: float [N, D]; layers: what the network that orders the queue says of them. Without them only the
    place is told. came: LATE or COPY for one that came after the ranking; by default none did.
    """
    total, n = len(version.queue_ids), len(scores)
    told = zip(
        [_number(score, total) for score in scores],
        [None] * n if came is None else came,
        _rounded(_wrong(version, layers), n),
        _rounded(_application(version, layers), n),
        _rounded(None if layers is None else uncertainty.margin(layers.probabilities), n),
        _clusters(version.origin, features, n),
        strict=True,
    )
    return [_reason(version, total, *each) for each in told]


def _reason(
    version: ModelVersion,
    total: int,
    number: int,
    came: str | None,
    wrong: float | None,
    application: float | None,
    doubt: float | None,
    cluster: int | None,
) -> Reason:
    how, strategy, in_round, chance = _origin(version, number, came)
    return Reason(
        how=how,
        strategy=strategy,
        version=version.name,
        control=version.scheme.main.from_name,
        place=number,
        of=total,
        round=in_round,
        p_wrong=wrong,
        p_application=application,
        doubt=doubt,
        cluster=cluster,
        chance=chance,
    )


def _origin(
    version: ModelVersion, number: int, came: str | None
) -> tuple[str, str, int | None, float | None]:
    """How it came to its place, by what, in which round, and with what chance. number: its place, from 1."""
    origin, at = version.origin, number - 1
    if came is not None:
        return came, version.strategy if came == LATE else NOBODY, None, None
    if not origin.is_known:
        return UNKNOWN, version.strategy, None, None
    if at < len(origin.rounds):
        chance = float(origin.chances[at])
        name = origin.by[int(origin.chosen_by[at])]
        return PICKED, name, int(origin.rounds[at]), None if math.isnan(chance) else float(f"{chance:.6g}")
    if at < origin.ranked:
        return BEHIND, version.strategy, None, None
    return (COPY if at < origin.ranked + origin.copies else UNREAD), NOBODY, None, None


def _number(score: float, total: int) -> int:
    """A place as people count: 1 for the first, and for what comes before it."""
    return math.ceil(score * total - 0.5 - _EXACT) + 1


def _wrong(version: ModelVersion, layers: Layers | None) -> Tensor | None:
    return None if layers is None or version.error_head is None else version.error_head(layers)


def _application(version: ModelVersion, layers: Layers | None) -> Tensor | None:
    head = version.scorer_head
    return head(layers) if layers is not None and isinstance(head, DomainHead) else None


def _clusters(origin: QueueOrigin, features: Tensor | None, n: int) -> list[int] | list[None]:
    if features is None or not len(origin.centers):
        return [None] * n
    return [number + 1 for number in alike.nearest(features, origin.centers).tolist()]


def _rounded(values: Tensor | None, n: int) -> list[float] | list[None]:
    return [None] * n if values is None else [round(value, DIGITS) for value in values.tolist()]


def origin_of(ranking: Ranking, copies: int, waiting: Tensor, seed: int) -> QueueOrigin:
    """What a version keeps of how its queue came about. copies: behind what was ranked.

    waiting: float [N, D], of the tasks that were ranked.
    """
    names = tuple(dict.fromkeys(ranking.by))
    return QueueOrigin(
        ranked=len(ranking.order),
        copies=copies,
        by=names,
        chosen_by=torch.tensor([names.index(name) for name in ranking.by], dtype=torch.int64),
        rounds=ranking.rounds,
        chances=ranking.chance,
        centers=alike.centers(waiting, CLUSTERS, seed),
    )
