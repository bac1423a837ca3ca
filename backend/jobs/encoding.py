"""Encode one shard of the texts that wait: what any worker does that has nothing else to do.

It takes no project's lock. Two that encode the same shard write the same vectors; of a worker that is killed
in the midst the shard is still there, and is encoded again.
"""

from __future__ import annotations

import logging
from typing import Any

from redis import Redis

from backend.encoders.within import encoded_within
from backend.errors import DamagedFile
from backend.jobs.dispatch import Dispatcher
from backend.jobs.encode_pool import Pool, kind_of
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.image_pool import ProjectImages
from backend.jobs.job_settings import job_settings
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.features import FeatureCache
from backend.store.image_cache import image_cache
from backend.store.image_maps import map_encoder_of
from backend.store.locations import feature_cache
from backend.store.vectors import digest_of
from backend.store.waiting import SHARD_SECONDS, Shard
from backend.store.words import waiting_words, words_of_project

logger = logging.getLogger(__name__)

AT_MOST = 9.0
"""Seconds after which what is left of a shard becomes another one: who is asked for waits no longer."""


def encode_shard(project_id: int, key: str) -> dict[str, Any]:
    """The RQ job. Returns how many texts were encoded, and how many wait still."""
    settings = job_settings()
    cache = feature_cache(settings, project_id)
    done, rest = 0, list[Shard]()
    for shard in cache.waiting.shards():
        if shard.key == key:
            done, rest = _encoded(cache, shard)
    images, words = image_cache(settings, project_id).waiting, waiting_words(settings, project_id)
    for shard in words.shards():
        if shard.key == key:
            done, rest = _read(settings, project_id, shard)
    with Redis.from_url(settings.redis_url) as redis:
        for shard in images.shards():
            if shard.key == key:
                with LabelStudioClient.from_settings(settings) as client:
                    maps = map_encoder_of(shard.vectors)
                    found = ProjectImages(settings, redis, client, project_id, maps)
                    done, rest = found.encode(shard, AT_MOST)
        left = sum(shard.count for shard in [*cache.waiting.shards(), *images.shards(), *words.shards()])
        dispatcher, progress = Dispatcher(redis, settings), EncodingProgress(redis, project_id)
        dispatcher.request_shards(project_id, rest)
        retrain, refill = progress.shard_done(left)
        said = progress.read()
        if retrain:
            dispatcher.demand_retrain(project_id)
        elif refill:
            dispatcher.request_refill(project_id)
        if not left:
            progress.ended()
    logger.info("%d texts encoded; %s", done, said.in_words() if said else "none waits any more")
    return {"texts": done, "left": left}


def note_pool(dispatcher: Dispatcher, project_id: int, pool: Pool) -> None:
    """A retrain has left some texts to be encoded, or none."""
    progress = EncodingProgress(dispatcher.redis, project_id)
    if pool.missing:
        ranked = pool.texts - pool.missing if pool.wanted == pool.encoder else pool.texts
        progress.begun(kind_of(pool.wanted), pool.texts, pool.missing, ranked=ranked)
    else:
        progress.ended()
    dispatcher.request_shards(project_id, pool.shards)


def _read(settings: Settings, project_id: int, shard: Shard) -> tuple[int, list[Shard]]:
    """Word by word: how many texts, and the shards that the rest became."""
    try:
        words = words_of_project(settings, project_id, shard.vectors)
    except DamagedFile as damage:  # the next retrain has them read by the encoder that there is
        logger.warning("%s", damage)
        waiting_words(settings, project_id).done(shard)
        return 0, []
    return words.encode_shard(shard, AT_MOST, SHARD_SECONDS)


def _encoded(cache: FeatureCache, shard: Shard) -> tuple[int, list[Shard]]:
    """How many texts, and the shards that the rest became."""
    texts = sorted(cache.waiting.texts(shard), key=len)  # an encoder pads to the longest of a batch
    if not texts:
        return 0, []
    made, rate = encoded_within(cache.part_of(shard.vectors), texts, AT_MOST)
    cache.add(shard.vectors, [digest_of(text) for text in texts[: len(made)]], made)
    rest = cache.waiting.add(shard.vectors, texts[len(made) :], int(rate * SHARD_SECONDS))
    cache.waiting.done(shard)
    return len(made), rest
