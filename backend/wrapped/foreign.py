"""Somebody else's model, whatever it is: what answers for a project in the place of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backend.wrapped.answers import Answer
from backend.wrapped.target import Target


class Foreign(Protocol):
    """For one project. Raises WrappedBackendError's kinds."""

    target: Target
    label_config: str

    def health(self) -> None:
        """Whether it is there."""

    def setup(self, *, hostname: str = "", seconds: float = 0) -> str | None:
        """Tell it the label config. Returns its version, None where it tells none."""

    def predict(
        self,
        tasks: Sequence[Mapping[str, Any]],
        context: Any = None,
        *,
        seconds: float = 0,
        version: str | None = None,
    ) -> Answer:
        """See `WrappedBackend.predict`."""

    def forward(self, event: Mapping[str, Any], *, seconds: float = 0) -> Any:
        """Tell it of an annotation, or to train."""


HOUR, DAY = 3_600, 86_400
"""Seconds."""


@dataclass(frozen=True)
class Manner:
    """How a project's is asked. front: tasks at the head of the queue that it is asked about first; rate: of
    those behind, tasks a second, 0 for none; batch: tasks of one request, at most; is_metered: whether each
    answer costs somebody something: then no publication asks it, two labels' orders have at most one between
    them that only its answers called for, and a text that it refuses is sent once a day."""

    front: int
    rate: float
    batch: int
    is_metered: bool = False

    @property
    def silent_for(self) -> int:
        """Seconds for which it is not asked again about a task that it says nothing of."""
        return DAY if self.is_metered else HOUR
