"""Strategies made of strategies, as users write them.

* `margin within 20% by representative`: the pool is first cut to the 20 % that stand first in the queue of
  `representative`, and `margin` picks from these. A queue is a strategy's batch and behind it the others
  by the strategy's number; one that has no number for every item (`auto`, `badge`, `typiclust` and those
  that go by cluster) leaves the order behind its batch to margin.
* `70% auto and 30% random`: both pick from the whole pool, by these shares; what both want is taken once.
* `within` nests: `clusters within 20% by model_outliers within 50% by margin` cuts to half by margin, of
  that to a fifth by outliers, and picks by cluster from these: shares are of what the cut to the right left.
* One part may leave its share out and takes the rest: `5% random and auto`.
* The two combine, `within` binding closer than `and`:
  `80% margin within 50% by representative and 20% random`.
* `margin by source` serves each value of the tasks' field `source` in turn, each by `margin`. It binds looser
  than `within` and closer than `and`; `clusters by source within 50% by margin` makes the cut first.
* Each name may be followed by options: `70% atlas round=2 and 30% clusters random=1`.
* At most MAX_PARTS are joined: each is asked for the whole batch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from backend.fields import OF_A_FIELD, check_fields
from backend.sampling.batches import chances_of, ends, in_whole_batches, joined, next_size, rounds_of
from backend.sampling.by_field import ByField
from backend.sampling.part import Part
from backend.sampling.scene import Picks, Scene

MAX_PARTS = 10
_SHOWN = 200
"""Characters of a composition that its refusal repeats."""
_WITHIN = re.compile(r"^(?P<inner>.+) within (?P<share>\S+?) ?% by (?P<outer>.+)$")
_SHARE = re.compile(r"^(?P<share>\S+?) ?% (?P<part>.+)$")


@dataclass(frozen=True)
class Within:
    """`inner` picks from the share (0 to 1) of the pool that stands first in `outer`'s queue, 2 n items at
    least, so that it has a choice.

    Of `outer` no more than a batch is asked: what it picks one by one it need not for half the pool. Where
    the head needs more than half of what was cut out, the cut is made larger.
    """

    inner: Part
    outer: Part
    share: float

    @property
    def needs_classifier(self) -> bool:
        return self.inner.needs_classifier or self.outer.needs_classifier

    def pick(self, scene: Scene, n: int) -> Picks:
        queue = scene.queue(self.outer.pick(scene, min(next_size(scene), scene.left)))
        least = round(self.share * scene.size)
        before, answers, now = len(scene.picked), [], scene
        while (found := len(now.picked) - before) < n:
            # All batches that the cut leaves a choice, one at least.
            room = found + next(end for end, later in pairwise(ends(now)) if 2 * (found + later) > least)
            kept = queue[: max(2 * room, least)]
            kept = torch.cat([now.picked, kept[~now.is_picked[kept]]])
            picks = self.inner.pick(now.narrowed(kept[len(now.picked) :]), min(room, n) - found)
            answers.append(replace(picks, indices=kept[picks.indices], worth=None))
            now = now.after(answers[-1].indices)
        return joined(answers)


@dataclass(frozen=True)
class Shares:
    """Each part picks its share of the batch; the picks are interleaved, so that every stretch is mixed.

    names: of the parts, as they are written: what chose a pick is told by its part.
    """

    parts: tuple[tuple[float, Part], ...]
    names: tuple[str, ...]

    @property
    def needs_classifier(self) -> bool:
        return any(part.needs_classifier for _, part in self.parts)

    def pick(self, scene: Scene, n: int) -> Picks:
        # Each part is asked for n, so that it can step in with its next ones where others took the same.
        own = [scene.in_batches_of(math.ceil(share * scene.batch)) for share, _ in self.parts]
        answers = [
            in_whole_batches(each, part.pick, n) for each, (_, part) in zip(own, self.parts, strict=True)
        ]
        due = torch.cat([torch.arange(1, n + 1) / share for share, _ in self.parts])
        turn = due.argsort(stable=True)
        wanted = torch.cat([each.indices for each in answers])[turn]
        chances = torch.cat([chances_of(each) for each in answers])[turn]
        rounds = torch.cat([rounds_of(each) for each in answers])[turn]
        named = zip(answers, self.names, strict=True)
        by = [name or own for each, own in named for name in each.by or (own,) * n]
        first = _first_of_each(wanted)[:n]
        told = first.cpu()
        return Picks(
            wanted[first],
            by=tuple(by[i] for i in turn[told].tolist()),
            rounds=rounds[told],
            chance=chances[told],
        )


Named = Callable[[str], Part]
"""A name with its options -> that strategy. Raises ValueError where there is none or an option is wrong."""


def parse(text: str, named: Named) -> Part | None:
    """What a composition says; None when it is none. Raises ValueError when it is one, but a wrong one."""
    check_fields(text)
    parts = [part.strip() for part in text.split(" and ")]
    if len(parts) == 1:
        return _composed(text.strip(), named, text)
    if len(parts) > MAX_PARTS:
        raise ValueError(
            f"{text[:_SHOWN]!r}: {len(parts)} parts are joined by 'and', at most {MAX_PARTS} may be"
        )
    shares = [_share(part, named, text) for part in parts]
    total = sum(share for share, _ in shares if share is not None)
    missing = sum(share is None for share, _ in shares)
    if missing > 1:
        raise ValueError(
            f"{text!r}: of the parts joined by 'and' each but one needs its share, such as '70% margin'"
        )
    if (missing and total >= 1) or (not missing and abs(total - 1) > 1e-6):
        raise ValueError(
            f"{text!r}: the shares add up to {total:.0%}, "
            + ("which leaves nothing for the part without one" if missing else "not to 100%")
        )
    names = tuple(_SHARE.sub(r"\g<part>", part) for part in parts)
    return Shares(tuple((1 - total if share is None else share, part) for share, part in shares), names)


def _share(part: str, named: Named, text: str) -> tuple[float | None, Part]:
    """A part of an `and`, and its share, None where it is left out."""
    match = _SHARE.match(part)
    name = part if match is None else match["part"]
    share = None if match is None else _percent(match["share"], text)
    return share, _part(name, named, text)


def _part(text: str, named: Named, whole: str) -> Part:
    """What stands between two `and`, or before a `within`. whole: the composition that it stands in."""
    return _composed(text, named, whole) or _named(text, named, whole)


def _composed(part: str, named: Named, text: str) -> Part | None:
    """None where it is a name."""
    match = OF_A_FIELD.match(part)
    if match is None:
        return _within(part, named, text)
    if OF_A_FIELD.match(match["part"]):
        raise ValueError(f"{text[:_SHOWN]!r}: a strategy goes by one field, not by several")
    return ByField(_part(match["part"], named, text), match["field"])


def _within(part: str, named: Named, text: str) -> Part | None:
    """The last cut is made first. None where there is none."""
    match = _WITHIN.match(part)
    if match is None:
        return None
    if part.count(" within ") > MAX_PARTS:
        raise ValueError(f"{text[:_SHOWN]!r}: at most {MAX_PARTS} times 'within'")
    inner = match["inner"]
    return Within(
        _part(inner, named, text),
        _named(match["outer"], named, text),
        _percent(match["share"], text),
    )


def _named(name: str, named: Named, text: str) -> Part:
    try:
        return named(name.strip())
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from error


def _percent(number: str, text: str) -> float:
    try:
        share = float(number) / 100
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise ValueError(f"{text!r}: a share must be a number above 0% and at most 100%, not {number}%")
    return share


def _first_of_each(indices: Tensor) -> Tensor:
    """Where each of them appears first, rising: int64 [k]."""
    values, inverse = indices.unique(return_inverse=True)
    first = torch.full_like(values, len(indices)).scatter_reduce_(
        0, inverse, torch.arange(len(indices), device=indices.device), reduce="amin"
    )
    return first.sort().values
