"""Why tasks stand where they do in a queue: one answer for what is published, predicted and kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from backend.learning.domain_head import DomainHead
from backend.said.base import Said
from backend.sampling import alike, audit
from backend.sampling.turns import Turns
from backend.store.model_version import ModelVersion
from backend.store.queue_origin import QueueOrigin
from backend.store.reason import AUDIT, BEHIND, COPY, LATE, NOBODY, PICKED, UNKNOWN, UNREAD, Reason

CLUSTERS = 10
DIGITS = 4
Numbers = list[float] | list[None]
_EXACT = 1e-6
"""Of a place: it comes as a fraction of the queue."""


def reasons_of(
    version: ModelVersion,
    scores: Sequence[float],
    features: Tensor | None = None,
    said: Sequence[Said] = (),
    came: Sequence[str | None] | None = None,
) -> list[Reason]:
    """Of N tasks with these places in the version's queue, in (0, 1).

    features: float [N, D]; said: what the version's models say of them; without, only the place is told.
    came: LATE or COPY for one that came after the ranking; by default none did.
    """
    total, n = len(version.queue_ids), len(scores)
    clusters = _clusters(version.origin, features, n)
    by_control = {each.control.from_name: each for each in said}
    doubts = {name: _doubts(version, name, by_control, n) for name in _controls(version)}
    found, main = [], version.scheme.main.from_name
    for i, score in enumerate(scores):
        number = _number(score, total)
        reason = _placed(version, number, None if came is None else came[i])
        wrong, application, doubt = doubts.get(reason.control or main, doubts[main])
        found.append(
            replace(
                reason,
                version=version.name,
                place=number,
                of=total,
                p_wrong=wrong[i],
                p_application=application[i],
                doubt=doubt[i],
                cluster=clusters[i],
            )
        )
    return found


def _controls(version: ModelVersion) -> tuple[str, ...]:
    """Those that order the queue."""
    return tuple(each.control for each in version.orders) or (version.scheme.main.from_name,)


def _placed(version: ModelVersion, number: int, came: str | None) -> Reason:
    """How a task came to its place, by what, for whose sake, in which round, and with what chance.

    number: its place, from 1.
    """
    origin, at = version.origin, number - 1
    alone = version.scheme.main.from_name if len(_controls(version)) == 1 else None
    if came is not None:
        return Reason(came, version.strategy if came == LATE else NOBODY, control=alone)
    if not origin.is_known:
        return Reason(UNKNOWN, version.strategy, control=alone)
    if at < len(origin.rounds) and origin.by[int(origin.chosen_by[at])] == audit.AUDIT:
        return Reason(AUDIT, control=alone, chance=chance_of(origin.chances, at))
    if at < len(origin.rounds):
        return Reason(
            PICKED,
            origin.by[int(origin.chosen_by[at])],
            control=origin.controls[int(origin.in_turn_of[at])] if origin.controls else alone,
            round=int(origin.rounds[at]),
            chance=chance_of(origin.chances, at),
        )
    if at < origin.ranked:
        return Reason(BEHIND, version.strategy, control=alone)
    return Reason(COPY if at < origin.ranked + origin.copies else UNREAD, control=alone)


def chance_of(chances: Tensor, at: int) -> float | None:
    """One of them, None where nobody knows it. chances: float64 [n]."""
    chance = float(chances[at])
    return None if math.isnan(chance) else float(f"{chance:.6g}")


def _number(score: float, total: int) -> int:
    """A place as people count: 1 for the first, and for what comes before it."""
    return math.ceil(score * total - 0.5 - _EXACT) + 1


def _doubts(
    version: ModelVersion, control: str, said: Mapping[str, Said], n: int
) -> tuple[Numbers, Numbers, Numbers]:
    """P(wrong), P(application) and the doubt of N tasks, by what one control's models say of them; the
    second, where no head of its own tells, by what the first control's say. said: by control.
    """
    orders = {each.control: each.scorer_head for each in version.orders}
    own, first = said.get(control), said.get(version.scheme.main.from_name)
    error_head, learned = version.error_head_of(control), orders.get(control, version.scorer_head)
    application = own.judged(learned) if own is not None and isinstance(learned, DomainHead) else None
    if application is None and first is not None and version.domain_head is not None:
        application = first.judged(version.domain_head)
    return (
        _rounded(None if own is None or error_head is None else own.judged(error_head), n),
        _rounded(application, n),
        _rounded(None if own is None else own.doubt(), n),
    )


def _clusters(origin: QueueOrigin, features: Tensor | None, n: int) -> list[int] | list[None]:
    if features is None or not len(origin.centers):
        return [None] * n
    return [number + 1 for number in alike.nearest(features, origin.centers).tolist()]


def _rounded(values: Tensor | None, n: int) -> Numbers:
    return [None] * n if values is None else [round(value, DIGITS) for value in values.tolist()]


def origin_of(turns: Turns, copies: int, controls: Sequence[str], silent: Tensor) -> QueueOrigin:
    """What a version keeps of how its queue came about, but for the `centers_of` what was ranked.

    copies: behind what was ranked; controls: that ordered it; silent: int64 [m], places whose tasks carry no
    guess.
    """
    ranking, turn = turns
    names = tuple(dict.fromkeys(ranking.by))
    return QueueOrigin(
        ranked=len(ranking.order),
        copies=copies,
        by=names,
        chosen_by=torch.tensor([names.index(name) for name in ranking.by], dtype=torch.int64),
        rounds=ranking.rounds,
        chances=ranking.chance,
        controls=tuple(controls) if len(controls) > 1 else (),
        in_turn_of=turn[: len(ranking.by)] if len(controls) > 1 else turn[:0],
        silent=silent,
    )


def centers_of(waiting: Tensor, seed: int) -> Tensor:
    """Of the clusters that a queue's tasks are told to be of: see `QueueOrigin`. waiting: float [N, D]."""
    return alike.centers(waiting, CLUSTERS, seed)
