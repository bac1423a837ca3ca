"""What was loaded lately, up to a bound in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class RecentlyUsed(Generic[Key, Value]):
    """Loads what it does not hold and lets go of the least recently used. Safe to share between threads.

    size: bytes of a value. The newest value is held even where it is larger than the bound by itself.
    """

    def __init__(self, max_bytes: int, size: Callable[[Value], int]):
        self._max_bytes = max_bytes
        self._size = size
        self._held: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        """One loads at a time: many at once would go far beyond the bound, and mostly be the same."""

    def get(self, key: Key, load: Callable[[], Value]) -> Value:
        """The value of the key. What `load` raises is raised, and tried again next time."""
        held = self._find(key)
        if held is not None:
            return held
        with self._loading:
            held = self._find(key)  # another thread may have loaded it meanwhile
            if held is not None:
                return held
            value = load()
            self._hold(key, value)
            return value

    @property
    def bytes(self) -> int:
        """Held now."""
        with self._lock:
            return sum(size for _, size in self._held.values())

    def _find(self, key: Key) -> Value | None:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def _hold(self, key: Key, value: Value) -> None:
        with self._lock:
            self._held[key] = value, self._size(value)
            total = sum(size for _, size in self._held.values())
            while total > self._max_bytes and len(self._held) > 1:
                _, (_, size) = self._held.popitem(last=False)
                total -= size
