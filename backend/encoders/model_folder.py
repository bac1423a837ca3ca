"""A folder with a model's published files, read as an encoder of sentences."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from backend.encoders.bert import SHAPES, Bert
from backend.encoders.hub import digest_of_files
from backend.encoders.sentences import Network, Pooling, SentenceEncoder, first, mean

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
LONGEST = 512
"""Pieces of a window, where the model names no number."""
NEEDED = "it needs transformers: pip install 'label-studio-atlas[hub]'"
POOLINGS: dict[str, Pooling] = {"pooling_mode_mean_tokens": mean, "pooling_mode_cls_token": first}
_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")


def load_folder(folder: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> SentenceEncoder:
    """arrays: what the encoder has to tell of itself beside its digest.

    Raises ValueError, with the folder and the reason, where it cannot be read.
    """
    try:
        return _load(folder, arrays)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError, RuntimeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"the model in {folder} cannot be used: {what}") from error


def _load(folder: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> SentenceEncoder:
    inner = folder / _transformer(folder)
    config = _json(inner / "config.json")
    if "auto_map" in config:
        raise ValueError("it comes with code of its own, which is never run")
    weights = _weight_files(inner)
    network, dims, longest = _network(inner, config, weights)
    told = _json(inner / "sentence_bert_config.json", {}).get("max_seq_length")
    digest = digest_of_files(inner, ["config.json", "tokenizer.json", *weights])
    return SentenceEncoder(
        network,
        Tokenizer.from_file(str(inner / "tokenizer.json")),
        digest,
        dims=dims,
        window=min(longest, told or longest),
        pooling=_pooling(folder),
        prefix=_prefix(folder),
        padding=int(config.get("pad_token_id") or 0),
        told=arrays,
    )


def _weight_files(folder: Path) -> list[str]:
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if not (folder / INDEX).is_file():
        raise ValueError(f"it has no {WEIGHTS}; no other form of weights is read: they may be programs")
    return sorted(set(_json(folder / INDEX)["weight_map"].values()))


def _network(folder: Path, config: Mapping[str, Any], weights: list[str]) -> tuple[Network, int, int]:
    """The network, how many numbers it gives, and the pieces that it can read at once."""
    if not (folder / "tokenizer.json").is_file():
        raise ValueError("it has no tokenizer.json")
    if config["model_type"] in SHAPES:
        read = {name: tensor for file in weights for name, tensor in load_file(folder / file).items()}
        bert = Bert(config, read)
        return bert, bert.dims, bert.longest
    if find_spec("transformers") is None:
        raise ValueError(f"of a model of type {config['model_type']!r} {NEEDED}")
    from transformers import AutoModel

    model = AutoModel.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
    ).eval()
    network = OfTransformers(model)
    with torch.inference_mode():
        dims = network(torch.tensor([[1]]), torch.ones(1, 1)).shape[-1]
    return network, dims, int(config.get("max_position_embeddings") or LONGEST)


class OfTransformers:
    """A model of that library as a network of pieces."""

    def __init__(self, model: Any):
        self._model = model

    def __call__(self, pieces: Tensor, real: Tensor) -> Tensor:
        """float32 [B, T, D]. pieces: int64 [B, T]; real: [B, T], 0 for padding."""
        hidden: Tensor = self._model(input_ids=pieces, attention_mask=real.long()).last_hidden_state
        return hidden.float()

    def to(self, device: str) -> OfTransformers:
        """The same network on another device."""
        return OfTransformers(copy.deepcopy(self._model).to(device))


def _transformer(folder: Path) -> str:
    """The subfolder of the network itself. Raises ValueError where the model has more to it."""
    for module in _json(folder / "modules.json", []):
        kind = module["type"].rpartition(".")[2]
        if kind not in _KNOWN_MODULES:
            raise ValueError(f"it has a module {kind!r}; known are: {', '.join(_KNOWN_MODULES)}")
        if kind == "Transformer":
            return str(module["path"])
    return ""


def _pooling(folder: Path) -> Pooling:
    for module in _json(folder / "modules.json", []):
        if module["type"].endswith(".Pooling"):
            config = _json(folder / module["path"] / "config.json")
            ways = [way for way, used in config.items() if way.startswith("pooling_mode_") and used is True]
            if len(ways) != 1 or ways[0] not in POOLINGS:
                known = ", ".join(POOLINGS)
                raise ValueError(f"it pools by {', '.join(ways) or 'nothing'}; known are: {known}")
            return POOLINGS[ways[0]]
    return mean


def _prefix(folder: Path) -> str:
    """What the model wants before each text, by its own default."""
    config = _json(folder / "config_sentence_transformers.json", {})
    prompts = config.get("prompts") or {}
    return str(prompts.get(config.get("default_prompt_name"), ""))


def _json(path: Path, otherwise: Any = None) -> Any:
    if otherwise is not None and not path.is_file():
        return otherwise
    return json.loads(path.read_text(encoding="utf-8"))
