"""What is learned of a label config as it stands in manifests without a format number: flags, not classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.controls.base import Control
from backend.controls.choices import ChoiceControl, SingleChoice
from backend.controls.options import Dynamic, Fixed
from backend.controls.several import SeveralChoices, SeveralOrNone
from backend.controls.sources import Paragraphs, Source, source_from_json


def former_scheme(described: Mapping[str, Any]) -> tuple[Control, tuple[Control, ...]]:
    """The control that orders the queue, and its companions. Raises KeyError or TypeError otherwise."""
    return _control(described), tuple(map(_control, described["companions"]))


def _control(described: Mapping[str, Any]) -> Control:
    kind: type[ChoiceControl] = SingleChoice
    if described["several"]:
        kind = SeveralOrNone if described["blank"] else SeveralChoices
    classes = tuple(described["labels"])
    fixed = tuple(described["options"]) or classes
    return kind(
        from_name=described["from_name"],
        to_name=described["to_name"],
        source=_source(described),
        tag=described["control"],
        options=Dynamic() if described["dynamic"] else Fixed(tuple((each,) for each in fixed)),
        classes=classes,
    )


def _source(described: Mapping[str, Any]) -> Source:
    read = (
        {"text_key": described["text_key"]}
        if described["source"] == Paragraphs.tag
        else {"encoding": described.get("encoding", "none")}
    )
    return source_from_json({"tag": described["source"], "field": described["field"], **read})
