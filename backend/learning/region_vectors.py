"""A vector of each region of a content: of the words in a span, of the maps within a box or an area."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.encoders.maps import at_points
from backend.learning.cells import Look, centres
from backend.learning.detector import Maps
from backend.learning.units import Units, rows_of_items

SIDE = 3
"""Points across a box, and down, at which its maps are read."""
BATCH = 64
"""Boxes whose maps are opened at once."""
_FAR = 1 << 40
"""Beyond the characters of any text."""


def of_spans(units: Units, item: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the words that a span meets: float32 [R, D]; of which regions there is one, bool [R].

    units: words, rising in each text; item: int64 [R], whose each span is; places: int64 [R, 2], start and
    end in code points. Only words in spans are copied.
    """
    first = torch.searchsorted(units.item * _FAR + units.marks[:, 1], item * _FAR + places[:, 0], right=True)
    last = torch.searchsorted(units.item * _FAR + units.marks[:, 0], item * _FAR + places[:, 1])
    words = (last - first).clamp(min=0)
    span = torch.arange(len(item)).repeat_interleave(words)
    word = torch.arange(len(span)) - (words.cumsum(0) - words)[span] + first[span]
    sums = torch.zeros(len(item), units.rows.shape[1]).index_add_(0, span, units.rows[word].float())
    return sums / words.clamp(min=1)[:, None], words > 0


def of_boxes(maps: Maps, owner: Tensor, item: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the maps at SIDE x SIDE points within each box: float32 [R, D]; of which regions there are
    maps, bool [R].

    owner: int64 [N], rising, whose each of the maps are; item: int64 [R]; places: float32 [R, 4], x, y, width
    and height in percent.
    """
    row = torch.searchsorted(owner, item)
    there = torch.isin(item, owner)
    steps = (torch.arange(SIDE) + 0.5) / SIDE
    within = torch.cartesian_prod(steps, steps)  # [SIDE * SIDE, 2]
    points = (places[:, None, :2] + places[:, None, 2:] * within) / 100
    found = [
        at_points(maps.opened(maps.rows[row[some]]), points[some]).mean(1)
        for some in there.nonzero()[:, 0].split(BATCH)
    ]
    if not found:
        return torch.zeros(len(item), 0), there
    seen = torch.cat(found)
    return seen.new_zeros(len(item), seen.shape[1]).index_put_((there.nonzero()[:, 0],), seen), there


def of_areas(
    look: Look, owner: Tensor, item: Tensor, places: Sequence[Sequence[int]], across: int
) -> tuple[Tensor, Tensor]:
    """The mean of the maps at an area's cells: float32 [R, D]; of which regions there are maps, bool [R].

    owner: int64 [N], rising, whose each of the maps is that can be looked at; item: int64 [R]; places: of
    each region the numbers, row by row, of its cells, one at least, of a grid of across x across.
    """
    row, there, points = torch.searchsorted(owner, item), torch.isin(item, owner), centres(across)
    known = there.nonzero()[:, 0]
    of_each = [known[rows] for rows in rows_of_items(row[known], len(owner)) if len(rows)]
    found: list[Tensor] = []
    for regions in of_each:
        parts = [torch.tensor(places[region]) for region in regions.tolist()]
        seen = look(row[regions[:1]], points[torch.cat(parts)][None])[0]  # maps are opened once
        found += [each.mean(0) for each in seen.split([len(each) for each in parts])]
    if not found:
        return torch.zeros(len(item), 0), there
    vectors = torch.stack(found)
    return vectors.new_zeros(len(item), vectors.shape[1]).index_put_((torch.cat(of_each),), vectors), there
