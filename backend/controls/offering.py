"""What all controls have in common that offer a list of what may be said: choices, or labels of regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.controls.base import Control
from backend.controls.options import Options, options_from_json


@dataclass(frozen=True, kw_only=True)
class Offering(Control):
    """tag: the control tag that it is written as."""

    tag: str
    options: Options

    def as_json(self) -> dict[str, Any]:
        return {**super().as_json(), "options": self.options.as_json()}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Control:
        return super().from_json({**described, "options": options_from_json(described["options"])})

    def caveats(self) -> Iterator[str]:
        yield from self.options.caveats(self.from_name)
        yield from super().caveats()

    @property
    def config_choices(self) -> tuple[str, ...]:
        return self.options.among(())

    def offered(self, data: Any) -> list[str] | None:
        return self.options.offered(data)
