"""The map: all items in two dimensions, and what is done with those that somebody puts a lasso around."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from flask import Response

from backend.errors import AtlasError
from backend.jobs.keys import map_key
from backend.jobs.selections import FIRST, RELEASE, SHOW, Selection, Selections
from backend.jobs.values import text
from backend.pages.item import item_shown
from backend.pages.section import ProjectPage, Section
from backend.store.item_map import header_of
from backend.store.locations import item_maps
from backend.store.wanted_first import MOST, WantedFirst

_KEY = re.compile(r"[0-9a-f]{16}")
_TASK = re.compile(r"[1-9][0-9]{0,17}")


def context(page: ProjectPage) -> Mapping[str, Any]:
    header = _header(page)
    if page.published is not None and _is_stale(page, header):
        page.dispatcher.request_map(page.id)
    wishes = WantedFirst(page.files).read().wishes
    return {
        "header": header,
        "progress": _progress(page),
        "names": json.dumps(page.study.get("names", {})),
        "wishes": [
            {
                "number": each.number,
                "tasks": len(each.tasks),
                "by": each.by,
                "at": time.strftime("%Y-%m-%d %H:%M", time.localtime(each.at)),
            }
            for each in reversed(wishes)
        ],
    }


def _header(page: ProjectPage) -> dict[str, Any] | None:
    """Of the map that there is; None where there is none."""
    content = item_maps(page.settings, page.id).shown()
    try:
        return None if content is None else header_of(content)
    except ValueError:
        return None


def _is_stale(page: ProjectPage, header: Mapping[str, Any] | None) -> bool:
    now = {"version": page.published, "changes": page.state.changes}
    return header is None or any(header.get(name) != value for name, value in now.items())


def _progress(page: ProjectPage) -> str:
    return text(page.redis.get(map_key(page.id))) or ""


def data(page: ProjectPage, query: Mapping[str, str]) -> Response:
    """See `store.item_map.packed`; empty where there is no map yet."""
    content = item_maps(page.settings, page.id).shown() or b""
    return Response(content, content_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def state(page: ProjectPage, query: Mapping[str, str]) -> Response:
    header = _header(page) or {}
    return _json({"progress": _progress(page), **{each: header.get(each) for each in ("version", "changes")}})


def item(page: ProjectPage, query: Mapping[str, str]) -> Response:
    task = query.get("task", "")
    return _json(item_shown(page, int(task)) if _TASK.fullmatch(task) else {})


def asked(page: ProjectPage, query: Mapping[str, str]) -> Response:
    """What became of a selection, by its key."""
    key = query.get("key", "")
    found = Selections(page.redis, page.id).read(key) if _KEY.fullmatch(key) else None
    if found is None:
        return _json({"said": "What was selected is not known any more: select it again."})
    root = page.label_studio.removesuffix(f"/projects/{page.id}")
    address = root + found.address if found.address else ""
    return _json({"said": found.said, "address": address, "wish": found.made})


def first(page: ProjectPage, form: Mapping[str, str]) -> str:
    return _ask(page, form, FIRST, "are to be labelled next")


def show(page: ProjectPage, form: Mapping[str, str]) -> str:
    return _ask(page, form, SHOW, "are to be shown in Label Studio's Data Manager")


def release(page: ProjectPage, form: Mapping[str, str]) -> str:
    wish = form.get("wish", "")
    if not _TASK.fullmatch(wish):
        raise AtlasError("Say which tasks are to be released: press the button beside them.")
    page.dispatcher.request_heed(
        page.id, Selection(RELEASE, by=page.visitor.who, wish=int(wish)), _key_in(form)
    )
    return "These tasks are to go back to their places in the queue"


def _ask(page: ProjectPage, form: Mapping[str, str], kind: str, what: str) -> str:
    named = re.split(r"[\s,;]+", form.get("tasks", "").strip())
    if not all(_TASK.fullmatch(each) for each in named):
        raise AtlasError("Name tasks by their numbers, with spaces between them: 12 15 80.")
    tasks = tuple(dict.fromkeys(map(int, named)))
    if len(tasks) > MOST:
        raise AtlasError(f"These are {len(tasks):,} tasks; select at most {MOST:,} at once.")
    page.dispatcher.request_heed(page.id, Selection(kind, tasks, page.visitor.who), _key_in(form))
    return f"{len(tasks):,} task{'s' * (len(tasks) != 1)} {what}"


def _key_in(form: Mapping[str, str]) -> str | None:
    """By which a script wants to see what becomes of it."""
    key = form.get("key", "")
    return key if _KEY.fullmatch(key) else None


def _json(told: Mapping[str, Any]) -> Response:
    return Response(json.dumps(told), content_type="application/json", headers={"Cache-Control": "no-store"})


MAP = Section(
    "map",
    "The map",
    context,
    actions={"first": first, "show": show, "release": release},
    answers={"data": data, "state": state, "item": item, "asked": asked},
    script="map.js",
)
