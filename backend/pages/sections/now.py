"""Now: is it training, how far is it, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.jobs.encoding_progress import EncodingProgress
from backend.pages.section import ProjectPage, Section


def context(page: ProjectPage) -> Mapping[str, Any]:
    return {
        "is_training": page.dispatcher.is_retraining(page.id),
        "progress": EncodingProgress(page.redis, page.id).read(),
        "stats": page.newest,
    }


NOW = Section("now", "Now", context)
