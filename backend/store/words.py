"""A project's texts word by word: what a tagger of spans reads, encoded once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from backend.encoders.registry import in_file, name_in
from backend.encoders.word_registry import find_word_encoder
from backend.encoders.words import WordEncoder
from backend.errors import DamagedFile
from backend.settings import Settings
from backend.store import tensors
from backend.store.files import Files, files_of
from backend.store.paths import project_dir
from backend.store.unit_files import Block, KeptUnits, Row, UnitFiles, blocks_of
from backend.store.vectors import digest_of
from backend.store.waiting import Shard, WaitingTexts

FOLDER = "words"
FIRST, LARGEST, PIECE_SECONDS = 4, 512, 0.5
"""Texts of the first piece, which are encoded whatever the time, and of any; how long one should take."""


class Encoded(dict[bytes, Block]):
    """By the texts' digests, in the order in which they were given. rate: texts a second."""

    rate = float("inf")


@dataclass(frozen=True)
class Words:
    """Of one project and one encoder of words."""

    encoder: WordEncoder
    files: Files

    @property
    def name(self) -> str:
        """By which versions know it, and its shards are kept: another encoder has another."""
        return name_of(self.encoder)

    @property
    def kept(self) -> UnitFiles:
        return UnitFiles(self.files, self.name, Row(self.encoder.dimensions))

    @property
    def waiting(self) -> WaitingTexts:
        return WaitingTexts(self.files)

    def find(self, texts: Sequence[str]) -> KeptUnits:
        return self.kept.find({digest_of(text) for text in texts})

    def encoded(self, missing: Mapping[bytes, str], seconds: float) -> Encoded:
        """The first of the texts, some at least, as many as there is time for."""
        digests, texts, found = list(missing), list(missing.values()), Encoded()
        began, size, spent = monotonic(), FIRST, 0.0
        while len(found) < len(texts) and (not found or spent < seconds):
            at = len(found)
            found.update(zip(digests[at : at + size], self._blocks(texts[at : at + size]), strict=True))
            spent = max(monotonic() - began, 1e-9)
            found.rate = len(found) / spent
            room = min(PIECE_SECONDS, max(seconds - spent, 0)) * found.rate
            size = max(1, min(2 * size, LARGEST, int(room)))
        return found

    def _blocks(self, texts: Sequence[str]) -> list[Block]:
        return blocks_of(self.encoder.encode(texts))

    def encode_shard(self, shard: Shard, seconds: float, shard_seconds: float) -> tuple[int, list[Shard]]:
        """How many texts were encoded, and the shards that the rest became."""
        texts = {digest_of(text): text for text in sorted(self.waiting.texts(shard), key=len)}
        made = self.encoded(texts, seconds) if texts else Encoded()
        self.kept.add(made)
        rest = [text for digest, text in texts.items() if digest not in made]
        shards = self.waiting.add(self.name, rest, int(made.rate * shard_seconds)) if rest else []
        self.waiting.done(shard)
        return len(made), shards

    def forget_others(self) -> None:
        """Delete what other encoders of words have made."""
        for path in self.files.paths(ending=".safetensors"):
            if not path.startswith(f"{self.name}."):
                self.files.delete(path)


def words_of_project(settings: Settings, project_id: int, name: str | None = None) -> Words:
    """By the encoder of this name, that a version was made with; None for the one that the settings ask for.
    Raises DamagedFile where it is not the same here, ValueError where there is none."""
    files = _files(settings, project_id)
    if name is None:
        return Words(find_word_encoder(settings.encoder), files)
    try:
        encoder = find_word_encoder(name_in(name.rpartition("-")[0]))
    except ValueError as error:
        raise DamagedFile(f"words cannot be read by {name}: {error}") from error
    if name_of(encoder) != name:
        raise DamagedFile(f"the encoder of words {name} is another one here")
    return Words(encoder, files)


def waiting_words(settings: Settings, project_id: int) -> WaitingTexts:
    """Texts whose words wait to be encoded, whichever encoder is to."""
    return WaitingTexts(_files(settings, project_id))


def _files(settings: Settings, project_id: int) -> Files:
    return files_of(project_dir(settings.data_dir, project_id) / FOLDER, settings.model_store)


def name_of(encoder: WordEncoder) -> str:
    digest = hashlib.sha256(tensors.pack(encoder.arrays())).hexdigest()[:8]
    return f"{in_file(encoder.name)}-{digest}"
