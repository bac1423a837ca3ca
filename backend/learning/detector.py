"""A head on feature maps that finds boxes: a class and four distances at each cell, without anchors.

Tian et al. 2019, FCOS, of one level. The maps come from a pretrained network and stay as they are, so that
training takes seconds and prediction milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.learning.overlap import suppressed

WIDTH = 96
LEAST = 0.1
"""A cell that is less sure of its best class gives no candidate, unless its picture has too few."""
FEWEST, MOST = 3, 30
"""Candidates of a picture."""
LOOKED_AT = 60
"""Cells of a picture among which candidates are sought, the surest."""
OVERLAP = 0.5
"""Of two candidates that overlap by more, the less sure one goes, whatever their classes are."""
BATCH = 64
"""Pictures in one pass."""
FULL = 100.0
"""Percent."""


@dataclass(frozen=True)
class Maps:
    """Pictures' maps, kept small. rows: uint8 [N, bytes]; opened: some of them -> float32 [n, C, G, G]."""

    rows: Tensor
    opened: Callable[[Tensor], Tensor]

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, items: Tensor) -> Maps:
        """items: int64 [n]."""
        return Maps(self.rows[items], self.opened)


class Candidates(NamedTuple):
    """Boxes that may be right, of N pictures. item: int64 [U], rising; boxes: float32 [U, 4], x, y, width and
    height in percent; logits: float32 [U, C + 1], of the classes and, last, of nothing, which is 0; cell:
    int64 [U], from which of the map's cells; vectors: float16 [U, D], the maps there. Of each picture the
    surest first."""

    item: Tensor
    boxes: Tensor
    logits: Tensor
    cell: Tensor
    vectors: Tensor

    @property
    def classes(self) -> Tensor:
        """What each would be, if anything: int64 [U]."""
        return self.logits[:, :-1].argmax(-1)

    @property
    def sure(self) -> Tensor:
        """How likely it is right: float32 [U] in [0, 1]."""
        return self.logits[:, :-1].amax(-1).sigmoid()


