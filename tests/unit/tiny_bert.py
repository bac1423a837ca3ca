"""A BERT of a few hundred numbers, with words for pieces, as a sentence encoder."""

from __future__ import annotations

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

from backend.encoders.bert import Bert
from backend.encoders.sentences import SentenceEncoder

DIMS, LAYERS, INNER, WINDOW = 12, 3, 24, 10


def tiny_encoder(words: list[str], seed: int = 0) -> SentenceEncoder:
    """Reads windows of 10 pieces; unknown words are all the same to it."""
    known = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", *sorted(set(words))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(known)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    bert = Bert(
        {
            "model_type": "bert",
            "hidden_act": "gelu",
            "num_attention_heads": 2,
            "num_hidden_layers": LAYERS,
            "layer_norm_eps": 1e-12,
            "pad_token_id": 0,
        },
        _weights(len(known), seed),
    )
    digest = np.full(32, seed, np.uint8)
    return SentenceEncoder(bert, tokenizer, digest, dims=DIMS, window=WINDOW)


def _weights(words: int, seed: int) -> dict[str, Tensor]:
    made = torch.Generator().manual_seed(seed)
    found: dict[str, Tensor] = {}

    def part(name: str, outputs: int, inputs: int) -> None:
        found[f"{name}.weight"] = torch.randn(outputs, inputs, generator=made) / inputs**0.5
        found[f"{name}.bias"] = torch.randn(outputs, generator=made) / 10

    def norm(name: str) -> None:
        found[f"{name}.weight"] = torch.ones(DIMS)
        found[f"{name}.bias"] = torch.zeros(DIMS)

    for name, rows in (("word", words), ("position", WINDOW), ("token_type", 2)):
        found[f"embeddings.{name}_embeddings.weight"] = torch.randn(rows, DIMS, generator=made)
    norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            part(f"{layer}.attention.self.{name}", DIMS, DIMS)
        part(f"{layer}.attention.output.dense", DIMS, DIMS)
        norm(f"{layer}.attention.output.LayerNorm")
        part(f"{layer}.intermediate.dense", INNER, DIMS)
        part(f"{layer}.output.dense", DIMS, INNER)
        norm(f"{layer}.output.LayerNorm")
    return found
