"""What Redis holds, read with care: others may write to it, and what is not of our kind is not there."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from typing import TypeVar

from redis import Redis, ResponseError

logger = logging.getLogger(__name__)

T = TypeVar("T")
_WHOLE = re.compile(rb"-?[0-9]{1,18}")
Held = bytes | str | None
"""As the Redis client's types have it; ours answers in bytes."""


def whole(value: object, default: int = 0) -> int:
    """A whole number of at most 18 digits; Lua scripts answer with numbers as they are."""
    if isinstance(value, bytes) and _WHOLE.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) else default


def number(value: object, default: float = 0.0) -> float:
    """A finite number."""
    try:
        found = float(value) if isinstance(value, bytes) else default
    except ValueError:
        return default
    return found if math.isfinite(found) else default


def text(value: object) -> str | None:
    """UTF-8."""
    try:
        return value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def mended(redis: Redis, key: str, act: Callable[[], T]) -> T:
    """Do something with a key of ours; where it holds another kind of value, that is deleted first."""
    try:
        return act()
    except ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        logger.warning("%s in Redis held what is not this backend's: deleted", key)
        redis.delete(key)
        return act()
