"""The forward pass of BERT-shaped encoders, from their published files alone.

(Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers"; RoBERTa's and XLM-RoBERTa's
differ in how positions are counted.) Gives what the library `transformers` gives, without its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

SHAPES = {"bert": False, "roberta": True, "xlm-roberta": True}
"""Kinds of models by `model_type`, and whether positions are counted from behind the padding's id."""
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": gelu,
    "gelu_new": partial(gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(gelu, approximate="tanh"),
    "relu": torch.relu,
}


@dataclass(frozen=True)
class Part:
    """Weight and bias of one layer of the network, by its name in the file."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)

    def to(self, device: str) -> Part:
        return Part(self.weight.to(device), self.bias.to(device))

    def norm(self, x: Tensor, epsilon: float) -> Tensor:
        return layer_norm(x, x.shape[-1:], self.weight, self.bias, epsilon)


Layer = Mapping[str, Part]
"""The parts of one layer by their names."""


class Bert:
    """config: what config.json holds; weights: by their names, with or without the model's name in front.

    Raises ValueError where the model is of another shape.
    """

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]):
        try:
            self._read(config, weights)
        except (KeyError, TypeError) as error:
            raise ValueError(f"config.json or the weights of a BERT-shaped model lack {error}") from error

    def _read(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        if config["model_type"] not in SHAPES:
            raise ValueError(f"a model of type {config['model_type']!r} is not BERT-shaped")
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise ValueError("its positions are not counted from the start")
        if (act := config["hidden_act"]) not in ACTIVATIONS:
            raise ValueError(f"its activation {act!r} is unknown; known: {', '.join(ACTIVATIONS)}")
        self._activation = ACTIVATIONS[act]
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._first = config["pad_token_id"] + 1 if SHAPES[config["model_type"]] else 0
        self._weights = {_own_name(name): tensor.float() for name, tensor in weights.items()}
        self._layers = [
            {
                name: self._part(f"encoder.layer.{i}.{name}")
                for name in (
                    *("attention.self.query", "attention.self.key", "attention.self.value"),
                    *("attention.output.dense", "attention.output.LayerNorm"),
                    *("intermediate.dense", "output.dense", "output.LayerNorm"),
                )
            }
            for i in range(int(config["num_hidden_layers"]))
        ]
        self._words, self._positions, self._types = (
            self._weights[f"embeddings.{name}_embeddings.weight"]
            for name in ("word", "position", "token_type")
        )
        self._norm = self._part("embeddings.LayerNorm")
        del self._weights

    def to(self, device: str) -> Bert:
        """The same network on another device."""
        moved = copy(self)
        moved._layers = [{name: part.to(device) for name, part in layer.items()} for layer in self._layers]
        moved._words, moved._positions, moved._types = (
            table.to(device) for table in (self._words, self._positions, self._types)
        )
        moved._norm = self._norm.to(device)
        return moved

    @property
    def dims(self) -> int:
        return int(self._words.shape[1])

    @property
    def longest(self) -> int:
        """Pieces that it can read at once."""
        return len(self._positions) - self._first

    @property
    def layers(self) -> Sequence[Layer]:
        """First to last."""
        return self._layers

    def __call__(self, pieces: Tensor, real: Tensor) -> Tensor:
        """The last hidden layer, float32 [B, T, D]. pieces: int64 [B, T]; real: [B, T], 0 for padding."""
        return self.through(self._layers, self.embedded(pieces), real)

    def embedded(self, pieces: Tensor) -> Tensor:
        """What goes into the first layer, float32 [B, T, D]. pieces: int64 [B, T]."""
        positions = torch.arange(pieces.shape[1], device=pieces.device) + self._first
        x = self._words[pieces] + self._positions[positions] + self._types[0]
        return self._norm.norm(x, self._epsilon)

    def through(self, layers: Iterable[Layer], x: Tensor, real: Tensor) -> Tensor:
        """What comes out of some layers, of this network or others of its shape, float32 [B, T, D].

        x: float32 [B, T, D], what goes into them; real: [B, T], 0 for padding.
        """
        mask = None if bool(real.all()) else (real > 0)[:, None, None, :]
        for layer in layers:
            seen = layer["attention.output.dense"](self._attend(layer, x, mask))
            x = layer["attention.output.LayerNorm"].norm(seen + x, self._epsilon)
            inner = layer["output.dense"](self._activation(layer["intermediate.dense"](x)))
            x = layer["output.LayerNorm"].norm(inner + x, self._epsilon)
        return x

    def _attend(self, layer: Layer, x: Tensor, mask: Tensor | None) -> Tensor:
        batch, length, dims = x.shape
        query, key, value = (
            layer[f"attention.self.{name}"](x).view(batch, length, self._heads, -1).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        seen = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return seen.transpose(1, 2).reshape(batch, length, dims)

    def _part(self, name: str) -> Part:
        return Part(self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])


def _own_name(name: str) -> str:
    """Without the model's own in front, and by today's names where older files have gamma and beta."""
    for prefix in ("bert.", "roberta."):
        name = name.removeprefix(prefix)
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
