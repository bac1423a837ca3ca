"""Where things are kept, by the settings: the one module that knows both DATA_DIR and MODEL_STORE."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from backend.controls.sources import Source
from backend.encoders.registry import AUTO, beginning, is_at_hand
from backend.settings import Settings
from backend.store.adapted_models import AdaptedModels
from backend.store.adapted_views import AdaptedViews
from backend.store.bucket import Bucket
from backend.store.encoder_choice import read_choice
from backend.store.features import FeatureCache
from backend.store.files import Files, files_of
from backend.store.item_map import ItemMaps
from backend.store.paths import project_dir, project_ids
from backend.store.versions import VersionStore


def version_store(settings: Settings, project_id: int) -> VersionStore:
    return VersionStore(project_dir(settings.data_dir, project_id), settings.model_store)


def project_files(settings: Settings, project_id: int) -> Files:
    """What is kept of a project beside its versions, and with them."""
    return files_of(project_dir(settings.data_dir, project_id), settings.model_store)


def adapted_models(settings: Settings, project_id: int) -> AdaptedModels:
    return AdaptedModels(project_files(settings, project_id))


def adapted_views(settings: Settings, project_id: int) -> AdaptedViews:
    return AdaptedViews(project_files(settings, project_id))


def item_maps(settings: Settings, project_id: int) -> ItemMaps:
    here = Files(project_dir(settings.data_dir, project_id))
    return ItemMaps(project_files(settings, project_id), here)


def encoder_of(settings: Settings, project_id: int) -> str:
    """The name of the encoder that the project should have: that of ENCODER, or the one chosen for it."""
    if settings.encoder != AUTO:
        return settings.encoder
    choice = read_choice(project_files(settings, project_id))
    return choice.encoder if choice is not None and is_at_hand(choice.encoder) else beginning()


def feature_cache(settings: Settings, project_id: int, about: str = "") -> FeatureCache:
    """Of texts. about: what tells them from others; "" where vectors are asked for by their names alone."""
    return _cache(settings, project_id, about, partial(encoder_of, settings, project_id))


def features_of(settings: Settings, project_id: int, source: Source) -> FeatureCache:
    """Of the contents of a source, by the encoder that this one needs."""
    return _cache(
        settings, project_id, source.about, lambda: source.encoder(encoder_of(settings, project_id))
    )


def _cache(settings: Settings, project_id: int, about: str, kind: Callable[[], str]) -> FeatureCache:
    """kind: is asked for by those only who encode."""
    directory = project_dir(settings.data_dir, project_id) / "features"
    return FeatureCache(directory, settings.seed, model_store=settings.model_store, kind=kind, about=about)


def stored_projects(settings: Settings) -> list[int]:
    """The projects that something is kept of, here or in the model store."""
    found = set(project_ids(settings.data_dir))
    if settings.model_store:
        paths = Bucket(settings.model_store).paths("projects")
        found |= {int(part) for path in paths if (part := path.split("/")[1]).isdecimal()}
    return sorted(found)
