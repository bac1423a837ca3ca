"""A network where this process encodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from backend.learning import devices

Self = TypeVar("Self")


class Movable(Protocol):
    def to(self: Self, device: str) -> Self:
        """The same on another device."""


Network = TypeVar("Network", bound=Movable)


class Placed(Generic[Network]):
    """load: gives the network, on the processor."""

    def __init__(self, load: Callable[[], Network]):
        self.load = load
        self._moved: tuple[str, Network] | None = None

    def __call__(self) -> tuple[str, Network]:
        """The device, and the network there, to which it is moved once."""
        device = devices.used()
        if device == devices.CPU:
            return device, self.load()
        if self._moved is None or self._moved[0] != device:
            self._moved = device, self.load().to(device)
        return self._moved
