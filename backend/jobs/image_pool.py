"""A project's images as far as there are vectors of them: what a worker fetches at once, the rest in shards.

An image that could not be had stands behind, with the tasks that wait to be fetched, and is asked for again
now and then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from redis import Redis
from torch import Tensor

from backend.encoders.images import find_image_encoder
from backend.encoders.maps import MapEncoder
from backend.errors import LabelConfigError
from backend.jobs.encode_pool import Pool
from backend.jobs.image_failures import ImageFailures, of_tasks
from backend.jobs.image_fetching import ImageFetching
from backend.labelstudio.client import LabelStudioClient
from backend.learning.units import Units
from backend.settings import Settings
from backend.store.image_cache import image_cache
from backend.store.image_maps import ImageMaps
from backend.store.images import KnownImages
from backend.store.tasks import StoredTask
from backend.store.vectors import digest_of
from backend.store.waiting import SHARD_SECONDS, Shard

A_SECOND = 20
"""Images that are fetched and encoded in a second, roughly: a shard is cut by it, and ends by the clock."""
UNSURE_AT_ONCE = 100
"""Addresses that a retrain has idle workers ask whether what was there is there still."""


@dataclass(frozen=True)
class ImagesPool(Pool):
    """failures: by task, why its image cannot be had."""

    failures: dict[int, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        said = [of_tasks(self.failures)] if self.failures else []
        if self.missing:
            said.append(
                f"{self.missing} of {self.texts} images are not fetched yet, their tasks stand behind"
            )
        return said


@dataclass(frozen=True)
class MapsOfTasks:
    """digest_at: of the images' bytes, by the digest of what stands in a task."""

    maps: ImageMaps
    digest_at: Mapping[bytes, bytes | None]

    def of(self, digests: Sequence[bytes]) -> Units:
        """A unit for each, its maps as a row of bytes. digests: of what stands in tasks."""
        return self.maps.units([self.digest_at[digest] or b"" for digest in digests])

    def means(self, digests: Sequence[bytes]) -> Tensor:
        """Of each image's maps the mean over its cells, float32 [n, channels]."""
        parts = [self.maps.encoder.opened(rows).mean((2, 3)) for rows in self.of(digests).rows.split(64)]
        return torch.cat(parts) if parts else torch.zeros(0, self.maps.encoder.channels)


