"""All kinds of answers that are learned. A new one is a file, and a line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backend.controls.anything import Anything
from backend.controls.base import Control
from backend.controls.boxes import Boxes
from backend.controls.choices import SingleChoice
from backend.controls.masks import Bitmask, Brush
from backend.controls.number import Number
from backend.controls.of_regions import OfRegions
from backend.controls.pairwise import Pairwise
from backend.controls.polygons import Polygons
from backend.controls.ranking import Ranking
from backend.controls.rating import Rating
from backend.controls.several import SeveralChoices, SeveralOrNone
from backend.controls.sources import SOURCES
from backend.controls.spans import Spans
from backend.controls.tags import Tag, Tags
from backend.controls.text_area import TextArea

CONTROLS: dict[str, type[Control]] = {
    each.kind: each
    for each in (
        SingleChoice,
        SeveralChoices,
        SeveralOrNone,
        Rating,
        Number,
        Pairwise,
        TextArea,
        Ranking,
        Boxes,
        Polygons,
        Brush,
        Bitmask,
        Spans,
    )
}


def control_for(tag: Tag, about: Iterable[str] = ()) -> type[Control] | None:
    """What a tag of a config asks for; None where that is not learned. about: the kinds of the object tags
    that it is about, where that matters."""
    kinds = set(about)
    fitting = (each for each in CONTROLS.values() if kinds <= each.sources.keys())
    return next((each for each in fitting if each.takes(tag)), None)


def tags_in_words() -> str:
    """The control tags that are learned."""
    *others, last = sorted({f"<{name}>" for each in CONTROLS.values() for name in each.tags})
    return f"{', '.join(others)} and {last}"


def asked(tags: Tags) -> list[Tag]:
    """The control tags that are learned wherever they are about a whole content that can be read."""
    return [tag for tag in tags.controls if not tag.repeated and control_for(tag) is not None]


def sources_in(tags: Tags) -> dict[str, Tag]:
    """The object tags that show content of the task which can be read, by name."""
    return {
        name: tag
        for name, tag in tags.objects.items()
        if tag.kind in SOURCES and tag.name and "$" in tag.value and not tag.repeated
    }


def control_from_json(described: Mapping[str, Any]) -> Control:
    """From what `as_json` gave. Raises KeyError or TypeError otherwise, also for a kind not known here."""
    kinds: dict[str, type[Control]] = {**CONTROLS, Anything.kind: Anything, OfRegions.kind: OfRegions}
    return kinds[described["kind"]].from_json(described)