class Detector(nn.Module):
    """slope, offset: from its own logits to honest ones, see `calibrate`."""

    kind = "detector"
    center: Tensor
    scale: Tensor
    slope: Tensor
    offset: Tensor

    def __init__(self, channels: int, classes: int, width: int = WIDTH, seed: int = 0):
        super().__init__()
        self.channels, self.classes, self.width = channels, classes, width
        for name in ("center", "scale"):
            self.register_buffer(name, torch.ones(channels, 1, 1) * (name == "scale"))
        self.register_buffer("slope", torch.ones(()))
        self.register_buffer("offset", torch.zeros(()))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.narrow = nn.Conv2d(channels, width, 1)
            self.around = nn.Conv2d(width, width, 3, padding=1)
            self.says = nn.Conv2d(width, classes, 1)
            self.reaches = nn.Conv2d(width, 4, 1)
        with torch.no_grad():
            self.says.bias.fill_(-3.0)  # type: ignore[union-attr]  # most cells hold nothing (Lin et al. 2017)
            self.reaches.bias.fill_(0.5)  # type: ignore[union-attr]

    def described(self) -> dict[str, Any]:
        """What it takes to build it again, as JSON."""
        return {"kind": self.kind, "channels": self.channels, "classes": self.classes, "width": self.width}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Detector:
        """Out of `described()` and the state that it had."""
        detector = cls(described["channels"], described["classes"], described["width"])
        detector.load_state_dict(dict(weights))
        return detector

    def standardise_by(self, maps: Tensor) -> None:
        """maps: float32 [n, C, G, G]."""
        self.center.copy_(maps.mean((0, 2, 3))[:, None, None])
        self.scale.copy_(maps.std((0, 2, 3)).clamp(min=1e-3)[:, None, None])

    def forward(self, maps: Tensor, drop: float = 0.0) -> tuple[Tensor, Tensor]:
        """Logits [n, classes, G, G] and distances in cells to the left, top, right, bottom, [n, 4, G, G].

        maps: float32 [n, channels, G, G]; drop: the share of the features that is left out.
        """
        x = F.gelu(self._narrowed(maps))
        x = F.gelu(self.around(F.dropout(x, drop, training=drop > 0)))
        x = F.dropout(x, drop, training=drop > 0)
        return self.says(x), self.reaches(x).clamp(max=4).exp()

    def _narrowed(self, maps: Tensor) -> Tensor:
        """Of the standardised maps, which are not written down: a few weights are divided instead."""
        weight = self.narrow.weight / self.scale
        assert self.narrow.bias is not None
        return F.conv2d(maps, weight, self.narrow.bias - (weight * self.center).sum((1, 2, 3)))

    def calibrate(self, slope: float, offset: float) -> None:
        self.slope.fill_(slope)
        self.offset.fill_(offset)

    @torch.no_grad()
    def candidates(self, maps: Maps) -> Candidates:
        """What it sees in pictures, FEWEST at least and MOST at most in each."""
        found = [self._candidates(maps, start) for start in range(0, len(maps), BATCH)]
        if not found:
            empty = torch.zeros(0, dtype=torch.int64)
            sizes = (4, self.classes + 1, self.channels)
            boxes, logits, vectors = (torch.zeros(0, size) for size in sizes)
            return Candidates(empty, boxes, logits, empty, vectors.half())
        return Candidates(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def _candidates(self, maps: Maps, start: int) -> Candidates:
        device = self.center.device
        opened = maps.opened(maps.rows[start : start + BATCH]).to(device)
        logits, reach = self(opened)
        flat = logits.flatten(2)  # [n, C, cells]
        best, cell = flat.amax(1).topk(min(LOOKED_AT, flat.shape[-1]))
        boxes = boxes_at(reach.flatten(2), opened.shape[-1])
        boxes = boxes.gather(1, cell[..., None].expand(-1, -1, 4))
        stays = ~suppressed(boxes, OVERLAP)
        place = stays.cumsum(1)
        stays &= (place <= MOST) & ((best.sigmoid() > LEAST) | (place <= FEWEST))
        item, at = stays.nonzero(as_tuple=True)
        chosen = cell[item, at]
        said = flat[item, :, chosen] * self.slope + self.offset
        nothing = said.new_zeros(len(said), 1)
        vectors = opened.flatten(2)[item, :, chosen].half()
        found = (item + start, boxes[item, at], torch.cat([said, nothing], 1), chosen, vectors)
        return Candidates(*(each.cpu() for each in found))

    @torch.no_grad()
    def logits_at(self, maps: Maps, item: Tensor, cell: Tensor, drop: float = 0.0) -> Tensor:
        """What it says of others' candidates: float32 [U, C + 1]. item: int64 [U], rising; cell: int64 [U];
        drop: see `forward`."""
        parts = [torch.zeros(0, self.classes + 1)]
        for start in range(0, len(maps), BATCH):
            here = (item >= start) & (item < start + BATCH)
            logits, _ = self(maps.opened(maps.rows[start : start + BATCH]).to(self.center.device), drop)
            said = logits.flatten(2)[item[here] - start, :, cell[here]] * self.slope + self.offset
            parts.append(torch.cat([said, said.new_zeros(len(said), 1)], 1).cpu())
        return torch.cat(parts)


def boxes_at(reach: Tensor, grid: int) -> Tensor:
    """Float [n, cells, 4] in percent, within the picture. reach: float [n, 4, cells], in cells."""
    middles = torch.arange(grid, device=reach.device) + 0.5
    y, x = (each.flatten() for each in torch.meshgrid(middles, middles, indexing="ij"))
    left, top, right, bottom = reach.unbind(1)
    begin = torch.stack([x - left, y - top], -1).clamp(0, grid)
    end = torch.stack([x + right, y + bottom], -1).clamp(0, grid)
    return torch.cat([begin, end - begin], -1) * (FULL / grid)
