"""Every text is encoded once: a fitted encoder per project, and its vectors by content hash.

An encoder's name ends with the digest of what it consists of, so a name never stands for two encoders,
and a model is never asked about vectors of another one than it was trained on.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.encoders.base import Encoder, encoded, suits
from backend.encoders.registry import find_encoder, in_file, name_in
from backend.errors import DamagedFile
from backend.store import tensors
from backend.store.files import Files, files_of
from backend.store.vectors import Kept, VectorFiles, digest_of

logger = logging.getLogger(__name__)

FIT_ON = 20_000
"""Texts an encoder is fitted on: a random sample of larger projects."""
REFIT_GROWTH = 2
"""A new encoder is fitted when the project holds this many times the texts of the last fit."""
_ENCODER = ".encoder.safetensors"
_NAME = re.compile(r"^([^-]+)-(\d{6,})-([0-9a-f]{8})-([0-9a-f]{8})$")
"""Kind, texts it was fitted on, hash of what they are, hash of the encoder's own file."""


@dataclass(frozen=True)
class AtHand:
    """An encoder in memory, how many texts it was fitted on, and the vectors it has made."""

    name: str
    encoder: Encoder
    fitted_on: int
    kept: Kept

    def is_outgrown_by(self, texts: int) -> bool:
        return self.fitted_on < FIT_ON and texts >= REFIT_GROWTH * self.fitted_on


class FeatureCache:
    """The encoders of one project and what they make, vectors on disk as float16, where the model versions
    are.

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
        self._files = files_of(directory, model_store)
        self._before = Files(directory)
        self._vectors = VectorFiles(self._files, self._before)
        self._seed = seed
        self._kind = in_file(kind)
        self._about = _short_hash(about.encode())

    def encode(self, texts: Sequence[str], at_hand: AtHand | None = None) -> tuple[Tensor, str]:
        """Features, float32 [N, D], and the name of the encoder that made them.

        Only texts never seen before are encoded, by a new encoder once the project has outgrown the last,
        or where none is meant for texts such as these.
        at_hand: what `read` gave, where that was asked already.
        """
        used, sample = at_hand or self.read(), self._sample(texts)
        if used is not None and not suits(used.encoder, sample):
            used = self.read(sample)
        if used is None or used.is_outgrown_by(len(texts)):
            used = self._fit(sample)
        digests, kept = [digest_of(text) for text in texts], used.kept
        missing = {each: text for each, text in zip(digests, texts, strict=True) if each not in kept.rows}
        if missing:
            added = encoded(used.encoder, list(missing.values())).numpy().astype(np.float16)
            kept = kept.with_added(list(missing), added)
            self._vectors.add(used.name, list(missing), added)
            self._vectors.merge(used.name, used.encoder.dims)
        return torch.from_numpy(kept.of(digests)), used.name

    def read(self, texts: Sequence[str] = ()) -> AtHand | None:
        """The encoder fitted on most texts that can be read and suits `texts`, and its vectors; None where
        there is none.

        They are some tens of MB, all of which is checked: worth doing while something else is waited for.
        """
        for fitted_on, name in self._known():
            try:
                encoder = self.encoder(name)
            except DamagedFile as damage:
                logger.warning("%s; another is fitted", damage)
            else:
                if suits(encoder, texts):
                    return AtHand(name, encoder, fitted_on, self._vectors.read(name, encoder.dims))
        return None

    def encoder(self, name: str) -> Encoder:
        """Raises DamagedFile when the file is missing or not what it should be, or its kind not installed."""
        try:
            content = self._files.read_constant(f"{name}{_ENCODER}")
            if not name.endswith(f"-{_short_hash(content)}"):
                raise DamagedFile("it is another one than its name says")
            # Whole, as the name tells: no need for the digest within.
            return find_encoder(name_in(name.split("-")[0])).restore(tensors.parse(content, whole=True))
        except (OSError, DamagedFile, TypeError, KeyError, ValueError) as error:
            raise DamagedFile(f"encoder {name} cannot be read: {error}") from error

    def forget_all_but(self, names: set[str]) -> None:
        """Delete the encoders (and their vectors) that no kept model version uses."""
        for files in (self._files, self._before):
            for path in files.paths(ending=".safetensors"):
                if path.split("/")[-1].split(".")[0] not in names:
                    files.delete(path)

    def _sample(self, texts: Sequence[str]) -> list[str]:
        """What an encoder for these texts is fitted on, and judged by."""
        return [texts[i] for i in np.random.default_rng(self._seed).permutation(len(texts))[:FIT_ON]]

    def _fit(self, sample: Sequence[str]) -> AtHand:
        encoder = find_encoder(name_in(self._kind)).fit(sample, seed=self._seed)
        content = tensors.pack(encoder.arrays())
        name = f"{self._kind}-{len(sample):06d}-{self._about}-{_short_hash(content)}"
        self._files.write(f"{name}{_ENCODER}", content)
        return AtHand(name, encoder, len(sample), self._vectors.read(name, encoder.dims))

    def _known(self) -> list[tuple[int, str]]:
        """Of our kind, for such texts: how many texts each was fitted on, most first, and its name."""
        names = [path.split(".")[0] for path in self._files.paths(ending=_ENCODER)]
        matches = [match for name in names if (match := _NAME.match(name))]
        return sorted(
            ((int(each[2]), each[0]) for each in matches if (each[1], each[3]) == (self._kind, self._about)),
            reverse=True,
        )


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]  # processors have it built in: 40 MB in 30 ms
