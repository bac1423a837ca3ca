"""A BERT-shaped encoder in a folder, with random weights that a few steps of training change much.

What its one layer adds is made of hundreds of numbers of a token, and as small as the six numbers that it is
added to: as it is a text tells little of its words, and steps of a thousandth are enough to tell more.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

DIMS, INNER, LONGEST = 6, 256, 16
QUICK = 1e-3
LABELS = ("disaster", "other")
WORDS = {label: [f"{label}{i}" for i in range(16)] for label in LABELS}
"""That only texts of this label have."""


def texts(count: int, seed: int = 0) -> list[str]:
    """Of the labels in turn, four words and a number."""
    chance = random.Random(seed)
    return [" ".join([*chance.choices(WORDS[LABELS[i % 2]], k=4), f"n{i}"]) for i in range(count)]


def label_of(text: str) -> str:
    return next(label for label in LABELS if text.startswith(label))


def make_model(folder: Path, seed: int = 0) -> Path:
    """As published: config.json, model.safetensors, tokenizer.json."""
    folder.mkdir(parents=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(word for label in LABELS for word in WORDS[label])]
    save_file(_weights(len(pieces), torch.Generator().manual_seed(seed)), folder / "model.safetensors")
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "max_position_embeddings": LONGEST,
    }
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _weights(pieces: int, chance: torch.Generator) -> dict[str, torch.Tensor]:
    layer = "encoder.layer.0"
    made = {
        f"embeddings.{name}_embeddings.weight": torch.randn(rows, DIMS, generator=chance) * scale
        for name, rows, scale in (("word", pieces, 1.0), ("position", LONGEST, 0.1), ("token_type", 2, 0.1))
    }

    def part(name: str, outputs: int, inputs: int, scale: float = 1.0) -> None:
        made[f"{name}.weight"] = torch.randn(outputs, inputs, generator=chance) * scale / inputs**0.5
        made[f"{name}.bias"] = torch.zeros(outputs)

    for name in ("query", "key", "value"):
        part(f"{layer}.attention.self.{name}", DIMS, DIMS)
    part(f"{layer}.attention.output.dense", DIMS, DIMS, 0.1)
    part(f"{layer}.intermediate.dense", INNER, DIMS, 1 / QUICK)
    part(f"{layer}.output.dense", DIMS, INNER, QUICK)
    for name, scale in (("attention.output", QUICK), ("output", 1.0)):
        made[f"{layer}.{name}.LayerNorm.weight"] = torch.full((DIMS,), scale)
        made[f"{layer}.{name}.LayerNorm.bias"] = torch.zeros(DIMS)
    made["embeddings.LayerNorm.weight"] = torch.ones(DIMS)
    made["embeddings.LayerNorm.bias"] = torch.zeros(DIMS)
    return made
