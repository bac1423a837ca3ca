"""What a project's connection to this backend says about how it wants to be served."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

TITLE = "label-studio-atlas"
"""Title of the connections that `connect` makes."""


@dataclass(frozen=True)
class Wishes:
    """updates: whether new versions are wanted (`auto_update`); strategy, weights: the query strategy and the
    weights of controls named in the connections' extra params, None where none are, not checked; disputed:
    whether the connections do not all say the same of these.
    connected: whether there is any connection, to this backend or another; titles: the connections' titles;
    addresses: their ids and where they lead, in one line.
    """

    updates: bool = True
    strategy: str | None = None
    weights: str | None = None
    disputed: bool = False
    connected: bool = False
    titles: frozenset[str] = frozenset()
    addresses: str = ""


def wishes_of(connections: Iterable[dict[str, Any]]) -> Wishes:
    """Of a project's connections as Label Studio lists them. No connection, no wish.

    Of several that name a strategy, or weights, the oldest (of the lowest id) counts.
    """
    listed = sorted(connections, key=lambda item: item.get("id") or 0)
    named = [strategy_in(item.get("extra_params")) for item in listed]
    weighed = [weights_in(item.get("extra_params")) for item in listed]
    updates = not listed or any(item.get("auto_update", True) for item in listed)
    return Wishes(
        updates,
        next(filter(None, named), None),
        next(filter(None, weighed), None),
        disputed=len(set(zip(named, weighed, strict=True))) > 1,
        connected=bool(listed),
        titles=frozenset(str(item["title"]) for item in listed if item.get("title")),
        addresses=" ".join(f"{item.get('id')}={item.get('url')}" for item in listed),
    )


def strategy_in(extra_params: Any) -> str | None:
    """The strategy that extra params such as `{"strategy": "atlas"}` name; not checked."""
    named = _read(extra_params).get("strategy")
    return (str(named).strip() or None) if named is not None else None


def weights_in(extra_params: Any) -> str | None:
    """The weights that extra params such as `{"control_weights": "mood=3,topic=1"}` name; not checked.

    `{"mood": 3, "topic": 1}` says the same.
    """
    named = _read(extra_params).get("control_weights")
    if isinstance(named, dict):
        named = ",".join(f"{control}={weight}" for control, weight in named.items())
    return (str(named).strip() or None) if named is not None else None


def _read(extra_params: Any) -> dict[str, Any]:
    """A page that let them be typed may hand them on as text."""
    if isinstance(extra_params, str):
        try:
            extra_params = json.loads(extra_params)
        except (ValueError, RecursionError):
            return {}
    return extra_params if isinstance(extra_params, dict) else {}
