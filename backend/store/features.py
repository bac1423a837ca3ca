"""Every text is encoded once: a fitted encoder per project, and its vectors by content hash.

An encoder's name ends with the digest of what it consists of, so a name never stands for two encoders,
and a model is never asked about vectors of another one than it was trained on. Of encoders side by side
("use+lsa") each has vectors of its own: those of a pretrained one outlive a new fit of the other.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.encoders.base import Encoder, encoded, is_pretrained, suits
from backend.encoders.joined import join
from backend.encoders.registry import find_encoder, in_file, name_in
from backend.errors import DamagedFile
from backend.store import tensors
from backend.store.files import Files, files_of
from backend.store.vectors import Kept, VectorFiles, digest_of
from backend.store.waiting import WaitingTexts

logger = logging.getLogger(__name__)

FIT_ON = 20_000
"""Texts an encoder is fitted on: a random sample of larger projects."""
REFIT_GROWTH = 2
"""A new encoder is fitted when the project holds this many times the texts of the last fit."""
_ENCODER = ".encoder.safetensors"
_NAME = re.compile(r"^([^-]+)-(\d{6,})-([0-9a-f]{8})-([0-9a-f]{8})$")
"""Kind, texts it was fitted on, hash of what they are, hash of the encoder's own file."""
_PART = "="
"""Before the number of a part, in the name of its vectors."""
_PRETRAINED = re.compile(r"^([^-]+)-([0-9a-f]{8})$")
"""Kind, hash of what the encoder consists of: it is the same for every project and all texts."""


@dataclass(frozen=True)
class Part:
    """One of the encoders side by side. name: that its vectors are kept by."""

    name: str
    encoder: Encoder
    kept: Kept


@dataclass(frozen=True)
class AtHand:
    """An encoder in memory, how many texts it was fitted on, and the vectors it has made, by its parts: it
    alone where it is not one of several side by side."""

    name: str
    encoder: Encoder
    fitted_on: int
    parts: tuple[Part, ...]

    def is_outgrown_by(self, texts: int) -> bool:
        if is_pretrained(self.encoder):
            return False
        return self.fitted_on < FIT_ON and texts >= REFIT_GROWTH * self.fitted_on

    def features(self, digests: Sequence[bytes]) -> Tensor:
        """Float32 [N, D]; every part must have the vectors."""
        blocks = [torch.from_numpy(part.kept.of(digests)) for part in self.parts]
        return blocks[0] if len(blocks) == 1 else join(blocks)

    def has(self, digest: bytes) -> bool:
        return all(digest in part.kept.rows for part in self.parts)

    def with_part(self, changed: Part) -> AtHand:
        parts = tuple(changed if part.name == changed.name else part for part in self.parts)
        return replace(self, parts=parts)


