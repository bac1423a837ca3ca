"""Guesses that no annotator could give: choices that the task does not offer, controls that are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.labelstudio.scheme import LabelScheme
from backend.labelstudio.tags import Condition

Regions = list[dict[str, Any]]
Offered = Mapping[str, Sequence[str]]
"""By control with dynamic choices: those of one task. See `LabelScheme.offered`."""


def possible(scheme: LabelScheme, regions: Regions, offered: Offered) -> Regions:
    """The guesses for one task without the impossible ones. regions: at most one of each control."""
    kept = {region["from_name"]: region for region in regions if _is_offered(region, offered)}
    page = _Page(scheme, kept)
    return [region for name, region in kept.items() if page.shows(name)]


def without_impossible(
    scheme: LabelScheme, predictions: Iterable[dict[str, Any]], offered: Iterable[Offered]
) -> list[dict[str, Any]]:
    """Predictions, each with what its task offers, as Label Studio shall have them. scheme: of the present
    label config, which may hide what it showed when the model was trained."""
    pairs = zip(predictions, offered, strict=True)
    return [{**item, "result": possible(scheme, item["result"], each)} for item, each in pairs]


def _is_offered(region: dict[str, Any], offered: Offered) -> bool:
    choices = offered.get(region["from_name"])
    return choices is None or set(_chosen(region)) <= set(choices)


def _chosen(region: dict[str, Any]) -> list[str]:
    given = region["value"][region["type"]]
    return [each[-1] if isinstance(each, list) else each for each in given]


class _Page:
    """What Label Studio's page hides and shows with these guesses on it (mixins/Visibility.js)."""

    def __init__(self, scheme: LabelScheme, regions: Mapping[str, dict[str, Any]]):
        self._controls = {control.from_name: control for control in scheme.controls}
        self._regions = regions
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
        names = [condition.tag] if condition.tag else list(self._regions)
        chosen = {choice for name in names if self.shows(name) for choice in self._chosen_in(name)}
        return bool(chosen.intersection(condition.choices) if condition.choices else chosen)

    def _chosen_in(self, name: str) -> list[str]:
        region = self._regions.get(name)
        return [] if region is None else _chosen(region)
