"""A vision transformer and a residual network of few numbers, made of torch's own modules: what they give,
and their weights under the names of timm and of transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

DIMS, HEADS, DEPTH, PATCH, SIDE = 64, 1, 3, 8, 32
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.25]
TIMM: dict[str, Any] = {
    "architecture": "vit_tiny_patch8_32",
    "pretrained_cfg": {"input_size": [3, SIDE, SIDE], "mean": MEAN, "std": STD},
}
VIT = {"model_type": "vit", "num_attention_heads": HEADS, "layer_norm_eps": 1e-6, "hidden_act": "gelu"}


class TinyVit(nn.Module):
    def __init__(self, seed: int = 0):
        super().__init__()
        torch.manual_seed(seed)
        self.patches = nn.Conv2d(3, DIMS, PATCH, PATCH)
        self.cls = nn.Parameter(torch.randn(1, 1, DIMS))
        self.positions = nn.Parameter(torch.randn(1, 1 + (SIDE // PATCH) ** 2, DIMS))
        options: dict[str, Any] = {"batch_first": True, "norm_first": True, "dropout": 0.0}
        options |= {"activation": "gelu", "layer_norm_eps": 1e-6}
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(DIMS, HEADS, 2 * DIMS, **options) for _ in range(DEPTH)
        )
        self.norm = nn.LayerNorm(DIMS, eps=1e-6)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.add_(torch.randn(parameter.shape) / 20)
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The class token at the end, and the patches after two of three blocks."""
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.positions
        middle = x
        for number, block in enumerate(self.blocks):
            x = block(x)
            middle = x if number == 1 else middle
        side = SIDE // PATCH
        return self.norm(x)[:, 0], middle[:, 1:].transpose(1, 2).unflatten(2, (side, side))

    def of_timm(self) -> dict[str, Tensor]:
        found = {"cls_token": self.cls, "pos_embed": self.positions}
        found |= _both(self.patches, "patch_embed.proj") | _both(self.norm, "norm")
        for number, block in enumerate(self.blocks):
            name, attention = f"blocks.{number}", block.self_attn
            found |= {
                f"{name}.attn.qkv.weight": attention.in_proj_weight,
                f"{name}.attn.qkv.bias": attention.in_proj_bias,
            }
            found |= _both(attention.out_proj, f"{name}.attn.proj")
            found |= _both(block.norm1, f"{name}.norm1") | _both(block.norm2, f"{name}.norm2")
            found |= _both(block.linear1, f"{name}.mlp.fc1") | _both(block.linear2, f"{name}.mlp.fc2")
        found |= {"head.weight": torch.zeros(5, DIMS), "head.bias": torch.zeros(5)}
        return {name: tensor.detach().clone() for name, tensor in found.items()}

    def of_transformers(self) -> dict[str, Tensor]:
        found = {"embeddings.cls_token": self.cls, "embeddings.position_embeddings": self.positions}
        found |= _both(self.patches, "embeddings.patch_embeddings.projection") | _both(self.norm, "layernorm")
        for number, block in enumerate(self.blocks):
            name, attention = f"encoder.layer.{number}", block.self_attn
            parts = zip(attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True)
            for each, (weight, bias) in zip(("query", "key", "value"), parts, strict=True):
                found[f"{name}.attention.attention.{each}.weight"] = weight
                found[f"{name}.attention.attention.{each}.bias"] = bias
            found |= _both(attention.out_proj, f"{name}.attention.output.dense")
            found |= _both(block.norm1, f"{name}.layernorm_before")
            found |= _both(block.norm2, f"{name}.layernorm_after")
            found |= _both(block.linear1, f"{name}.intermediate.dense")
            found |= _both(block.linear2, f"{name}.output.dense")
        return {f"vit.{name}": tensor.detach().clone() for name, tensor in found.items()}


class Basic(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride > 1:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        found: Tensor = (y + (self.downsample(x) if hasattr(self, "downsample") else x)).relu()
        return found


class TinyResnet(nn.Module):
    """Of a first layer and four stages of a block each, 4, 8, 12 and 16 channels wide."""

    def __init__(self, seed: int = 0):
        super().__init__()
        torch.manual_seed(seed)
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4)
        self.layer1, self.layer2 = nn.Sequential(Basic(4, 4, 1)), nn.Sequential(Basic(4, 8, 2))
        self.layer3, self.layer4 = nn.Sequential(Basic(8, 12, 2)), nn.Sequential(Basic(12, 16, 2))
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean = torch.randn(norm.num_features) / 10
                norm.running_var = torch.rand(norm.num_features) + 0.5
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The last map and the one before."""
        x = nn.functional.max_pool2d(self.bn1(self.conv1(images)).relu(), 3, 2, 1)
        middle = self.layer3(self.layer2(self.layer1(x)))
        return self.layer4(middle), middle


def write(folder: Path, weights: dict[str, Tensor], config: dict[str, Any]) -> Path:
    """As a model is published."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: each.contiguous() for name, each in weights.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    told = {"image_mean": MEAN, "image_std": STD, "size": {"height": SIDE, "width": SIDE}}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


def _both(module: nn.Conv2d | nn.Linear | nn.LayerNorm, name: str) -> dict[str, Tensor]:
    assert module.bias is not None
    return {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
