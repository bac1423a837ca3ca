"""The last blocks of EfficientNet-lite0, to be adapted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from backend.encoders.backbones import Depth, nothing
from backend.encoders.lite0 import LAST_CHANNELS, MIDDLE, MIDDLE_CHANNELS, STAGES, Convolution, Lite0
from backend.encoders.placed import Placed
from backend.encoders.squares import GRID, Pixels, pooled_last, pooled_middle, squared

BATCH = 8
"""Pictures in one pass."""
BLOCKS = sum(blocks for blocks, _ in STAGES)


class PictureInputs:
    """x: float32 [N, C, H, W], what goes into the blocks."""

    def __init__(self, x: Tensor):
        self._x = x

    def __len__(self) -> int:
        return len(self._x)

    def batch(self, rows: Sequence[int], device: str = "cpu") -> Tensor:
        return self._x[list(rows)].to(device)


class PictureBackbone:
    """What comes after the middle map, which then stays as it is; or all of the network."""

    def __init__(self, placed: Placed[Lite0], side: int, depth: Depth):
        self._placed = placed
        self._side = side
        self._whole = depth == "all"

    @property
    def columns(self) -> int:
        return LAST_CHANNELS + (MIDDLE_CHANNELS * GRID * GRID if self._whole else 0)

    @torch.no_grad()  # inference mode's tensors could not be trained on
    def inputs(self, contents: Sequence[Pixels], batch_done: Callable[[], object] = nothing) -> PictureInputs:
        batches = []
        device, network = self._placed()
        for start in range(0, len(contents), BATCH):
            images = [squared(each, self._side) for each in contents[start : start + BATCH]]
            whole = torch.stack(images)
            batches.append(whole if self._whole else network.lower(whole.to(device)).cpu())
            batch_done()
        return PictureInputs(torch.cat(batches).clone() if batches else torch.zeros(0, 3, 1, 1))

    def sizes(self, contents: Sequence[Pixels]) -> list[int]:
        small = MIDDLE_CHANNELS * (-(-self._side // 16)) ** 2
        return [3 * self._side**2 if self._whole else small] * len(contents)

    def blocks(self) -> PictureBlocks:
        return PictureBlocks(self._placed.load(), whole=self._whole)


class PictureBlocks(nn.Module):
    """With weights of its own: of all blocks where it is the `whole` network, else of those after MIDDLE."""

    def __init__(self, network: Lite0, *, whole: bool):
        super().__init__()
        self._whole = whole
        own = range(0 if whole else MIDDLE + 1, BLOCKS)
        self._network = network.mapped(self._copied, own, ends=whole)

    def _copied(self, convolution: Convolution) -> Convolution:
        number = sum(1 for _ in self.parameters()) // 2
        weight, bias = nn.Parameter(convolution.weight.clone()), nn.Parameter(convolution.bias.clone())
        self.register_parameter(f"{number}/weight", weight)
        self.register_parameter(f"{number}/bias", bias)
        return Convolution(weight, bias, convolution.stride)

    def forward(self, x: Tensor) -> Tensor:
        """float32 [B, 1280], with the whole network [B, 1280 + 448]. x: of `PictureInputs`."""
        if not self._whole:
            return pooled_last(self._network.upper(x))
        middle = self._network.lower(x)
        return torch.cat([pooled_last(self._network.upper(middle)), pooled_middle(middle)], dim=1)
