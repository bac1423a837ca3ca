"""EfficientNet-lite0 with ImageNet's weights, as a function of arrays: no module, no batch norm, no head.

Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019; the "lite"
family (tensorflow/tpu, models/official/efficientnet/lite) has no squeeze-and-excitation and ReLU6 throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""Of each stage its blocks, and the stride of the first of them; the rest have stride 1."""
MIDDLE = 10
"""The last block at stride 16, about two thirds of the way."""
MIDDLE_CHANNELS = 112
LAST_CHANNELS = 1280
LEVELS = {4: (2, 24), 8: (4, 40), 16: (MIDDLE, MIDDLE_CHANNELS), 32: (15, 320)}
"""Of each stride its last block, and the channels of what that gives."""
_EPSILON = 1e-3


class Maps(NamedTuple):
    """middle: float32 [N, 112, H/16, W/16]; last: float32 [N, 1280, H/32, W/32], both rounded up."""

    middle: Tensor
    last: Tensor


@dataclass(frozen=True)
class Convolution:
    """weight: float32 [out, in / groups, k, k], with the batch norm behind it; bias: float32 [out]."""

    weight: Tensor
    bias: Tensor
    stride: int = 1

    def __call__(self, x: Tensor) -> Tensor:
        size = self.weight.shape[-1]
        if self.stride == 1:
            padding: int = size // 2
        else:  # TensorFlow's SAME pads the end more than the beginning
            padding = 0
            height, width = (_padding(side, size, self.stride) for side in x.shape[-2:])
            x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        groups = x.shape[1] // self.weight.shape[1]
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=groups)


@dataclass(frozen=True)
class Block:
    """A mobile inverted bottleneck: widened (but for the first), filtered channel by channel, narrowed."""

    widen: Convolution | None
    filter: Convolution
    narrow: Convolution

    def __call__(self, x: Tensor) -> Tensor:
        y = x if self.widen is None else F.relu6(self.widen(x))
        y = self.narrow(F.relu6(self.filter(y)))
        return y + x if self.filter.stride == 1 and y.shape == x.shape else y


Change = Callable[[Convolution], Convolution]


class Lite0:
    """The network up to its last feature map. Raises KeyError or ValueError for weights of another one."""

    def __init__(self, state: Mapping[str, Tensor]):
        """state: as the PyTorch port names its weights (`_conv_stem.weight`, `_blocks.0._bn1.bias`, ...)."""
        self._stem = _folded(state, "_conv_stem", "_bn0", stride=2)
        self._blocks = [_block(state, f"_blocks.{i}.", stride) for i, stride in enumerate(_strides())]
        self._head = _folded(state, "_conv_head", "_bn1")
        if len(self._head.bias) != LAST_CHANNELS or len(self._blocks[MIDDLE].narrow.bias) != MIDDLE_CHANNELS:
            raise ValueError("these are not the weights of EfficientNet-lite0")

    @torch.inference_mode()
    def maps(self, images: Tensor) -> Maps:
        """images: float32 [N, 3, H, W], red, green and blue from 0 to 255."""
        middle = self.lower(images)
        return Maps(middle, self.upper(middle))

    def lower(self, images: Tensor) -> Tensor:
        """The middle map. images: as of `maps`."""
        # Channels last: up to half the time on a processor.
        x = ((images - 127) / 128).contiguous(memory_format=torch.channels_last)  # as it was trained
        x = F.relu6(self._stem(x))
        for block in self._blocks[: MIDDLE + 1]:
            x = block(x)
        return x

    @torch.inference_mode()
    def pyramid(self, images: Tensor, strides: Sequence[int]) -> list[Tensor]:
        """What the last block of each of the LEVELS gives, float32 [N, C, H/stride, W/stride], rounded up.

        images: as of `maps`; strides: rising. What comes after the last of them is not computed.
        """
        x = ((images - 127) / 128).contiguous(memory_format=torch.channels_last)
        x = F.relu6(self._stem(x))
        found = []
        wanted = {LEVELS[stride][0] for stride in strides}
        for i, block in enumerate(self._blocks[: max(wanted) + 1]):
            x = block(x)
            if i in wanted:
                found.append(x)
        return found

    def upper(self, middle: Tensor) -> Tensor:
        """The last map, from the middle one."""
        x = middle
        for block in self._blocks[MIDDLE + 1 :]:
            x = block(x)
        return F.relu6(self._head(x))

    def to(self, device: str) -> Lite0:
        """The same network on another device."""
        every = range(len(self._blocks))
        return self.mapped(lambda convolution: _moved(convolution, device), every, ends=True)

    def mapped(self, change: Change, blocks: Iterable[int], *, ends: bool) -> Lite0:
        """The same network with other weights in some of its blocks, by number, and in its last convolution.

        ends: in its first one too. What is not changed is shared.
        """
        other = object.__new__(Lite0)
        other._stem = change(self._stem) if ends else self._stem
        other._blocks = list(self._blocks)
        for i in blocks:
            block = self._blocks[i]
            widen = None if block.widen is None else change(block.widen)
            other._blocks[i] = Block(widen, change(block.filter), change(block.narrow))
        other._head = change(self._head)
        return other


def _strides() -> Iterator[int]:
    for blocks, stride in STAGES:
        yield from (stride, *[1] * (blocks - 1))


def _block(state: Mapping[str, Tensor], name: str, stride: int) -> Block:
    widens = f"{name}_expand_conv.weight" in state
    return Block(
        _folded(state, f"{name}_expand_conv", f"{name}_bn0") if widens else None,
        _folded(state, f"{name}_depthwise_conv", f"{name}_bn1", stride),
        _folded(state, f"{name}_project_conv", f"{name}_bn2"),
    )


def _folded(state: Mapping[str, Tensor], convolution: str, norm: str, stride: int = 1) -> Convolution:
    scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _EPSILON).sqrt()
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    weight = state[f"{convolution}.weight"] * scale[:, None, None, None]
    return Convolution(weight.contiguous(memory_format=torch.channels_last), bias, stride)


def _moved(convolution: Convolution, device: str) -> Convolution:
    return replace(convolution, weight=convolution.weight.to(device), bias=convolution.bias.to(device))


def _padding(side: int, size: int, stride: int) -> int:
    outputs = -(-side // stride)
    return max((outputs - 1) * stride + size - side, 0)
