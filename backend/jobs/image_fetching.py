"""A project's images from addresses to vectors: fetched, decoded, encoded, kept. In workers only."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from time import monotonic

from redis import Redis

from backend.content.addresses import Place, shown
from backend.content.fetching import Bounds, Fetcher
from backend.content.hosts import Hosts
from backend.content.pictures import Picture, decoded, thumbnail
from backend.encoders.pictures import ImageEncoder
from backend.errors import NoContent, NoContentNow
from backend.jobs.download_turns import DownloadTurns
from backend.jobs.image_failures import Failure, ImageFailures, in_words
from backend.jobs.state import seconds_since_any_change
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.image_maps import ImageMaps, Mapped
from backend.store.images import Image, ImageFiles, KnownImages, digest_of_bytes

logger = logging.getLogger(__name__)

AT_ONCE = 4
"""Downloads; of Label Studio's own there are fewer."""
BATCH = 16
"""Images in memory before they are encoded."""
KEEP_AT, KEEP_EVERY = 256, 5.0
"""Images, and seconds, after which those that were made are kept."""


@dataclass(frozen=True)
class _Seen:
    """picture: None where the vector of these bytes is kept already."""

    name: str
    digest: bytes
    etag: str
    picture: Picture | None


class ImageFetching:
    """Of one project. Use as a context manager."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        client: LabelStudioClient,
        project_id: int,
        files: ImageFiles,
        encoder: ImageEncoder,
        maps: ImageMaps | None = None,
    ):
        """maps: to be made of all images that are asked for, beside a vector of each; None for none."""
        self._place = Place(settings.label_studio_url, settings.label_studio_host, project_id)
        self._files = files
        self._encoder = encoder
        self._maps = maps
        self._mapped: Mapping[bytes, str] = {} if maps is None else maps.digests()
        self._failures = ImageFailures(redis, project_id)
        turns = DownloadTurns(
            redis,
            lambda: seconds_since_any_change(redis) >= settings.clear_after,
            settings.content_timeout,
        )
        self._fetcher = Fetcher(
            self._place,
            Hosts.parse(settings.content_hosts),
            client.authorization,
            bounds=Bounds(int(settings.content_max_mb * 2**20), settings.content_timeout),
            turn=turns.turn,
        )

    def __enter__(self) -> ImageFetching:
        return self

    def __exit__(self, *raised: object) -> None:
        self._fetcher.close()

    def make(self, wanted: Sequence[str], known: KnownImages, seconds: float) -> int:
        """Fetch and encode images, by what stands in the tasks, in their order, until the
        time is up. All that were made are kept, and those that could not be had are noted. Returns how
        many were asked for."""
        until, asked = monotonic() + seconds, 0
        failures: dict[str, Failure] = {}
        with ThreadPoolExecutor(AT_ONCE, "images") as threads, _Keeper(self._files, self._maps) as keeper:
            for some in _batches(wanted):
                found = list(threads.map(lambda each: self._see(each, known), some))
                failed = {each.value: each for each in found if isinstance(each, Failure)}
                keeper.add(*self._encoded([each for each in found if isinstance(each, _Seen)]))
                self._failures.forget(value for value in some if value not in failed)
                failures |= failed
                asked += len(some)
                if monotonic() > until:
                    break
        self._failures.note(failures.values())
        if failures:
            logger.warning("%s", in_words({shown(each.value): each.reason for each in failures.values()}))
        return asked

    def _see(self, value: str, known: KnownImages) -> _Seen | Failure:
        name = self._place.name(value)
        before, etag = known.digest(name), known.etag(name)
        if before is not None and self._lacks_maps(before):
            etag = ""  # all of it is needed
        try:
            got = self._fetcher.fetch(self._place.address(value), etag)
            if got.content is None:
                if before is None:
                    raise NoContent("its server says that it has not changed, and was not asked that")
                return _Seen(name, before, etag, None)
            digest = digest_of_bytes(got.content)
            is_made = digest in known.kept.rows and not self._lacks_maps(digest)
            picture = None if is_made else decoded(got.content)
            return _Seen(name, digest, got.etag, picture)
        except NoContent as error:
            if before is not None:  # what it was stays
                return _Seen(name, before, etag, None)
            return Failure(value, str(error), isinstance(error, NoContentNow))

    def _lacks_maps(self, digest: bytes) -> bool:
        return self._maps is not None and digest not in self._mapped

    def _encoded(self, seen: list[_Seen]) -> tuple[list[Image], dict[bytes, Mapped]]:
        """And their maps, by the digests of their bytes."""
        new = {each.digest: each.picture for each in seen if each.picture is not None}
        made = self._encoder.encode([picture.pixels for picture in new.values()]).numpy()
        vectors = dict(zip(new, made, strict=True))
        small = {digest: thumbnail(picture) for digest, picture in new.items()}
        images = [
            Image(each.name, digest, vectors.get(digest), small.get(digest, b""), each.etag)
            for each in seen
            for digest in (each.digest,)
        ]
        if self._maps is None:
            return images, {}
        lack = {digest: picture for digest, picture in new.items() if self._lacks_maps(digest)}
        rows = self._maps.encoder.encode([picture.pixels for picture in lack.values()]).numpy()
        sizes = [(picture.height, picture.width) for picture in lack.values()]
        return images, dict(zip(lack, map(Mapped, rows, sizes), strict=True))


class _Keeper:
    """Files of some hundred images each; a worker that is killed loses what it made in a few seconds."""

    def __init__(self, files: ImageFiles, maps: ImageMaps | None):
        self._files = files
        self._maps = maps
        self._images: list[Image] = []
        self._mapped: dict[bytes, Mapped] = {}
        self._kept_at = monotonic()

    def __enter__(self) -> _Keeper:
        return self

    def __exit__(self, *raised: object) -> None:
        self._keep()

    def add(self, images: list[Image], mapped: Mapping[bytes, Mapped]) -> None:
        self._images += images
        self._mapped |= mapped
        if len(self._images) >= KEEP_AT or monotonic() - self._kept_at > KEEP_EVERY:
            self._keep()

    def _keep(self) -> None:
        if self._maps is not None:
            self._maps.add(self._mapped)
        self._files.add(self._images)
        self._images, self._mapped, self._kept_at = [], {}, monotonic()


def _batches(items: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
