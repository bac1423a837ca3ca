"""What a version can keep: a description as JSON, and tensors. Nothing of it is ever unpickled.

A class of models also has `restored(described, weights)`, which builds a model again.
"""

from __future__ import annotations

from typing import Any, Protocol


class Model(Protocol):
    """kind: by what a version's manifest knows it."""

    @property
    def kind(self) -> str: ...

    def described(self) -> dict[str, Any]:
        """What it takes to build it again, as JSON."""

    def state_dict(self) -> dict[str, Any]:
        """Its tensors, by name."""
