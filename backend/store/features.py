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
from backend.learning.encoders import Encoder, encoded, find_encoder
from backend.store import tensors
from backend.store.files import Files, files_of

logger = logging.getLogger(__name__)

FIT_ON = 20_000
"""Texts an encoder is fitted on: a random sample of larger projects."""
REFIT_GROWTH = 2
"""A new encoder is fitted when the project holds this many times the texts of the last fit."""
DIGEST = 16
"""Bytes of a text's hash."""
_ENCODER = ".encoder.safetensors"
_VECTORS = ".vectors.safetensors"
_NAME = re.compile(r"^([^-]+)-(\d{6,})-([0-9a-f]{8})-([0-9a-f]{8})$")
"""Kind, texts it was fitted on, hash of what they are, hash of the encoder's own file."""


class FeatureCache:
    """The vectors of one project, on disk as float16. Encoders go where the model versions are, which
    cannot answer without theirs; vectors stay on this machine.

    kind: name of the encoder that new ones are of. about: what the encoded texts are, beside the texts
    themselves; an encoder fitted on others is not used.
    """

    def __init__(
        self,
        directory: Path,
        seed: int = 0,
        *,
        model_store: str = "",
        kind: str = "lsa",
        about: str = "",
    ):
        self._encoders = files_of(directory, model_store)
        self._vectors = Files(directory)
        self._seed = seed
        self._kind = kind
        self._about = _short_hash(about.encode())

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, str]:
        """Features, float32 [N, D], and the name of the encoder that made them.

        Only texts never seen before are encoded.
        """
        name, encoder = self._encoder_for(texts)
        known, vectors = self._load(name, encoder.dims)
        digests = [_digest(text) for text in texts]
        new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
        if new:
            added = encoded(encoder, list(new.values())).numpy().astype(np.float16)
            vectors = np.concatenate([vectors, added])
            known.update({digest: len(known) + i for i, digest in enumerate(new)})
            self._save(name, list(known), vectors)
        rows = np.fromiter((known[digest] for digest in digests), np.int64, len(digests))
        return torch.from_numpy(vectors[rows].astype(np.float32)), name

    def encoder(self, name: str) -> Encoder:
        """Raises DamagedFile when the file is missing or not what it should be, or its kind not installed."""
        try:
            content = self._encoders.read_constant(f"{name}{_ENCODER}")
            if not name.endswith(f"-{_short_hash(content)}"):
                raise DamagedFile("it is another one than its name says")
            # Whole, as the name tells: no need for the digest within.
            return find_encoder(name.split("-")[0]).restore(tensors.parse(content, whole=True))
        except (OSError, DamagedFile, TypeError, KeyError, ValueError) as error:
            raise DamagedFile(f"encoder {name} cannot be read: {error}") from error

    def forget_all_but(self, names: set[str]) -> None:
        """Delete the encoders (and their vectors) that no kept model version uses."""
        for files in (self._encoders, self._vectors):
            for path in files.paths(ending=".safetensors"):
                if path.split(".")[0] not in names:
                    files.delete(path)

    def _encoder_for(self, texts: Sequence[str]) -> tuple[str, Encoder]:
        """The one fitted on most texts that can be read, or a new one once the project has outgrown it."""
        for fitted_on, name in self._known():
            if fitted_on < FIT_ON and len(texts) >= REFIT_GROWTH * fitted_on:
                break  # and those after it were fitted on even fewer
            try:
                return name, self.encoder(name)
            except DamagedFile as damage:
                logger.warning("%s; another is fitted", damage)
        sample = np.random.default_rng(self._seed).permutation(len(texts))[:FIT_ON]
        encoder = find_encoder(self._kind).fit([texts[i] for i in sample], seed=self._seed)
        content = tensors.pack(encoder.arrays())
        name = f"{self._kind}-{len(sample):06d}-{self._about}-{_short_hash(content)}"
        self._encoders.write(f"{name}{_ENCODER}", content)
        return name, encoder

    def _known(self) -> list[tuple[int, str]]:
        """Of our kind, for such texts: how many texts each was fitted on, most first, and its name."""
        names = [path.split(".")[0] for path in self._encoders.paths(ending=_ENCODER)]
        matches = [match for name in names if (match := _NAME.match(name))]
        return sorted(
            ((int(each[2]), each[0]) for each in matches if (each[1], each[3]) == (self._kind, self._about)),
            reverse=True,
        )

    def _load(self, name: str, dims: int) -> tuple[dict[bytes, int], np.ndarray[Any, Any]]:
        """What is damaged, or of another shape, is forgotten: it can be encoded anew."""
        try:
            stored = tensors.parse(self._vectors.read(f"{name}{_VECTORS}"))
            digests, vectors = stored["digests"], stored["vectors"]
            if vectors.shape != (len(digests), dims):
                raise KeyError("vectors")
        except (OSError, DamagedFile, KeyError):
            return {}, np.zeros((0, dims), np.float16)
        return {digest.tobytes(): row for row, digest in enumerate(digests)}, vectors

    def _save(self, name: str, digests: list[bytes], vectors: np.ndarray[Any, Any]) -> None:
        table = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST)
        self._vectors.write(f"{name}{_VECTORS}", tensors.pack({"digests": table, "vectors": vectors}))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]  # processors have it built in: 40 MB in 30 ms
