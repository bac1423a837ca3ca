"""What a demo's tasks hold, texts or images: how they get into Label Studio, and how the backend is asked
about others that are not in it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import httpx

from backend.errors import AtlasError
from backend.labelled.things import IMAGES, TEXTS, Things, content_at
from backend.settings import Settings

FILES_AT_ONCE = 100
"""Label Studio takes no more in one request."""


class Objects(Protocol):
    """things: what they are. name: of the object tag, and of the field of a task's data."""

    things: Things
    name: str
    tag: str

    def add(self, http: httpx.Client, project: int, items: Sequence[str]) -> list[int]:
        """A task for each. Returns their ids, in the items' order."""

    def held_out(self, settings: Settings, project: int, items: Sequence[str]) -> list[str]:
        """What stands in a task about each, so that /predict answers. settings: the backend's."""


class TextObjects:
    things: Things = TEXTS
    name, tag = "text", "Text"

    def add(self, http: httpx.Client, project: int, items: Sequence[str]) -> list[int]:
        tasks = [{"data": {self.name: text}} for text in items]
        answer = http.post(f"/api/projects/{project}/import?return_task_ids=true", json=tasks)
        _check(answer)
        ids: list[int] = answer.json()["task_ids"]
        return ids

    def held_out(self, settings: Settings, project: int, items: Sequence[str]) -> list[str]:
        return list(items)


class ImageObjects:
    """Files, uploaded under numbers: their own names and folders would tell the class."""

    things: Things = IMAGES
    name, tag = "image", "Image"

    def add(self, http: httpx.Client, project: int, items: Sequence[str]) -> list[int]:
        named = [(f"{number:05d}{Path(item).suffix.lower()}", item) for number, item in enumerate(items)]
        for start in range(0, len(named), FILES_AT_ONCE):
            some = named[start : start + FILES_AT_ONCE]
            files = {name: (name, content_at(item)) for name, item in some}
            _check(http.post(f"/api/projects/{project}/import", files=files))
        query: dict[str, str | int] = {"project": project, "page_size": 100_000}
        query |= {"fields": "task_only", "include": "id,data"}
        answer = http.get("/api/tasks", params=query)
        _check(answer)
        task_of = {_number(task["data"][self.name]): task["id"] for task in answer.json()["tasks"]}
        return [task_of[number] for number in range(len(named))]

    def held_out(self, settings: Settings, project: int, items: Sequence[str]) -> list[str]:
        """The web server opens no address, and a worker fetches what is in tasks alone: so their vectors are
        kept where a worker would have kept them."""
        from backend.store.image_cache import image_cache

        contents = [content_at(item) for item in items]
        values = [f"data:image/*;base64,{b64encode(content).decode()}" for content in contents]
        image_cache(settings, project).keep(settings.image_encoder, dict(zip(values, contents, strict=True)))
        return values


BY_THINGS: dict[str, Objects] = {each.things.many: each for each in (TextObjects(), ImageObjects())}


def _number(address: str) -> int:
    """Of an upload, by the name that it was given."""
    found = re.search(r"(\d{5})\.\w+$", address)
    if found is None:
        raise AtlasError(f"Label Studio has an upload of another name: {address}")
    return int(found[1])


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        said = f"{answer.status_code} {answer.text[:500]}"
        raise AtlasError(f"Label Studio refused {answer.request.url.path}: {said}")
