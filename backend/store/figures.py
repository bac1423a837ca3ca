"""What a retrain found out about its labels, beside the version that it made, and gone with it: too much for
the version's stats, which the history keeps for ever."""

from __future__ import annotations

import json
import logging
from typing import Any

from backend.errors import ModelStoreError
from backend.store.files import Files
from backend.store.kept_json import UNREADABLE

logger = logging.getLogger(__name__)

FILE = "figures.json"


def write_figures(files: Files, version: str, figures: dict[str, Any]) -> None:
    """files: the project's. Raises ModelStoreError, OSError."""
    content = json.dumps(figures, ensure_ascii=False).encode("utf-8", "surrogatepass")
    files.write(f"versions/{version}/{FILE}", content)


def read_figures(files: Files, version: str) -> dict[str, Any] | None:
    """None where there are none: of a version that was not trained, or made before they were kept."""
    try:
        content = files.read_constant(f"versions/{version}/{FILE}")
        found = json.loads(content.decode("utf-8", "surrogatepass"))
    except (*UNREADABLE, ModelStoreError) as error:
        logger.debug("no figures of %s: %s", version, error)
        return None
    return found if isinstance(found, dict) else None
