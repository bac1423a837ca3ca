"""What other installed packages bring along, by their entry points."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Broken:
    """Something installed that cannot be used, and why."""

    reason: str


@lru_cache
def installed(group: str) -> dict[str, Any]:
    """What is registered in a group of entry points, by name; `Broken` in place of what cannot be loaded.

    One package's fault must not keep the others from work, so it is told when the name is asked for.
    """
    found: dict[str, Any] = {}
    for entry in metadata.entry_points(group=group):
        package = entry.dist.name if entry.dist else entry.value
        if not (entry.name.isascii() and entry.name.isidentifier()):
            found[entry.name] = Broken(f"{package}: a name has letters, digits and underscores only")
        else:
            try:
                found[entry.name] = entry.load()
            except Exception as error:  # whatever an import of foreign code may raise
                found[entry.name] = Broken(f"{package}: {type(error).__name__}: {error}")
        if isinstance(found[entry.name], Broken):
            logger.warning("%s %r cannot be used: %s", group, entry.name, found[entry.name].reason)
    return found
