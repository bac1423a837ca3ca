"""Who annotates in a Label Studio, by name."""

from __future__ import annotations

from typing import Any

from backend.labelstudio.answers import records
from backend.labelstudio.api import Api


class Users(Api):
    """Errors are those of `Api`."""

    def names(self) -> dict[int, str]:
        """By their number what people are called: their name, where they gave one, else their address."""
        raw = self._request("GET", "api/users/", records("a user", id=int))
        return {item["id"]: _name(item) for item in raw}


def _name(user: dict[str, Any]) -> str:
    parts = (str(user.get(part) or "").strip() for part in ("first_name", "last_name"))
    full = " ".join(filter(None, parts))
    return full or str(user.get("email") or user.get("username") or f"user {user['id']}")
