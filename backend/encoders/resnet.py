"""Residual networks as they are published, as a function of arrays: ResNet and ResNeXt, under the names of
transformers or of timm.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016, with the stride in a bottleneck's middle
convolution. A file with weights of any other layer is refused: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.encoders.lite0 import Maps

_EPSILON = 1e-5
_RENAMED = (
    (r"^(resnet|model)\.", ""),
    (r"^embedder\.embedder\.convolution\.", "conv1."),
    (r"^embedder\.embedder\.normalization\.", "bn1."),
    (r"^encoder\.stages\.(\d)\.layers\.(\d+)\.", lambda found: f"layer{int(found[1]) + 1}.{found[2]}."),
    (r"\.layer\.(\d)\.convolution\.", lambda found: f".conv{int(found[1]) + 1}."),
    (r"\.layer\.(\d)\.normalization\.", lambda found: f".bn{int(found[1]) + 1}."),
    (r"\.shortcut\.convolution\.", ".downsample.0."),
    (r"\.shortcut\.normalization\.", ".downsample.1."),
)
_UNUSED = re.compile(r"fc\.|classifier\.|.*num_batches_tracked$")
_NORM = r"(weight|bias|running_mean|running_var)"
_READ = re.compile(
    rf"conv1\.weight$|bn1\.{_NORM}$"
    rf"|layer[1-4]\.\d+\.(conv[123]\.weight|bn[123]\.{_NORM}|downsample\.(0\.weight|1\.{_NORM}))$"
)


class Resnet:
    """Raises ValueError for weights of another network."""

    def __init__(self, state: Mapping[str, Tensor]):
        self._weights = {
            name: tensor.float() for name, tensor in _all_renamed(state).items() if not _UNUSED.match(name)
        }
        others = sorted(name for name in self._weights if not _READ.match(name))
        if others:
            raise ValueError(f"it has layers that are not read here: {', '.join(others[:3])}")
        if self._weights["conv1.weight"].shape[-1] != 7:
            raise ValueError("its first layer is not that of a ResNet")
        self._blocks = [
            max(int(name.split(".")[1]) for name in self._weights if name.startswith(f"layer{stage}.")) + 1
            for stage in range(1, 5)
        ]

    def to(self, device: str) -> Resnet:
        """The same network on another device."""
        other = object.__new__(Resnet)
        other.__dict__ = {**self.__dict__, "_weights": {k: v.to(device) for k, v in self._weights.items()}}
        return other

    @torch.inference_mode()
    def maps(self, images: Tensor) -> Maps:
        """The maps at stride 16 and 32. images: float32 [N, 3, H, W], normalised."""
        x = F.relu(self._step(images, "conv1", "bn1", 2))
        x = middle = F.max_pool2d(x, 3, stride=2, padding=1)
        for stage, blocks in enumerate(self._blocks, 1):
            for number in range(blocks):
                x = self._block(x, f"layer{stage}.{number}.", 2 if stage > 1 and number == 0 else 1)
            if stage == 3:
                middle = x
        return Maps(middle, x)

    def _block(self, x: Tensor, name: str, stride: int) -> Tensor:
        is_bottleneck = f"{name}conv3.weight" in self._weights
        strides = (1, stride, 1) if is_bottleneck else (stride, 1)
        y = x
        for number, each in enumerate(strides, 1):
            y = self._step(y, f"{name}conv{number}", f"{name}bn{number}", each)
            y = F.relu(y) if number < len(strides) else y
        if f"{name}downsample.0.weight" in self._weights:
            x = self._step(x, f"{name}downsample.0", f"{name}downsample.1", stride)
        return F.relu(x + y)

    def _step(self, x: Tensor, convolution: str, norm: str, stride: int) -> Tensor:
        weight = self._weights[f"{convolution}.weight"]
        groups = x.shape[1] // weight.shape[1]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        named = (f"{norm}.{each}" for each in ("running_mean", "running_var", "weight", "bias"))
        average, variance, scale, shift = (self._weights[each] for each in named)
        return F.batch_norm(x, average, variance, scale, shift, eps=_EPSILON)


def _all_renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for name, tensor in state.items():
        for pattern, other in _RENAMED:
            name = re.sub(pattern, other, name)
        found[name] = tensor
    return found
