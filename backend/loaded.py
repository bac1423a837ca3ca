"""A version ready to answer: with its encoders, and the place of each ranked task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from time import monotonic

from backend.adapted_contents import picture_contents, text_contents
from backend.adapting import Adapted, adapted_of
from backend.combining import combining
from backend.encoders.base import Encoder, is_cheap
from backend.sampling import queue_scores
from backend.settings import Settings
from backend.store.features import FeatureCache
from backend.store.finding import KEEP_FROM, Found, find_vectors, put_off
from backend.store.finding_words import find_words, put_off_words
from backend.store.image_cache import image_cache
from backend.store.kept_images import KeptImages
from backend.store.locations import adapted_models, feature_cache, version_store
from backend.store.model_version import ModelVersion
from backend.store.waiting import Shard
from backend.store.words import Words, words_of_project

PLACE_BYTES = 150
"""Of an entry of `Loaded.place_of`: two numbers and their slot."""


@dataclass(frozen=True)
class Loaded:
    """A version ready to answer: with its encoder, and each ranked task's place by id."""

    version: ModelVersion
    encoder: Encoder | KeptImages
    place_of: dict[int, float]
    cache: FeatureCache
    adapted: Adapted | None = None
    """What guesses in the place of the version's own network; None where nothing does."""
    words: Words | None = None
    """What reads texts word by word; None where no model asks for that."""

    def vectors(
        self, texts: Sequence[str], seconds: float = float("inf"), *, keep_from: int = KEEP_FROM
    ) -> Found:
        """Of texts, the kept ones first; see `find_vectors`. Of images, those alone."""
        if isinstance(self.encoder, KeptImages):
            return self.encoder.found(texts)
        began, name = monotonic(), self.version.encoder
        found = find_vectors(self.cache, name, self.encoder, texts, seconds, keep_from=keep_from)
        if self.words is None:
            return found
        left = max(seconds - (monotonic() - began), 0.0)
        return find_words(found, texts, self.words, left, keep_from=keep_from)

    @cached_property
    def silent(self) -> frozenset[int]:
        """See `ModelVersion.silent`."""
        return self.version.silent

    @property
    def is_cheap(self) -> bool:
        """Whether new texts need not be encoded before they are asked about."""
        words = self.words is None or self.words.encoder.is_cheap
        return not isinstance(self.encoder, KeptImages) and is_cheap(self.encoder) and words

    def put_off(self, found: Found) -> list[Shard]:
        """Have what there was no time for encoded by workers. Returns the shards that are new."""
        shards = put_off(self.cache, found)
        return shards if self.words is None else [*shards, *put_off_words(self.words, found)]

    @property
    def bytes(self) -> int:
        """In memory, roughly."""
        learned = sum(array.nbytes for array in self.encoder.arrays().values())
        adapted = 0 if self.adapted is None else self.adapted.bytes
        return self.version.bytes + learned + adapted + PLACE_BYTES * len(self.place_of)


def load_version(settings: Settings, project_id: int, name: str) -> Loaded:
    """Raises DamagedFile when it cannot be read."""
    version = version_store(settings, project_id).load(name)
    cache, models = feature_cache(settings, project_id), adapted_models(settings, project_id)
    ids = version.queue_ids.tolist()
    places = dict(zip(ids, queue_scores(len(ids)).tolist(), strict=True))
    if version.scheme.source.is_fetched:
        images = image_cache(settings, project_id)
        if (several := combining(version.scheme.source)) is not None:
            return Loaded(version, images.kept_several(version.encoder, *several), places, cache)
        kept = images.kept(version.encoder, version.unit_encoder)
        adapted = adapted_of(models, version, picture_contents(images, kept, version.encoder))
        return Loaded(version, kept, places, cache, adapted)
    encoder = cache.encoder(version.encoder)
    words = words_of_project(settings, project_id, version.unit_encoder) if version.unit_encoder else None
    contents = text_contents(encoder, None if words is None else words.encoder)
    adapted = adapted_of(models, version, contents)
    return Loaded(version, encoder, places, cache, adapted, words)
