"""What a version guesses of items: the regions to show, and how likely each choice is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.controls.base import Region
from backend.learning.detector import Detector
from backend.learning.network import LayeredNetwork
from backend.learning.region_network import RegionNetwork
from backend.learning.segmentation import Segmenter
from backend.learning.tagger import Tagger
from backend.learning.wrapped import WrappedModel
from backend.said.base import Contents, Said
from backend.said.boxes import said_of_boxes
from backend.said.masks import said_of_areas
from backend.said.of_regions import SaidOfRegions, said_of_regions
from backend.said.spans import said_of_words
from backend.said.whole import said_of_whole
from backend.said.wrapped import said_by_another
from backend.store.model_version import ControlModel, ModelVersion

LIKELIEST = 10
"""Choices whose probabilities a prediction carries unless all are asked for."""
READERS: dict[str, Callable[[ControlModel, Contents], Said]] = {
    LayeredNetwork.kind: said_of_whole,
    Tagger.kind: said_of_words,
    Detector.kind: said_of_boxes,
    Segmenter.kind: said_of_areas,
    RegionNetwork.kind: said_of_regions,
    WrappedModel.kind: said_by_another,
}
"""How a model is asked, by its kind. A new kind of model is an entry here."""


def outputs_of(model: ModelVersion, contents: Contents) -> list[Said]:
    """Of each control that there is a model of, the one that orders the queue first."""
    return [READERS[each.networks[each.shown_by].kind](each, contents) for each in model.models]


def regions(
    model: ModelVersion, said: Sequence[Said], items: int, *, shown_from: float = 0.0
) -> list[list[Region]]:
    """The guess for each of N items: the regions of each control that there is a model of.

    said: of these items, `outputs_of`. shown_from: guesses less likely right than this are left out, each
    control, and each part that is marked, by itself; for what an annotator is to see.
    """
    found: list[list[Region]] = [[] for _ in range(items)]
    for each in said:
        if isinstance(each, SaidOfRegions):  # of what is there by now: it stands behind what marks regions
            made = each.beside(found, shown_from)
        else:
            made = each.guesses(model.error_head_of(each.control.from_name), shown_from)
        for guesses, shown in zip(found, made, strict=True):
            guesses += shown
    return found


def probabilities(said: Sequence[Said], items: int, *, most: int | None) -> list[dict[str, dict[str, float]]]:
    """How likely choices are, the likeliest first, by the controls' names, for each of N items.

    most: so many choices of each control; None for all.
    """
    found: list[dict[str, dict[str, float]]] = [{} for _ in range(items)]
    for each in said:
        for item, likely in zip(found, each.likely(most) or [], strict=False):
            item[each.control.from_name] = likely
    return found
