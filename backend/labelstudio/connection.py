"""What a project's connection to this backend says about how it wants to be served."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wishes:
    """updates: whether new versions are wanted (`auto_update`); strategy: the query strategy named in the
    connection's extra params, None where none is."""

    updates: bool = True
    strategy: str | None = None


def wishes_of(connections: Iterable[dict[str, Any]]) -> Wishes:
    """Of a project's connections as Label Studio lists them. No connection, no wish."""
    listed = list(connections)
    named = [name for item in listed if (name := strategy_in(item.get("extra_params"))) is not None]
    updates = not listed or any(item.get("auto_update", True) for item in listed)
    return Wishes(updates, named[0] if named else None)


def strategy_in(extra_params: Any) -> str | None:
    """The strategy that extra params such as `{"strategy": "atlas"}` name; not checked. A page that let
    them be typed may hand them on as text."""
    if isinstance(extra_params, str):
        try:
            extra_params = json.loads(extra_params)
        except ValueError:
            return None
    if not isinstance(extra_params, dict) or extra_params.get("strategy") in (None, ""):
        return None
    return str(extra_params["strategy"]).strip()
