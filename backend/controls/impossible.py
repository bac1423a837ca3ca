"""Guesses that no annotator could give: choices that the task does not offer, controls that are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.controls.base import Control, Region
from backend.controls.scheme import LabelScheme
from backend.controls.tags import Condition

Regions = list[Region]
Offered = Mapping[str, Sequence[str]]
"""By control: what one task offers. See `LabelScheme.offered`."""


def possible(scheme: LabelScheme, regions: Regions, offered: Offered) -> Regions:
    """The guesses for one task without the impossible ones. regions: at most one of each control."""
    controls = {control.from_name: control for control in scheme.controls}
    of = {name: each.from_name for each in scheme.controls for name in each.names}
    said = {}
    for region in regions:
        name = region["from_name"]
        if of.get(name, name) != name:  # it draws what another one labels
            continue
        words = controls[name].said_in(region) if name in controls else []
        if name not in offered or set(words) <= set(offered[name]):
            said[name] = controls[name].named_in(region) if name in controls else []
    page = _Page(controls, said)
    names = [str(of.get(region["from_name"], region["from_name"])) for region in regions]
    return [region for region, name in zip(regions, names, strict=True) if name in said and page.shows(name)]


def without_impossible(
    scheme: LabelScheme, predictions: Iterable[dict[str, Any]], offered: Iterable[Offered]
) -> list[dict[str, Any]]:
    """Predictions, each with what its task offers, as Label Studio shall have them. scheme: of the present
    label config, which may hide what it showed when the model was trained."""
    pairs = zip(predictions, offered, strict=True)
    return [{**item, "result": possible(scheme, item["result"], each)} for item, each in pairs]


class _Page:
    """What Label Studio's page hides and shows with these guesses on it (mixins/Visibility.js)."""

    def __init__(self, controls: Mapping[str, Control], said: Mapping[str, Sequence[str]]):
        self._controls = controls
        self._said = said
        self._asked: set[str] = set()

    def shows(self, name: str) -> bool:
        control = self._controls.get(name)
        if control is None or name in self._asked:  # of one that waits for itself nothing is hidden
            return True
        self._asked.add(name)
        try:
            return all(map(self._holds, control.conditions))
        finally:
            self._asked.remove(name)

    def _holds(self, condition: Condition) -> bool:
        if condition.kind == "choice-unselected":
            return not self._is_chosen(condition)
        if condition.kind in ("choice-selected", ""):
            return self._is_chosen(condition)
        return condition.kind != "region-selected"  # no region of a text is selected on a new page

    def _is_chosen(self, condition: Condition) -> bool:
        names = [condition.tag] if condition.tag else list(self._said)
        chosen = {choice for name in names if self.shows(name) for choice in self._said.get(name, ())}
        return bool(chosen.intersection(condition.choices) if condition.choices else chosen)
