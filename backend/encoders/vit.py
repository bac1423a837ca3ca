"""Vision transformers as they are published, as a function of arrays: ViT, DeiT and DINOv2, under the names
of transformers or of timm.

Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021; Oquab et al., DINOv2, TMLR 2024; registers:
Darcet et al., ICLR 2024. A file with weights of any other layer is refused: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_BLOCK = r"(?:encoder\.layer|blocks)\.(\d+)\."
_RENAMED = (
    (r"^(vit|deit|dinov2|dinov2_with_registers|model)\.", ""),
    (r"^embeddings\.patch_embeddings\.projection\.|^patch_embed\.proj\.", "patches."),
    (r"^embeddings\.position_embeddings$|^pos_embed$", "positions"),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.register_tokens$|^reg_token$", "registers"),
    (r"^layernorm\.", "norm."),
    (rf"^{_BLOCK}", r"\1."),
    (r"^(\d+)\.attention\.attention\.(query|key|value)\.", r"\1.\2."),
    (r"^(\d+)\.(attention\.output\.dense|attn\.proj)\.", r"\1.out."),
    (r"^(\d+)\.attn\.qkv\.", r"\1.qkv."),
    (r"^(\d+)\.layernorm_before\.", r"\1.norm1."),
    (r"^(\d+)\.layernorm_after\.", r"\1.norm2."),
    (r"^(\d+)\.(intermediate\.dense|mlp\.fc1)\.", r"\1.wide."),
    (r"^(\d+)\.(output\.dense|mlp\.fc2)\.", r"\1.narrow."),
    (r"^(\d+)\.(layer_scale(\d)\.lambda1|ls(\d)\.gamma)$", r"\1.scale\3\4"),
)
_UNUSED = re.compile(r"(embeddings\.)?mask_token$|pooler\.|head\.|classifier\.|fc_norm\.")
"""Of pretraining, and of the classes that it was trained for."""
_READ = re.compile(
    r"(patches|norm)\.(weight|bias)$|positions$|cls_token$|registers$"
    r"|\d+\.((query|key|value|qkv|out|norm1|norm2|wide|narrow)\.(weight|bias)|scale[12])$"
)


class Tokens(NamedTuple):
    """last: float32 [N, D], the class token behind the last norm; middle: float32 [N, D, h, w], the patches
    after two thirds of the blocks."""

    last: Tensor
    middle: Tensor


@dataclass(frozen=True)
class VitConfig:
    """heads: None for one per 64 numbers, as timm's models of these names have it; smooth: whether positions
    are brought to another grid with antialiasing."""

    heads: int | None = None
    epsilon: float = 1e-6
    smooth: bool = False


class Vit:
    """dims: numbers of a token; patch: pixels of a patch's side. Raises ValueError for weights of another
    network."""

    def __init__(self, config: VitConfig, state: Mapping[str, Tensor]):
        self._weights = {
            renamed(name): tensor.float() for name, tensor in state.items() if not _UNUSED.match(_bare(name))
        }
        others = sorted(name for name in self._weights if not _READ.match(name))
        if others:
            raise ValueError(f"it has layers that are not read here: {', '.join(others[:3])}")
        self.dims, _, self.patch, _ = self._weights["patches.weight"].shape
        self._heads = config.heads or self.dims // 64
        if self.dims % self._heads or (config.heads is None and self.dims % 64):
            raise ValueError(f"{self.dims} numbers do not go by {self._heads} heads of attention")
        self._depth = 1 + max(int(name.split(".")[0]) for name in self._weights if name[0].isdigit())
        self._epsilon, self._smooth = config.epsilon, config.smooth

    def to(self, device: str) -> Vit:
        """The same network on another device."""
        other = object.__new__(Vit)
        other.__dict__ = {**self.__dict__, "_weights": {k: v.to(device) for k, v in self._weights.items()}}
        return other

    @torch.inference_mode()
    def outputs(self, images: Tensor) -> Tokens:
        """images: float32 [N, 3, H, W], normalised, H and W multiples of the patch."""
        weights = self._weights
        patches = F.conv2d(images, weights["patches.weight"], weights.get("patches.bias"), stride=self.patch)
        height, width = patches.shape[-2:]
        x = self._with_positions(patches.flatten(2).transpose(1, 2), height, width)
        middle = x
        for number in range(self._depth):
            x = self._block(x, f"{number}.")
            if number + 1 == max(1, round(self._depth * 2 / 3)):
                middle = x
        last = self._norm(x[:, :1], "norm")[:, 0]
        of_patches = middle[:, -height * width :].transpose(1, 2).unflatten(2, (height, width))
        return Tokens(last, of_patches)

    def _with_positions(self, x: Tensor, height: int, width: int) -> Tensor:
        """The class token, the registers, the patches."""
        positions = self._weights["positions"]
        of_class = positions.shape[1] - int((positions.shape[1]) ** 0.5) ** 2
        x = x + self._grid(positions[:, of_class:], height, width)
        cls = self._weights["cls_token"]
        cls = cls + positions[:, :1] if of_class else cls
        first = [cls, *([self._weights["registers"]] if "registers" in self._weights else [])]
        return torch.cat([*(each.expand(len(x), -1, -1) for each in first), x], dim=1)

    def _grid(self, positions: Tensor, height: int, width: int) -> Tensor:
        side = int(positions.shape[1] ** 0.5)
        if (height, width) == (side, side):
            return positions
        grid = positions.transpose(1, 2).unflatten(2, (side, side))
        scaled = F.interpolate(
            grid, (height, width), mode="bicubic", antialias=self._smooth, align_corners=False
        )
        return scaled.flatten(2).transpose(1, 2)

    def _block(self, x: Tensor, name: str) -> Tensor:
        x = x + self._scaled(self._attention(self._norm(x, f"{name}norm1"), name), f"{name}scale1")
        wide = F.gelu(self._linear(self._norm(x, f"{name}norm2"), f"{name}wide"))
        return x + self._scaled(self._linear(wide, f"{name}narrow"), f"{name}scale2")

    def _attention(self, x: Tensor, name: str) -> Tensor:
        if f"{name}qkv.weight" in self._weights:
            parts = self._linear(x, f"{name}qkv").chunk(3, dim=-1)
        else:
            parts = tuple(self._linear(x, f"{name}{each}") for each in ("query", "key", "value"))
        query, key, value = (each.unflatten(-1, (self._heads, -1)).transpose(1, 2) for each in parts)
        found = F.scaled_dot_product_attention(query, key, value)
        return self._linear(found.transpose(1, 2).flatten(2), f"{name}out")

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weights = self._weights
        return F.layer_norm(
            x, (self.dims,), weights[f"{name}.weight"], weights[f"{name}.bias"], self._epsilon
        )

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias"))

    def _scaled(self, x: Tensor, name: str) -> Tensor:
        return x * self._weights[name] if name in self._weights else x


def renamed(name: str) -> str:
    """A weight's name, the same for both ways of naming."""
    for pattern, other in _RENAMED:
        name = re.sub(pattern, other, name)
    return name


def _bare(name: str) -> str:
    return re.sub(_RENAMED[0][0], "", name)
