"""Who said what, for lists of labels that look wrong and of tasks worth a second opinion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.controls.base import Control
from backend.controls.regions import RegionControl
from backend.controls.votes import Vote

Row = dict[str, Any]
Votes = Mapping[int, Sequence[Vote]]


def with_sayers(control: Control, found: Mapping[str, Any], votes: Votes) -> dict[str, Any]:
    """A study's rows with `who`: of `suspects` the annotators who said so, of `opinions` one for each vote.
    votes: on each task, by the control that orders the queue."""
    told = dict(found)
    if "suspects" in found:
        told["suspects"] = [
            {**row, "who": _who(control, row, votes.get(row["task"], ()))} for row in found["suspects"]
        ]
    if "opinions" in found:
        told["opinions"] = [
            {**row, "who": _voters(control, row, votes.get(row["task"], ()))} for row in found["opinions"]
        ]
    return told


def _who(control: Control, row: Row, cast: Sequence[Vote]) -> list[str]:
    """Of a part, whoever marked one of its label in the task; of one that nobody marked, all."""
    return [vote.annotator for vote in cast if _says(control, row, vote)]


def _says(control: Control, row: Row, vote: Vote) -> bool:
    if not row["place"] or not isinstance(control, RegionControl):
        return control.in_words(vote.label) == row["label"]
    return not row["label"] or row["label"][0] in control.labels_in(vote.label)


def _voters(control: Control, row: Row, cast: Sequence[Vote]) -> list[str]:
    """[] where the votes have changed since the row was made."""
    is_same = [control.in_words(vote.label) for vote in cast] == row["votes"]
    return [vote.annotator for vote in cast] if is_same else []
