"""A folder with a model's published files, read as an encoder of images."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from backend.encoders.hub import digest_of_files
from backend.encoders.resnet import Resnet
from backend.encoders.squares import GRID, Pixels, pooled_last, pooled_middle, squared
from backend.encoders.vit import Vit, VitConfig, renamed
from backend.learning import devices

WEIGHTS, CONFIG, PREPROCESSING = "model.safetensors", "config.json", "preprocessor_config.json"
LARGEST = 224
"""Pixels of the square that a picture is brought to, where the model itself takes more."""
BATCH = 8
TRANSFORMERS = {
    "vit": "vit",
    "deit": "vit",
    "dinov2": "vit",
    "dinov2_with_registers": "vit",
    "resnet": "resnet",
}
"""By `model_type`, which of our networks reads it."""
_TIMM = {
    r"(vit|deit|deit3)_(tiny|small|medium|base|large)_patch\d+_(reg4_)?(\d+|dinov2)": "vit",
    r"(wide_)?resne(t|xt)\d+(_\d+x\d+d|_2)?": "resnet",
}
KNOWN = (
    "of transformers: ViT, DeiT, DINOv2 and ResNet; of timm: vit_*_patch*, deit_*_patch*, resnet*, resnext* "
    "(not their variants of other layers)"
)


@dataclass(frozen=True)
class Reading:
    """How a folder's files are to be read. kind: "vit" or "resnet"; widths: numbers of the last layer and of
    the middle one; side: pixels of the square; mean, std: of red, green and blue from 0 to 1.

    Raises ValueError for a square or colours that no picture can be brought to.
    """

    kind: str
    config: VitConfig
    widths: tuple[int, int]
    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.side < 1:
            raise ValueError(f"its pictures are said to have {self.side} pixels a side, less than a patch")
        numbers = [*self.mean, *self.std]
        if (
            not len(self.mean) == len(self.std) == 3
            or not all(map(_is_number, numbers))
            or min(self.std) <= 0
        ):
            raise ValueError(f"mean {list(self.mean)} and std {list(self.std)} are none of three colours")


def is_of_images(folder: Path) -> bool:
    """Whether it holds a model of a kind that is read here, or says that it is of timm."""
    try:
        config = _json(folder / CONFIG)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and ("architecture" in config or _type_of(config) in TRANSFORMERS)


def reading(folder: Path) -> Reading:
    """By its descriptions alone: no weights are read. Raises ValueError, with the folder and the reason."""
    return _told(folder, _reading)


def load(folder: Path, read: Reading) -> Callable[[Tensor], Tensor]:
    """From images, float32 [N, 3, side, side], normalised, to vectors, float32 [N, dims]: the last layer and
    a middle one side by side, each of length 1. Raises ValueError, with the folder and the reason."""
    return _told(folder, lambda folder: _network(folder, read))


def digest(folder: Path) -> str:
    """Of the files, in hex. Raises OSError."""
    looks = tuple((found.st_mtime_ns, found.st_size) for found in map(os.stat, _files(folder)))
    return _digest(folder, looks)


@lru_cache(maxsize=8)
def _digest(folder: Path, looks: tuple[tuple[int, int], ...]) -> str:
    """looks: of the files, to read them again where they have changed."""
    return digest_of_files(folder, [file.name for file in _files(folder)]).tobytes().hex()


def _files(folder: Path) -> list[Path]:
    named = (CONFIG, PREPROCESSING, WEIGHTS)
    return [folder / name for name in named if (folder / name).is_file()]


class FolderEncoder:
    """name: tells it from all others. Read once per process."""

    def __init__(self, folder: Path, name: str):
        self._folder = folder
        self._name = name
        self._reading = reading(folder)

    @property
    def name(self) -> str:
        return f"{self._name}-{self._reading.side}-both"

    @property
    def block_widths(self) -> tuple[int, int]:
        """The widths of the last layer and of the middle one."""
        return self._reading.widths

    @property
    def dims(self) -> int:
        return sum(self.block_widths)

    def load(self) -> None:
        _loaded(self._folder, self._reading, devices.used())

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        """Float32 [N, dims]."""
        network = _loaded(self._folder, self._reading, devices.used())
        mean, std = (torch.tensor(each)[:, None, None] for each in (self._reading.mean, self._reading.std))
        rows = []
        for start in range(0, len(pictures), BATCH):
            squares = [squared(each, self._reading.side) / 255 for each in pictures[start : start + BATCH]]
            rows.append(network((torch.stack(squares) - mean) / std))
        return torch.cat(rows) if rows else torch.zeros(0, self.dims)


@lru_cache(maxsize=4)
def _loaded(folder: Path, read: Reading, device: str) -> Callable[[Tensor], Tensor]:
    network = load(folder, read)
    return network if device == devices.CPU else _network(folder, read, device)


def _network(folder: Path, read: Reading, device: str = devices.CPU) -> Callable[[Tensor], Tensor]:
    state = load_file(folder / WEIGHTS)
    if read.kind == "resnet":
        resnet = Resnet(state).to(device)

        def of_resnet(images: Tensor) -> Tensor:
            maps = resnet.maps(images.to(device))
            return torch.cat([pooled_last(maps.last), pooled_middle(maps.middle)], 1).cpu()

        return of_resnet
    vit = Vit(read.config, state).to(device)

    def of_vit(images: Tensor) -> Tensor:
        tokens = vit.outputs(images.to(device))
        return torch.cat([F.normalize(tokens.last), pooled_middle(tokens.middle)], 1).cpu()

    return of_vit


def _reading(folder: Path) -> Reading:
    config = _json(folder / CONFIG)
    if not isinstance(config, dict):
        raise ValueError(f"its {CONFIG} describes no model")
    if "auto_map" in config:
        raise ValueError("it comes with code of its own, which is never run")
    if not (folder / WEIGHTS).is_file():
        raise ValueError(f"it has no {WEIGHTS}; no other form of weights is read: they may be programs")
    kind, side, mean, std = _of_timm(config) if "architecture" in config else _of_transformers(folder, config)
    with safe_open(folder / WEIGHTS, "pt") as file:
        shapes = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    if kind == "resnet":
        middle, last = (_widest(shapes, number) for number in (3, 4))
        return Reading(kind, VitConfig(), (last, middle * GRID**2), min(side, LARGEST), mean, std)
    (patches,) = [shape for name, shape in shapes.items() if renamed(name) == "patches.weight"]
    side = min(side, LARGEST) // patches[2] * patches[2]
    return Reading(kind, _vit_config(config), (patches[0], patches[0] * GRID**2), side, mean, std)


def _of_timm(config: Mapping[str, Any]) -> tuple[str, int, tuple[float, ...], tuple[float, ...]]:
    name = str(config["architecture"])
    kind = next((kind for pattern, kind in _TIMM.items() if re.fullmatch(pattern, name)), None)
    if kind is None or config.get("model_args"):
        raise ValueError(f"{name} is not read here; known are, {KNOWN}")
    told = config["pretrained_cfg"]
    return kind, int(told["input_size"][1]), tuple(told["mean"]), tuple(told["std"])


def _of_transformers(
    folder: Path, config: Mapping[str, Any]
) -> tuple[str, int, tuple[float, ...], tuple[float, ...]]:
    kind = TRANSFORMERS.get(_type_of(config))
    if kind is None:
        raise ValueError(f"a model of type {config.get('model_type')!r} is not read here; known are, {KNOWN}")
    told = _json(folder / PREPROCESSING)
    size = told.get("crop_size") or told.get("size") or LARGEST
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or LARGEST
    return kind, int(size), tuple(told["image_mean"]), tuple(told["image_std"])


def _vit_config(config: Mapping[str, Any]) -> VitConfig:
    if "architecture" in config:
        return VitConfig(smooth=True)
    if config.get("hidden_act", "gelu") != "gelu" or config.get("use_swiglu_ffn"):
        raise ValueError("its layers are of a kind that is not read here")
    smooth = config["model_type"] == "dinov2_with_registers"
    epsilon = float(config.get("layer_norm_eps", 1e-6))
    return VitConfig(int(config["num_attention_heads"]), epsilon, smooth)


def _widest(shapes: Mapping[str, Sequence[int]], stage: int) -> int:
    """Channels that a ResNet's stage gives, by either way of naming."""
    of_stage = re.compile(rf"(.*\.)?(layer{stage}\.\d|encoder\.stages\.{stage - 1}\.layers\.\d)")
    return max(shape[0] for name, shape in shapes.items() if of_stage.match(name) and len(shape) == 4)


def _type_of(config: Mapping[str, Any]) -> str:
    return str(config.get("model_type"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _told(folder: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(folder)
    except (
        *(OSError, LookupError, TypeError, AttributeError, ValueError, ArithmeticError),
        *(SafetensorError, RuntimeError),  # of which RecursionError is one
    ) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"the model in {folder} cannot be used: {what}") from error


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
