"""What a version has that the one before it had not, in few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMED = {"strategy": "strategy", "encoder": "encoder"}
AGAIN = "trained again on the same"


def new_in(version: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """version, before: of a history's glance. "" where that cannot be told: before None, or of an older
    release."""
    if before is None or "fingerprint" not in version or "fingerprint" not in before:
        return ""
    told = [_counted(version, before, "trained_on", "label"), _counted(version, before, "tasks", "task")]
    told += [f"{name} {version[of]}" for of, name in NAMED.items() if _differs(version, before, of)]
    if _differs(version, before, "settings"):
        told.append("other settings")
    if not any(told):
        told.append(AGAIN if version["fingerprint"] == before["fingerprint"] else "labels or texts changed")
    return ", ".join(filter(None, told))


def _counted(version: Mapping[str, Any], before: Mapping[str, Any], of: str, name: str) -> str:
    if not _differs(version, before, of):
        return ""
    more = version[of] - before[of]
    return f"{more:+,} {name}{'' if abs(more) == 1 else 's'}".replace("-", "−")


def _differs(version: Mapping[str, Any], before: Mapping[str, Any], of: str) -> bool:
    return of in version and of in before and version[of] != before[of]
