"""What a tagger says of texts: spans, and what it sees of each word."""

from __future__ import annotations

from collections.abc import Sequence

from backend.controls.base import CLASSES, Answer
from backend.controls.regions import RegionControl
from backend.controls.span_answers import Span, answer_of
from backend.encoders.words import item_vectors
from backend.learning.tagger import Found, Tagger
from backend.learning.units import Units
from backend.said.base import Contents, Said
from backend.said.parts import SaidOfParts
from backend.store.model_version import ControlModel


def said_of_words(model: ControlModel, contents: Contents) -> Said:
    """contents: with their words."""
    control, tagger = model.control, model.networks[CLASSES]
    assert isinstance(control, RegionControl)
    assert isinstance(tagger, Tagger)
    if contents.units is None:
        raise ValueError(f"{control.from_name} marks spans of texts: their words are asked for")
    answers, confidences = marked_by(tagger, contents.units, control.classes)
    layers, means = tagger.layers(contents.units), item_vectors(contents.units)
    return SaidOfParts(control, contents, layers, answers, confidences, means)


def marked_by(tagger: Tagger, units: Units, labels: Sequence[str]) -> tuple[list[Answer], list[list[float]]]:
    """What it marks in each text, and how sure it is of each span."""
    found = tagger.decode(units)
    answers = [answer_in(each, labels) for each in found]
    return answers, [[round(span.confidence, 4) for span in each] for each in found]


def answer_in(found: Sequence[Found], labels: Sequence[str]) -> Answer:
    """found: the spans of one text, by their place, none of which meets another."""
    return answer_of(Span(span.start, span.end, labels[span.label]) for span in found)
