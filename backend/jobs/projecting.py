"""Make the map of a project's items: where each lies, and by what it is coloured.

Behind everything else, as fine-tuning is. A projection of a hundred thousand takes minutes: where something
else comes first it ends, and goes on later from where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
import torch
from redis import Redis
from torch import Tensor

from backend.errors import DamagedFile
from backend.jobs.dispatch import Dispatcher
from backend.jobs.item_colours import Colours
from backend.jobs.job_settings import job_settings
from backend.jobs.keys import map_key
from backend.jobs.pull import FILE, last_pulled
from backend.jobs.stepping_aside import Overtaken, StepAside
from backend.learning import projection
from backend.loaded import Loaded, load_version
from backend.settings import Settings
from backend.store.image_cache import image_cache
from backend.store.item_map import Placed
from backend.store.kept_images import KeptImages
from backend.store.locations import item_maps, project_files, version_store
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask, TaskStore
from backend.store.vectors import digest_of
from backend.store.wrapped_predictions import WrappedPredictions

logger = logging.getLogger(__name__)

GROWTH = 2
"""A new picture is made once there are so many times the items of the last one; until then new items are
placed in it."""
KEEP_EVERY = 10.0
"""Seconds between the points from which an interrupted projection goes on."""
SAMPLE = 1000
"""Items by which it is told how well the picture keeps what is near what."""
PROGRESS_SECONDS = 600


def project_items(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns what was done, as JSON: `said` in words, and `overtaken` where it made room."""
    settings = job_settings()
    with Redis.from_url(settings.redis_url) as redis:
        work = _Mapping(settings, redis, project_id)
        try:
            said = work.run()
        except Overtaken as reason:
            return {"said": f"not ended: {reason}", "overtaken": True}
        except DamagedFile as damage:  # a retrain is under way to mend it
            said = str(damage)
        work.progress("")
    logger.info("%s", said)
    return {"said": said}


class _Mapping:
    def __init__(self, settings: Settings, redis: Redis, project_id: int):
        self._settings = settings
        self._redis = redis
        self._id = project_id
        self._maps = item_maps(settings, project_id)
        self._aside = StepAside(redis, float("inf"), lambda: None)
        self._kept_at = monotonic()

    def progress(self, said: str) -> None:
        """In words, for the page; "" once there is nothing to wait for."""
        if said:
            self._redis.set(map_key(self._id), said, ex=PROGRESS_SECONDS)
        else:
            self._redis.delete(map_key(self._id))

    def run(self) -> str:
        """Raises Overtaken where something else comes first, DamagedFile where the version cannot be read."""
        name = version_store(self._settings, self._id).published()
        if name is None:
            return "no version is published yet, so there is no map"
        state = Dispatcher(self._redis, self._settings).state(self._id)
        changes = state.changes
        loaded = load_version(self._settings, self._id, name)
        tasks = last_pulled(project_dir(self._settings.data_dir, self._id))
        placed = self._placed(loaded, tasks)
        self.progress(f"Colouring {len(tasks):,} items")
        header = {"changes": changes, "encoder": placed.encoder, "kept": round(placed.kept, 4)}
        kept = WrappedPredictions(project_files(self._settings, self._id))
        theirs = None if state.wraps is None else kept.each_newest
        colours = Colours(loaded, self._annotators(loaded), self._aside.look, theirs)
        shown = colours.packed(tasks, placed, header)
        self._maps.show(shown)
        return f"{len(placed.digests)} contents are on the map"

    def _annotators(self, loaded: Loaded) -> dict[int, str]:
        """By task, who labelled it, by the id that Label Studio knows them by; the first of several."""
        with TaskStore(project_dir(self._settings.data_dir, self._id) / FILE) as store:
            votes = store.votes().get(loaded.version.scheme.main.from_name, {})
        return {task: cast[0].annotator for task, cast in votes.items() if cast}

    def _placed(self, loaded: Loaded, tasks: Sequence[StoredTask]) -> Placed:
        text_of = {digest_of(task.text): task.text for task in tasks}
        digests, vectors = self._vectors(loaded, text_of)
        encoder = loaded.version.encoder
        before = self._maps.read(encoder)
        known = set() if before is None else set(before.digests)
        if before is None or len(digests) >= GROWTH * max(len(known.intersection(digests)), 1):
            return self._drawn(encoder, digests, vectors)
        has_all = all(digest in known for digest in digests)
        return before if has_all else self._with_new(before, digests, vectors)

    def _vectors(self, loaded: Loaded, text_of: Mapping[bytes, str]) -> tuple[list[bytes], Tensor]:
        """Digests of the contents that have vectors, and these, float32 [N, D], of length 1."""
        texts = list(text_of.values())
        if isinstance(loaded.encoder, KeptImages):
            images = image_cache(self._settings, self._id)
            found = images.kept(loaded.version.encoder, "").found(texts)
        else:
            found = replace(loaded, words=None).vectors(texts, 0)
        return found.of(text_of), torch.nn.functional.normalize(found.features.float())

    def _drawn(self, encoder: str, digests: list[bytes], vectors: Tensor) -> Placed:
        """A picture of its own; one that is under way is ended first, and new contents are placed in it."""
        row_of = {digest: row for row, digest in enumerate(digests)}
        under_way = self._maps.read_course(encoder)
        if under_way is not None and all(digest in row_of for digest in under_way[0]):
            drawn, course = under_way[0], projection.restored(under_way[1])
        else:
            self.progress(f"Looking which of {len(digests):,} items are alike")
            drawn, course = digests, projection.begun(vectors, self._aside.look)
        course = projection.ended(course, partial(self._piece_done, encoder, drawn))
        positions = torch.from_numpy(course.positions).float()
        own = vectors[[row_of[digest] for digest in drawn]]
        generator = torch.Generator().manual_seed(self._settings.seed)
        sample = torch.randperm(len(drawn), generator=generator)[:SAMPLE]
        kept = projection.kept_near(own, positions, sample) if len(drawn) > 30 else 1.0
        placed = Placed(encoder, tuple(drawn), positions.numpy(), kept)
        self._maps.write(placed)
        return placed if len(drawn) == len(digests) else self._with_new(placed, digests, vectors)

    def _piece_done(self, encoder: str, drawn: list[bytes], course: projection.Course) -> None:
        self.progress(f"Placing {len(drawn):,} items: {course.share:.0%}")
        try:
            self._aside.look()
        except Overtaken:
            self._maps.write_course(encoder, drawn, course.arrays())
            raise
        if monotonic() - self._kept_at > KEEP_EVERY:
            self._kept_at = monotonic()
            self._maps.write_course(encoder, drawn, course.arrays())

    def _with_new(self, before: Placed, digests: list[bytes], vectors: Tensor) -> Placed:
        """Contents that the picture has not are placed in it; those that are gone stay in it, unseen."""
        row_of = {digest: row for row, digest in enumerate(digests)}
        known = set(before.digests)
        new = [digest for digest in digests if digest not in known]
        self.progress(f"Placing {len(new):,} new items")
        there = [i for i, digest in enumerate(before.digests) if digest in row_of]
        old = vectors[[row_of[before.digests[i]] for i in there]]
        at = torch.from_numpy(before.positions[there])
        made = projection.placed(vectors[[row_of[digest] for digest in new]], old, at, self._aside.look)
        positions = np.concatenate([before.positions, made.numpy().astype(np.float32)])
        placed = replace(before, digests=(*before.digests, *new), positions=positions)
        self._maps.write(placed)
        return placed
