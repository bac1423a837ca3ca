"""What goes with regions that an annotator has just drawn, where Label Studio asks ("Auto-Annotation").

Its editor sends all spans of the label that was drawn, and takes what is answered over at once, in the place
of what has the same id. A box is offered in the place of what was drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import numpy as np

from backend.controls.base import Answer, Region, value_of
from backend.controls.boxes import Box, Boxes, answer_of, known_in, place_of, point_of
from backend.controls.matching import overlap
from backend.controls.span_answers import Span
from backend.controls.span_answers import answer_of as span_answer
from backend.controls.spans import Spans

MOST = 200
"""Spans that are put beside others."""
MEETS = 0.3
"""A box is meant by what was drawn if they share so much of what both cover."""
Place = tuple[int, int]


def same_elsewhere(
    control: Spans, drawn: Iterable[Region], content: str, marked: Iterable[Region]
) -> list[Region]:
    """The words of spans wherever else they stand in the text, with the same label, but where something is
    marked already. marked: what is known to be, beside what was drawn."""
    drawn = list(drawn)
    taken = [place for each in (*drawn, *marked) if (place := _place(control, each, content)) is not None]
    found: list[Region] = []
    for each in drawn:
        place, labels = _place(control, each, content), control.labels_on(each)
        if place is None or len(labels) != 1:
            continue
        for begin, end in _standing(content[slice(*place)], content):
            if len(found) < MOST and not any(begin < stop and start < end for start, stop in taken):
                taken.append((begin, end))
                found.append(_span(control, (begin, end), labels[0], content))
    return found


def box_meant(control: Boxes, drawn: Region, answer: Answer, sure: Sequence[float]) -> list[Region]:
    """Of the boxes that a model sees that which a box, or a point, is about; [] where none is.

    Of a point the surest box around it, of the label that was chosen if the config has it; of a box the one
    that it meets best, with the label that was drawn.
    """
    label = next(iter([*control.labels_on(drawn), *_points_label(control, drawn)]), None)
    seen = list(zip(known_in(answer), sure, strict=True))
    place, point = place_of(drawn), point_of(drawn)
    if place is not None:
        shared = overlap(np.array([place]), np.array([box[:4] for box, _ in seen]).reshape(-1, 4))[0]
        meant = [(float(share), *each) for share, each in zip(shared, seen, strict=True) if share >= MEETS]
    elif point is not None:
        around = [(box, confidence) for box, confidence in seen if _is_in(point, box)]
        meant = [(each[1], *each) for each in around if label in (None, each[0].label)]
    else:
        meant = []
    if not meant:
        return []
    _, box, confidence = max(meant, key=lambda each: each[0])
    box = box._replace(label=label or box.label)
    name = _id(control.from_name, *box)
    return [{**each, "id": name} for each in control.regions_of(answer_of([box]), [confidence], "")]


def _place(control: Spans, region: Region, content: str) -> Place | None:
    value = region.get("value")
    return control.places.read(value, content) if isinstance(value, dict) else None


def _standing(words: str, content: str) -> Iterator[Place]:
    """Where the same stands, not within longer words, one behind the other."""
    if not any(each.isalnum() for each in words):
        return
    at = content.find(words)
    while at >= 0:
        end = at + len(words)
        if not (_goes_on(content, at) or _goes_on(content, end)):
            yield at, end
        at = content.find(words, end)


def _goes_on(content: str, at: int) -> bool:
    """Whether a word does, from the character before to that behind."""
    return content[max(at - 1, 0) : at].isalnum() and content[at : at + 1].isalnum()


def _span(control: Spans, place: Place, label: str, content: str) -> Region:
    (region,) = control.regions_of(span_answer([Span(*place, label)]), [1.0], content)
    return {**region, "id": _id(control.from_name, *place, label)}


def _points_label(control: Boxes, drawn: Region) -> list[str]:
    """What a key point was called, if it is one of the boxes' labels."""
    named = value_of(drawn, "keypointlabels")
    return [label for label in named if control.options.knows(label)] if isinstance(named, list) else []


def _is_in(point: tuple[float, float], box: Box) -> bool:
    return box.x <= point[0] <= box.x + box.width and box.y <= point[1] <= box.y + box.height


def _id(*what: object) -> str:
    """The same for the same: what is answered twice is one region in the editor."""
    return blake2b(repr(what).encode(), digest_size=5).hexdigest()
