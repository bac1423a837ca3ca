"""What a tagger says of texts: spans, and what it sees of each word."""

from __future__ import annotations

from collections.abc import Sequence

from backend.controls.base import CLASSES, Answer
from backend.controls.regions import RegionControl
from backend.controls.span_answers import Span, answer_of
from backend.encoders.words import item_vectors
from backend.learning.tagger import Found, Tagger
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
    found = tagger.decode(contents.units)
    return SaidOfParts(
        control,
        contents,
        tagger.layers(contents.units),
        [answer_in(each, control.classes) for each in found],
        [[round(span.confidence, 4) for span in each] for each in found],
        item_vectors(contents.units),
    )


def answer_in(found: Sequence[Found], labels: Sequence[str]) -> Answer:
    """found: the spans of one text, by their place, none of which meets another."""
    return answer_of(Span(span.start, span.end, labels[span.label]) for span in found)
