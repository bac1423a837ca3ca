"""What is shown of one item: its text, or the small picture that is kept of it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from backend.jobs.pull import FILE
from backend.lru import RecentlyUsed
from backend.pages.section import ProjectPage
from backend.printable import printable_lines
from backend.store.image_cache import image_cache
from backend.store.kept_images import KeptImages
from backend.store.paths import project_dir
from backend.store.tasks import TaskStore

CHARACTERS = 400
"""Of a text."""
_IMAGES: RecentlyUsed[tuple[str, int, str], KeptImages] = RecentlyUsed(
    256 * 2**20, lambda kept: sum(array.nbytes for array in kept.arrays().values())
)
"""By data folder, project and encoder: what is known of which address has which picture."""


def item_shown(page: ProjectPage, task_id: int) -> dict[str, Any]:
    """`text` or `picture`, a data URL; {} of a task that is not known."""
    with TaskStore(project_dir(page.settings.data_dir, page.id) / FILE) as store:
        task = store.task(task_id)
    if task is None:
        return {}
    if (kept := _kept_images(page)) is not None:
        return {"picture": _address(kept.pictures([task.text])[0])}
    cut = task.text[:CHARACTERS]
    return {"text": printable_lines(cut) + "…" * (len(cut) < len(task.text))}


def pictures_of(page: ProjectPage, tasks: Sequence[int]) -> dict[int, str]:
    """By task, of which a small picture is kept, a data URL; {} where the project has texts."""
    kept = _kept_images(page) if tasks else None
    if kept is None:
        return {}
    texts = page.texts(tasks)
    return dict(zip(texts, map(_address, kept.pictures([*texts.values()])), strict=True))


def _address(picture: bytes) -> str:
    """picture: JPEG; b"" where none is kept, which gives ""."""
    return "data:image/jpeg;base64," + b64encode(picture).decode() if picture else ""


def _kept_images(page: ProjectPage) -> KeptImages | None:
    """None where the project has texts."""
    name = page.published
    scheme = None if name is None else page.versions.scheme(name)
    if name is None or scheme is None or not scheme.source.is_fetched:
        return None
    encoder = page.versions.encoder(name) or ""
    key = (str(page.settings.data_dir), page.id, encoder)
    return _IMAGES.get(key, lambda: image_cache(page.settings, page.id).kept(encoder))