class FeatureCache:
    """The encoders of one project and what they make, vectors on disk as float16, where the model versions
    are.

    kind: name of the encoder that new ones are of, or what tells it once it is needed. about: what the
    encoded texts are, beside the texts themselves; an encoder fitted on others is not used.
    """

    def __init__(
        self,
        directory: Path,
        seed: int = 0,
        *,
        model_store: str = "",
        kind: str | Callable[[], str] = "lsa",
        about: str = "",
    ):
        self._files = files_of(directory, model_store)
        self._before = Files(directory)
        self.vectors = VectorFiles(self._files, self._before)
        self.waiting = WaitingTexts(self._files)
        self._seed = seed
        self._named = kind
        self._about = _short_hash(about.encode())

    @cached_property
    def _kind(self) -> str:
        """As it stands in files' names."""
        return in_file(self._named if isinstance(self._named, str) else self._named())

    def encode(self, texts: Sequence[str], at_hand: AtHand | None = None) -> tuple[Tensor, str]:
        """Features, float32 [N, D], and the name of the encoder that made them.

        Only texts never seen before are encoded. at_hand: what `read` gave, where that was asked already.
        """
        used = self.wanted(texts, at_hand)
        digests = [digest_of(text) for text in texts]
        for part in used.parts:
            missing = missing_of(part, digests, texts)
            if missing:
                made = encoded(part.encoder, list(missing.values()))
                used = used.with_part(self.keep(part, list(missing), made))
        return used.features(digests), used.name

    def wanted(self, texts: Sequence[str], at_hand: AtHand | None = None) -> AtHand:
        """The encoder that these texts should have: a new one once the project has outgrown the last, or
        where none is meant for texts such as these."""
        used, sample = at_hand or self.read(), self._sample(texts)
        if used is not None and not suits(used.encoder, sample):
            used = self.read(sample)
        if used is None or used.is_outgrown_by(len(texts)):
            used = self._fit(sample)
        return used

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
                    return self._at_hand(name, encoder, fitted_on)
        return None

    def named(self, name: str, texts: Sequence[str]) -> AtHand | None:
        """An encoder of whatever kind with its vectors, if it can be read and is meant for such texts."""
        match = _NAME.match(name)
        if match is None or match[3] != self._about:
            return None
        try:
            encoder = self.encoder(name)
        except DamagedFile as damage:
            logger.warning("%s", damage)
            return None
        return self._at_hand(name, encoder, int(match[2])) if suits(encoder, self._sample(texts)) else None

    def read_again(self, used: AtHand) -> AtHand:
        """With what others have encoded meanwhile."""
        return self._at_hand(used.name, used.encoder, used.fitted_on)

    def keep(self, part: Part, digests: Sequence[bytes], vectors: Tensor) -> Part:
        """With the vectors, float [n, dims], of texts that had none; on disk, too. For one at a time."""
        added = vectors.numpy().astype(np.float16)
        self.vectors.add(part.name, digests, added)
        self.vectors.merge(part.name, part.encoder.dims)
        return replace(part, kept=part.kept.with_added(digests, added))

    def add(self, vectors_name: str, digests: Sequence[bytes], vectors: Tensor) -> None:
        """As `keep`, for any number at a time."""
        self.vectors.add(vectors_name, digests, vectors.numpy().astype(np.float16))

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

    def part_of(self, vectors_name: str) -> Encoder:
        """The encoder that makes the vectors of this name. Raises DamagedFile where there is none."""
        pretrained = _PRETRAINED.match(vectors_name)
        if pretrained is not None:
            try:
                encoder = find_encoder(name_in(pretrained[1])).fit([""], seed=self._seed)
            except ValueError as error:
                raise DamagedFile(str(error)) from error
            if _pretrained_name(pretrained[1], encoder) != vectors_name:
                raise DamagedFile(f"encoder {pretrained[1]} is another one here than where it was asked for")
            return encoder
        name, _, number = vectors_name.partition(_PART)
        encoder = self.encoder(name)
        return encoder if not number else _parts_of(encoder)[int(number)][1]

    def forget_all_but(self, names: set[str]) -> None:
        """Delete the encoders, and their vectors, that no kept model version uses."""
        kinds = {kind for name in names for kind in name.split("-")[0].split("+")}
        for files in (self._files, self._before):
            for path in files.paths(ending=".safetensors"):
                name = path.split("/")[-1].split(".")[0].partition(_PART)[0]
                pretrained = _PRETRAINED.match(name)
                if name not in names and not (pretrained and pretrained[1] in kinds):
                    files.delete(path)

    def _sample(self, texts: Sequence[str]) -> list[str]:
        """What an encoder for these texts is fitted on, and judged by."""
        return [texts[i] for i in np.random.default_rng(self._seed).permutation(len(texts))[:FIT_ON]]

    def _fit(self, sample: Sequence[str]) -> AtHand:
        encoder = find_encoder(name_in(self._kind)).fit(sample, seed=self._seed)
        content = tensors.pack(encoder.arrays())
        name = f"{self._kind}-{len(sample):06d}-{self._about}-{_short_hash(content)}"
        self._files.write(f"{name}{_ENCODER}", content)
        return self._at_hand(name, encoder, len(sample))

    def _at_hand(self, name: str, encoder: Encoder, fitted_on: int) -> AtHand:
        parts = named_parts(name, encoder)
        held = tuple(Part(own, each, self.vectors.read(own, each.dims)) for own, each in parts)
        return AtHand(name, encoder, fitted_on, held)

    def _known(self) -> list[tuple[int, str]]:
        """Of our kind, for such texts: how many texts each was fitted on, most first, and its name."""
        names = [path.split(".")[0] for path in self._files.paths(ending=_ENCODER)]
        matches = [match for name in names if (match := _NAME.match(name))]
        return sorted(
            ((int(each[2]), each[0]) for each in matches if (each[1], each[3]) == (self._kind, self._about)),
            reverse=True,
        )


def missing_of(part: Part, digests: Sequence[bytes], texts: Sequence[str]) -> dict[bytes, str]:
    """The texts that it has no vectors of, by their digests, in the order of the texts."""
    rows = part.kept.rows
    return {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in rows}


def named_parts(name: str, encoder: Encoder) -> list[tuple[str, Encoder]]:
    """The encoders that one consists of, itself where it is single, each behind the name its vectors are kept
    by. name: of the encoder."""
    several = _parts_of(encoder)
    return [
        (
            _pretrained_name(kind, each) if is_pretrained(each) else f"{name}{_PART}{i}" if several else name,
            each,
        )
        for i, (kind, each) in enumerate(several or ((name.split("-")[0], encoder),))
    ]


def _parts_of(encoder: Encoder) -> tuple[tuple[str, Encoder], ...]:
    """Kinds, as they stand in files' names, and encoders side by side; none where it is a single one."""
    return tuple((in_file(kind), each) for kind, each in getattr(encoder, "parts", ()))


def _pretrained_name(kind: str, encoder: Encoder) -> str:
    return f"{kind}-{_short_hash(tensors.pack(encoder.arrays()))}"


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]  # processors have it built in: 40 MB in 30 ms
