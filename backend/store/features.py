"""Every text is encoded once: a fitted encoder per project, and its vectors by content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor

from backend.errors import DamagedFile
from backend.learning.text import TextEncoder
from backend.store.paths import write_atomically

FIT_ON = 20_000
"""Texts an encoder is fitted on: a random sample of larger projects."""
REFIT_GROWTH = 2
"""A new encoder is fitted when the project holds this many times the texts of the last fit."""
DIGEST = 16
"""Bytes of a text's hash."""


class FeatureCache:
    """The vectors of one project, on disk as float16."""

    def __init__(self, directory: Path, seed: int = 0):
        self._directory = directory
        self._seed = seed
        directory.mkdir(parents=True, exist_ok=True)

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
        try:
            return TextEncoder(**load_file(self._directory / f"{name}.encoder.safetensors"))
        except (OSError, SafetensorError, TypeError) as error:
            raise DamagedFile(f"encoder {name} cannot be read: {error}") from error

    def forget_all_but(self, names: set[str]) -> None:
        """Delete the encoders (and their vectors) that no kept model version uses."""
        for path in self._directory.glob("*.safetensors"):
            if path.name.split(".")[0] not in names:
                path.unlink(missing_ok=True)

    def _encoder_for(self, texts: Sequence[str]) -> tuple[str, TextEncoder]:
        fits = sorted(int(path.name.split(".")[0].removeprefix("lsa-")) for path in self._encoders())
        if fits and (fits[-1] >= FIT_ON or len(texts) < REFIT_GROWTH * fits[-1]):
            try:
                name = f"lsa-{fits[-1]:06d}"
                return name, self.encoder(name)
            except DamagedFile:
                pass  # fitted anew below
        sample = np.random.default_rng(self._seed).permutation(len(texts))[:FIT_ON]
        encoder = TextEncoder.fit([texts[i] for i in sample], seed=self._seed)
        name = f"lsa-{len(sample):06d}"
        parts: dict[str, np.ndarray[Any, Any]] = {
            "columns": encoder.columns,
            "idf": encoder.idf,
            "components": encoder.components,
        }
        self._vectors(name).unlink(missing_ok=True)  # of an earlier encoder by the same name
        write_atomically(self._directory / f"{name}.encoder.safetensors", save(parts))
        return name, encoder

    def _encoders(self) -> list[Path]:
        return list(self._directory.glob("lsa-*.encoder.safetensors"))

    def _vectors(self, name: str) -> Path:
        return self._directory / f"{name}.vectors.safetensors"

    def _load(self, name: str, dims: int) -> tuple[dict[bytes, int], np.ndarray[Any, Any]]:
        try:
            stored = load_file(self._vectors(name))
            digests, vectors = stored["digests"], stored["vectors"]
            if vectors.shape != (len(digests), dims):
                raise KeyError("vectors")
        except (OSError, SafetensorError, KeyError):
            return {}, np.zeros((0, dims), np.float16)
        return {digest.tobytes(): row for row, digest in enumerate(digests)}, vectors

    def _save(self, name: str, digests: list[bytes], vectors: np.ndarray[Any, Any]) -> None:
        table = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST)
        write_atomically(self._vectors(name), save({"digests": table, "vectors": vectors}))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()
