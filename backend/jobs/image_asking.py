"""Have workers fetch the images of new tasks, and of those that somebody asked predictions for."""

from __future__ import annotations

from backend.controls.scheme import LabelScheme
from backend.jobs.dispatch import Dispatcher
from backend.jobs.encoding_progress import EncodingProgress
from backend.jobs.image_pairs import each_image
from backend.jobs.image_pool import ProjectImages
from backend.jobs.pull import last_pulled
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.image_maps import maps_for
from backend.store.locations import version_store
from backend.store.paths import project_dir


def ask_for_images(
    settings: Settings, dispatcher: Dispatcher, client: LabelStudioClient, project_id: int
) -> None:
    """By the tasks as they were last pulled; nothing where the published version looks at no images."""
    scheme = _scheme_of_images(settings, project_id)
    if scheme is None:
        return
    tasks = last_pulled(project_dir(settings.data_dir, project_id))
    maps = None if dispatcher.state(project_id).wraps else maps_for(scheme)
    images = ProjectImages(settings, dispatcher.redis, client, project_id, maps)
    shards = images.plan(each_image(tasks))
    if shards:
        EncodingProgress(dispatcher.redis, project_id).new_tasks(settings.image_encoder, shards)
        dispatcher.request_shards(project_id, shards)


def _scheme_of_images(settings: Settings, project_id: int) -> LabelScheme | None:
    versions = version_store(settings, project_id)
    published = versions.published()
    scheme = None if published is None else versions.scheme(published)
    return scheme if scheme is not None and scheme.source.is_fetched else None
