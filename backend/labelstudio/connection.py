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
    """updates: whether new versions are wanted (`auto_update`); strategy, weights, wraps: the query strategy,
    the weights of controls and the ML backend to be wrapped that the connections' extra params name, None
    where they name none, not checked; disputed: whether the connections do not all say the same of these.
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
    wraps: str | None = None

    def lacks_any_of(self, addresses: str) -> bool:
        """Whether one of the connections that there were is gone, or leads elsewhere."""
        return not set(addresses.split()) <= set(self.addresses.split())

    @property
    def are_several(self) -> bool:
        """Whether there is more than one connection: then another backend may put its own order in place."""
        return len(self.addresses.split()) > 1


def wishes_of(connections: Iterable[dict[str, Any]]) -> Wishes:
    """Of a project's connections as Label Studio lists them. No connection, no wish.

    Of several that name a strategy, weights, or what they wrap, the oldest (of the lowest id) counts.
    """
    listed = sorted(connections, key=lambda item: item.get("id") or 0)
    named = [strategy_in(item.get("extra_params")) for item in listed]
    weighed = [weights_in(item.get("extra_params")) for item in listed]
    wrapped = [wraps_in(item.get("extra_params")) for item in listed]
    updates = not listed or any(item.get("auto_update", True) for item in listed)
    return Wishes(
        updates,
        next(filter(None, named), None),
        next(filter(None, weighed), None),
        wraps=next(filter(None, wrapped), None),
        disputed=len(set(zip(named, weighed, wrapped, strict=True))) > 1,
        connected=bool(listed),
        titles=frozenset(str(item["title"]) for item in listed if item.get("title")),
        addresses=" ".join(f"{item.get('id')}={item.get('url')}" for item in listed),
    )


def strategy_in(extra_params: Any) -> str | None:
    """The strategy that extra params such as `{"strategy": "atlas"}` name; not checked."""
    named = extra_params_in(extra_params).get("strategy")
    return (str(named).strip() or None) if named is not None else None


def wraps_in(extra_params: Any) -> str | None:
    """The address of the ML backend that extra params such as `{"wraps": "http://yolo:9090"}` name; not
    checked."""
    named = extra_params_in(extra_params).get("wraps")
    return (named.strip().rstrip("/") or None) if isinstance(named, str) else None


def weights_in(extra_params: Any) -> str | None:
    """The weights that extra params such as `{"control_weights": "mood=3,topic=1"}` name; not checked.

    `{"mood": 3, "topic": 1}` says the same.
    """
    named = extra_params_in(extra_params).get("control_weights")
    if isinstance(named, dict):
        named = ",".join(f"{control}={weight}" for control, weight in named.items())
    return (str(named).strip() or None) if named is not None else None


def extra_params_in(extra_params: Any) -> dict[str, Any]:
    """By name. A page that let them be typed may hand them on as text."""
    if isinstance(extra_params, str):
        try:
            extra_params = json.loads(extra_params)
        except (ValueError, RecursionError):
            return {}
    return extra_params if isinstance(extra_params, dict) else {}
