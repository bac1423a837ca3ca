"""A sequence-to-sequence model that this backend runs itself: of a hub, fetched before, or of a folder.

What is told here reads no weights, and imports nothing that does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backend.encoders.hub import HubName
from backend.errors import NotConfigured

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
NEEDED = "it needs transformers where workers run: pip install 'label-studio-atlas[hub]'"
FETCH = "label-studio-atlas generation fetch"
_EDGE = 2**16
"""Bytes of a file's beginning and end by which another one is told apart."""


@dataclass(frozen=True)
class OwnModel:
    """name: with what tells another revision apart; folder: of its files."""

    name: str
    folder: Path


def own_model(name: str) -> OwnModel:
    """name: as GENERATION_MODEL has it.

    Raises NotConfigured, with what to do, where it cannot be used.
    """
    found = _in_folder(Path(name).expanduser()) if name.startswith(("/", "~")) else _of_hub(name)
    if find_spec("transformers") is None or find_spec("tokenizers") is None:
        raise NotConfigured(f"GENERATION_MODEL={name}: {NEEDED}")
    return found


def _of_hub(name: str) -> OwnModel:
    try:
        known = HubName.parse(name)
    except ValueError as error:
        raise NotConfigured(f"GENERATION_MODEL: {error}") from error
    if known.commit is None:
        raise NotConfigured(f"GENERATION_MODEL={name} was not fetched yet where this runs: {FETCH} {name}")
    folder = known.snapshot(known.commit)
    _check(folder, f"; choose another model, or fetch it once more: {FETCH} {name}")
    return OwnModel(f"{known.name}@{known.commit[:8]}", folder)


def _in_folder(folder: Path) -> OwnModel:
    if not (folder / "config.json").is_file():
        raise NotConfigured(f"GENERATION_MODEL: there is no {folder / 'config.json'}")
    _check(folder, "")
    return OwnModel(f"{folder.name}@{_digest(folder)}", folder)


def _check(folder: Path, remedy: str) -> None:
    """Raises NotConfigured."""
    try:
        problem = next(_problems(folder), None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = f"{type(error).__name__}: {error}"
    if problem is not None:
        raise NotConfigured(f"the model in {folder} cannot write: {problem}{remedy}")


def _problems(folder: Path) -> Iterator[str]:
    config = _json(folder / "config.json")
    if not config.get("is_encoder_decoder"):
        yield "it is no sequence-to-sequence model (T5, BART and the like)"
    if "auto_map" in config:
        yield "it comes with code of its own, which is never run"
    if not (folder / "tokenizer.json").is_file():
        yield "it has no tokenizer.json"
    weights = _weights(folder)
    if not weights:
        yield f"it has no {WEIGHTS}; no other form of weights is read: they may be programs"
    yield from (f"{name} is missing" for name in weights if not (folder / name).is_file())


def _weights(folder: Path) -> list[str]:
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return [WEIGHTS] if (folder / WEIGHTS).is_file() else []
    names = sorted(set(map(str, _json(folder / INDEX)["weight_map"].values())))
    if any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
        raise ValueError(f"{INDEX} names other files than safetensors")
    return names


def _digest(folder: Path) -> str:
    """Of its files, of large ones of their edges: a model that was trained on has others."""
    whole = hashlib.sha256()
    for name in ["config.json", "tokenizer.json", *_weights(folder)]:
        with open(folder / name, "rb") as file:
            size = file.seek(0, 2)
            for start in (0, max(0, size - _EDGE)):
                file.seek(start)
                whole.update(file.read(_EDGE))
            whole.update(f"{size}  {name}\n".encode())
    return whole.hexdigest()[:8]


def _json(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found
