"""Whatever a label config asks, of whatever it shows: for projects in which another ML backend answers.

Nothing is learned of such answers; they are only compared, by what the regions hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from backend.controls.base import Answer, Control, Decided, Region
from backend.controls.sources import Source
from backend.controls.tags import Tag

if TYPE_CHECKING:
    from torch import Tensor

    from backend.learning.network import Layers

LONGEST = 1_000
"""Characters of an answer; of longer ones a digest is kept."""


@dataclass(frozen=True, kw_only=True)
class Anything(Control):
    """An answer is what stands in all regions of an annotation, as JSON, whatever their order, ids and
    scores: two are the same, or they are not."""

    kind = "anything"
    tags = ()

    @classmethod
    def takes(cls, tag: Tag) -> bool:
        return False

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        return cls(from_name=tag.name, to_name=tag.to_name, source=source)

    def read(self, result: Any, content: str = "") -> Answer | None:
        """No region says that there is nothing to say."""
        if not isinstance(result, list):
            return None
        said = sorted(_written(region) for region in result if isinstance(region, dict) and "value" in region)
        whole = f"[{', '.join(said)}]"
        if len(whole) <= LONGEST:
            return whole
        return blake2b(whole.encode(errors="surrogatepass"), digest_size=16).hexdigest()

    def unknown_in(self, region: Region) -> list[Any] | None:
        return []

    def answers_among(self, given: Iterable[Answer]) -> tuple[Answer, ...]:
        return tuple(dict.fromkeys(given))

    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        return []

    def said_in(self, region: Region) -> list[str]:
        return []

    def in_words(self, answer: Answer) -> list[str]:
        return [answer]

    def decide(self, layers: Layers, right: Tensor | None = None) -> Decided:
        """Raises NotImplementedError: another ML backend answers."""
        raise NotImplementedError("another ML backend answers")


def _written(region: Region) -> str:
    told = [region.get("from_name"), region.get("type"), _in_order(region.get("value"))]
    return json.dumps(told, ensure_ascii=False, sort_keys=True, default=str)


def _in_order(value: Any) -> Any:
    """Of several choices or labels the order says nothing."""
    if isinstance(value, dict):
        return {name: _in_order(held) for name, held in value.items()}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return sorted(value)
    return value
