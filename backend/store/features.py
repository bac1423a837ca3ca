"""Every text is encoded once: a fitted encoder per project, and its vectors by content hash.

An encoder's name ends with the digest of what it consists of, so a name never stands for two encoders,
and a model is never asked about vectors of another one than it was trained on.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.errors import DamagedFile
from backend.learning.text import TextEncoder
from backend.store import tensors

logger = logging.getLogger(__name__)

FIT_ON = 20_000
"""Texts an encoder is fitted on: a random sample of larger projects."""
REFIT_GROWTH = 2
"""A new encoder is fitted when the project holds this many times the texts of the last fit."""
DIGEST = 16
"""Bytes of a text's hash."""
_NAME = re.compile(r"^lsa-(\d{6,})-[0-9a-f]{8}$")


class FeatureCache:
    """The vectors of one project, on disk as float16."""

    def __init__(self, directory: Path, seed: int = 0):
        self._directory = directory
        self._seed = seed

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, str]:
        """Features, float32 [N, D], and the name of the encoder that made them.

        Only texts never seen before are encoded.
        """
        name, encoder = self._encoder_for(texts)
        known, vectors = self._load(name, encoder.dims)
        digests = [_digest(text) for text in texts]
        new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
        if new:
            added = encoder.encode(list(new.values())).numpy().astype(np.float16)
            vectors = np.concatenate([vectors, added])
            known.update({digest: len(known) + i for i, digest in enumerate(new)})
            self._save(name, list(known), vectors)
        rows = np.fromiter((known[digest] for digest in digests), np.int64, len(digests))
        return torch.from_numpy(vectors[rows].astype(np.float32)), name

    def encoder(self, name: str) -> TextEncoder:
        """Raises DamagedFile when the file is missing or not what it should be."""
        arrays = tensors.read(self._directory / f"{name}.encoder.safetensors")
        try:
            encoder = TextEncoder(**arrays)
        except TypeError as error:
            raise DamagedFile(f"encoder {name} cannot be read: {error}") from error
        if _name(encoder, _fitted_on(name)) != name:
            raise DamagedFile(f"encoder {name} is another one than its name says")
        return encoder

    def forget_all_but(self, names: set[str]) -> None:
        """Delete the encoders (and their vectors) that no kept model version uses."""
        for path in self._directory.glob("*.safetensors"):
            if path.name.split(".")[0] not in names:
                path.unlink(missing_ok=True)

    def _encoder_for(self, texts: Sequence[str]) -> tuple[str, TextEncoder]:
        for name in self._names():
            fitted_on = _fitted_on(name)
            if fitted_on < FIT_ON and len(texts) >= REFIT_GROWTH * fitted_on:
                break  # and those before it were fitted on even fewer
            try:
                return name, self.encoder(name)
            except DamagedFile as damage:
                logger.warning("%s; another is fitted", damage)
        sample = np.random.default_rng(self._seed).permutation(len(texts))[:FIT_ON]
        encoder = TextEncoder.fit([texts[i] for i in sample], seed=self._seed)
        name = _name(encoder, len(sample))
        self._directory.mkdir(parents=True, exist_ok=True)
        tensors.write(self._directory / f"{name}.encoder.safetensors", vars(encoder))
        return name, encoder

    def _names(self) -> list[str]:
        """The encoders', the one that was fitted on most texts first, the newest among equals."""
        paths = self._directory.glob("*.encoder.safetensors")
        aged = [(path.name.split(".")[0], path.stat().st_mtime) for path in paths]
        known = [(_fitted_on(name), age, name) for name, age in aged if _NAME.match(name)]
        return [name for _, _, name in sorted(known, reverse=True)]

    def _vectors(self, name: str) -> Path:
        return self._directory / f"{name}.vectors.safetensors"

    def _load(self, name: str, dims: int) -> tuple[dict[bytes, int], np.ndarray[Any, Any]]:
        """What is damaged, or of another shape, is forgotten: it can be encoded anew."""
        try:
            stored = tensors.read(self._vectors(name))
            digests, vectors = stored["digests"], stored["vectors"]
            if vectors.shape != (len(digests), dims):
                raise KeyError("vectors")
        except (DamagedFile, KeyError):
            return {}, np.zeros((0, dims), np.float16)
        return {digest.tobytes(): row for row, digest in enumerate(digests)}, vectors

    def _save(self, name: str, digests: list[bytes], vectors: np.ndarray[Any, Any]) -> None:
        table = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST)
        tensors.write(self._vectors(name), {"digests": table, "vectors": vectors})


def _name(encoder: TextEncoder, fitted_on: int) -> str:
    return f"lsa-{fitted_on:06d}-{tensors.digest(vars(encoder))[:8]}"


def _fitted_on(name: str) -> int:
    """Texts; 0 for a name that is not ours."""
    match = _NAME.match(name)
    return int(match.group(1)) if match else 0


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()
