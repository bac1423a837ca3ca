"""A text that annotators write: <TextArea>.

Where few different texts make up most of the answers, such as names of products, these are classes as any.
Where texts are free nothing is trained, and a queue by them serves what is typical of what has no answer yet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.controls.base import Answer, Control, Region, refuse_parts, regions_named, value_of
from backend.controls.edit_distance import similarity
from backend.controls.sources import Source
from backend.controls.tags import Tag

MOST = 100
"""Different texts that are classes."""
REPEATED = 0.5
"""Of all answers so many must be a text that another task was given, too."""
LONGEST = 200
"""Characters of a text that may be a class."""
WRITES = "A model that you name can write drafts: connect --wraps generation, docs/generation.md"
TRANSCRIBES = "What transcribes is an ML backend of its own: connect --wraps URL, docs/own-model.md"
FREE = "(free text)"
"""The one class of texts that are not told apart."""


@dataclass(frozen=True, kw_only=True)
class TextArea(Control):
    """An answer is a text; several, or one that might be taken for something else, are a JSON list. classes:
    the texts that were given to two tasks at least, or FREE alone."""

    kind = "text"
    tags = ("TextArea",)
    turn = 2

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        refuse_parts(tag)
        return cls(from_name=tag.name, to_name=tag.to_name, source=source, classes=(FREE,))

    def with_classes(self, given: Iterable[Answer]) -> Control:
        counts = Counter(given)
        often = {text: count for text, count in counts.items() if count > 1 and len(text) <= LONGEST}
        few = 2 <= len(often) <= MOST and sum(often.values()) >= REPEATED * counts.total()
        return replace(self, classes=tuple(sorted(often)) if few else (FREE,))

    def judging(self, given: Iterable[Answer]) -> Control:
        return replace(self, classes=(FREE,))

    @property
    def is_free(self) -> bool:
        return self.classes == (FREE,)

    def placed(self, given: Sequence[Answer | None], answers: Sequence[Answer]) -> list[int]:
        if self.is_free:
            return [-1 if answer is None else 0 for answer in given]
        return super().placed(given, answers)

    def caveats(self) -> Iterator[str]:
        yield (
            f'"{self.from_name}" asks for texts: at most {MOST} different ones that make up '
            f"{REPEATED:.0%} of the answers are learned as classes; else no text is predicted, and where "
            "nothing else orders the queue, it serves typical tasks. "
            + (TRANSCRIBES if self.source.is_fetched else WRITES)
        )
        yield from super().caveats()

    # Label Studio's side

    def read(self, result: Any, content: str = "") -> Answer | None:
        written = map(_texts_in, regions_named(result, self.from_name))
        return next((_answer(texts) for texts in written if texts), None)

    def unknown_in(self, region: Region) -> list[Any] | None:
        given = value_of(region, "text")
        if given is None:
            return None
        texts = given if isinstance(given, list) else [given]
        return [each for each in texts if not isinstance(each, str)]

    def agreement(self, one: Answer, other: Answer) -> float:
        """Of free texts the edit similarity; classes are the same or not."""
        return similarity(one, other) if self.is_free else super().agreement(one, other)

    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        texts = self.in_words(answer)
        return [self.region("textarea", {"text": texts}, confidence)] if texts else []

    def said_in(self, region: Region) -> list[str]:
        return _texts_in(region)

    def in_words(self, answer: Answer) -> list[str]:
        if answer == FREE:
            return []
        texts: list[str] = json.loads(answer) if answer.startswith("[") else [answer]
        return texts

    @property
    def config_choices(self) -> tuple[str, ...]:
        return ("texts",)


def _texts_in(region: Region) -> list[str]:
    """Without the white space around them; [] where a region holds none, or something else beside."""
    given = value_of(region, "text")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        return []
    return [text for each in texts if (text := each.strip())]


def _answer(texts: Sequence[str]) -> Answer:
    if len(texts) == 1 and texts[0][0] not in "[(":
        return texts[0]
    return json.dumps(texts, ensure_ascii=False)