class ProjectImages:
    """Of one project. Workers only. maps: what is made of them beside a vector of each; None for nothing.
    Raises LabelConfigError where the images' encoder cannot be used here."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        client: LabelStudioClient,
        project_id: int,
        maps: MapEncoder | None = None,
    ):
        self._settings = settings
        self._redis = redis
        self._client = client
        self._id = project_id
        self._cache = image_cache(settings, project_id)
        self._failures = ImageFailures(redis, project_id)
        try:
            self._encoder = find_image_encoder(settings.image_encoder)
            self._encoder.load()
            if maps is not None:
                maps.load()
        except ValueError as error:
            raise LabelConfigError(f"Nothing is learned of images: {error}") from error
        self._files = self._cache.images(self._encoder)
        self._maps = None if maps is None else ImageMaps(self._cache.files, maps)
        self._mapped: Mapping[bytes, str] = {} if self._maps is None else self._maps.digests()

    @property
    def _shards_are_named(self) -> str:
        """By what is to be made of their images."""
        return self._encoder.name if self._maps is None else self._maps.encoder.name

    def pool(self, tasks: Sequence[StoredTask], seed: int) -> ImagesPool:
        """The labelled ones are fetched first."""
        self._failures.keep_only(task.text for task in tasks)
        self._make_room(tasks)
        shuffled = np.random.default_rng(seed).permutation(len(tasks)).tolist()
        first = [task for task in tasks if task.target is not None]
        known = self._made([*first, *(tasks[i] for i in shuffled)], self._settings.encode_within)
        digests = [known.digest(self._cache.place.name(task.text)) for task in tasks]
        done = np.array([digest is not None for digest in digests], np.bool_)
        features = torch.from_numpy(known.kept.of([digest for digest in digests if digest is not None]))
        wanted = self._wanted(tasks, known)
        shards = self._planned([*wanted, *self._unsure(tasks, known)])
        self._files.merge()
        found = ImagesPool(
            features,
            done,
            self._encoder.name,
            self._encoder.name,
            len({task.text for task in tasks}),
            len(wanted),
            shards,
            self._encoder.block_widths,
            failures=self._failures.reasons((task.id, task.text) for task in tasks),
        )
        return found if self._maps is None else self._with_maps(found, tasks, known)

    def _with_maps(self, found: ImagesPool, tasks: Sequence[StoredTask], known: KnownImages) -> ImagesPool:
        """Of those alone that have maps."""
        assert self._maps is not None
        name = self._cache.place.name
        digest_at = {digest_of(task.text): known.digest(name(task.text)) for task in tasks}
        has = np.array([digest_at[digest_of(task.text)] in self._mapped for task in tasks], np.bool_)
        units = MapsOfTasks(self._maps, digest_at)
        return replace(
            found,
            features=found.features[has[found.done]],
            done=found.done & has,
            missing=len({task.text for task, there in zip(tasks, has.tolist(), strict=True) if not there}),
            units=units,
            unit_encoder=self._maps.encoder.name,
        )

    def plan(self, tasks: Sequence[StoredTask]) -> list[Shard]:
        """Shards of those that are not known; [] where all are."""
        return self._planned(self._wanted(tasks, self._files.read()))

    def encode(self, shard: Shard, seconds: float) -> tuple[int, list[Shard]]:
        """How many were fetched, and the shards that the rest became."""
        waiting = self._cache.waiting
        values = waiting.texts(shard)
        known = self._files.read()
        wanted = [each for each in values if self._is_to_be_asked(each, known)]
        with self._fetching() as fetching:
            asked = fetching.make(wanted, known, seconds)
        rest = waiting.add(self._shards_are_named, wanted[asked:], int(SHARD_SECONDS * A_SECOND))
        waiting.done(shard)
        return len(values) - len(wanted[asked:]), rest

    def _made(self, tasks: Sequence[StoredTask], seconds: float) -> KnownImages:
        known = self._files.read()
        wanted = self._wanted(tasks, known)
        if not wanted:
            return known
        with self._fetching() as fetching:
            fetching.make(wanted, known, seconds)
        self._mapped = {} if self._maps is None else self._maps.digests()
        return self._files.read()

    def _make_room(self, tasks: Sequence[StoredTask]) -> None:
        """Where maps take all the room that they may, those of images that the project has no more go."""
        if self._maps is None:
            return
        self._maps.forget_others()
        if len(self._mapped) >= self._maps.most_of_all:
            known, name = self._files.read(), self._cache.place.name
            self._maps.keep_only({known.digest(name(task.text)) or b"" for task in tasks})
            self._mapped = self._maps.digests()

    def _wanted(self, tasks: Iterable[StoredTask], known: KnownImages) -> list[str]:
        """What stands in tasks whose image is not known, nor asked for in vain just now; each once.

        Where maps are made: those that have none, labelled ones and as many of the others as there is room
        for.
        """
        resting, name = self._failures.resting(), self._cache.place.name
        waits = dict[str, bool]()
        for task in tasks:
            waits[task.text] = waits.get(task.text, True) and task.waits
        lacking = {value: free for value, free in waits.items() if self._lacks(known.digest(name(value)))}
        unknown = list(lacking)
        if self._maps is not None:
            unknown = self._with_room(self._maps, lacking, sum(waits.values()) - sum(lacking.values()))
        return [value for value in unknown if digest_of(value).hex() not in resting]

    def _with_room(self, maps: ImageMaps, lacking: Mapping[str, bool], have: int) -> list[str]:
        """Those that there is room for maps of. lacking: of what stands in tasks, whether one waits; have:
        images that wait and have maps."""
        room, left, found = maps.most - have, maps.most_of_all - len(self._mapped), list[str]()
        for value, free in lacking.items():
            if left > 0 and (not free or room > 0):
                found.append(value)
                room -= free
                left -= 1
        return found

    def _lacks(self, digest: bytes | None) -> bool:
        return digest is None or (self._maps is not None and digest not in self._mapped)

    def _is_to_be_asked(self, value: str, known: KnownImages) -> bool:
        name = self._cache.place.name(value)
        return self._lacks(known.digest(name)) or known.unsure_since(name) is not None

    def _unsure(self, tasks: Sequence[StoredTask], known: KnownImages) -> list[str]:
        """Of those that may have changed since, the longest unasked."""
        name = self._cache.place.name
        since = {task.text: known.unsure_since(name(task.text)) for task in tasks}
        found = [(then, value) for value, then in since.items() if then is not None]
        return [value for _, value in sorted(found)[:UNSURE_AT_ONCE]]

    def _planned(self, wanted: list[str]) -> list[Shard]:
        """All that wait, and new ones for those that are in none."""
        waiting = self._cache.waiting
        shards = waiting.shards(self._shards_are_named)
        planned = {text for shard in shards for text in waiting.texts(shard)} if wanted else set()
        rest = [value for value in wanted if value not in planned]
        return [*shards, *waiting.add(self._shards_are_named, rest, int(SHARD_SECONDS * A_SECOND))]

    def _fetching(self) -> ImageFetching:
        project = self._settings, self._redis, self._client, self._id
        return ImageFetching(*project, self._files, self._encoder, self._maps)
