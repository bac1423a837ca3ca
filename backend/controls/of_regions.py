"""What is asked of each region: <Choices perRegion="true"> and <Rating perRegion="true">, beside a control
that marks spans, boxes or areas.

An answer is written as the marking control writes its own, with what was chosen in the place of the label. It
is learned as a class of regions; what is predicted stands beside the predicted region, under the same id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from backend.controls.areas import AreaControl, cells_under
from backend.controls.base import Answer, Control, Region, asked_of_parts, regions_named, value_of
from backend.controls.boxes import Boxes, boxes_in, place_of
from backend.controls.forms import FORMS, form_of
from backend.controls.masks import Bitmask, Brush
from backend.controls.options import Fixed, Options, options_of
from backend.controls.polygons import Polygons
from backend.controls.rating import stars_of, whole_stars
from backend.controls.regions import RegionControl
from backend.controls.span_answers import spans_in
from backend.controls.spans import Spans
from backend.controls.tags import Tag, Tags
from backend.controls.votes import Vote
from backend.errors import LabelConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from backend.learning.units import Pooling

SELECTED = "region-selected"
Marking = Spans | Boxes | AreaControl
MARKED: dict[str, type[Marking]] = {each.kind: each for each in (Spans, Boxes, Brush, Bitmask, Polygons)}
"""By its kind, what marks regions of which something is learned."""


@dataclass(frozen=True, kw_only=True)
class OfRegions(RegionControl):
    """classes: what may be said of a region; beside: the name of the control that marks the regions; marked:
    that one's kind; labels: of its regions those that are asked about, () for all."""

    kind = "of regions"
    tags = ("Choices", "Rating")
    pooling: ClassVar[Pooling] = "mean"
    orders: ClassVar[bool] = False

    beside: str
    marked: str
    labels: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Control:
        return super().from_json({**described, "labels": tuple(described["labels"])})

    @cached_property
    def parts(self) -> Marking:
        """Reads and writes answers: as the control that marks, with what is asked in the labels' place."""
        return MARKED[self.marked](
            from_name=self.from_name,
            to_name=self.to_name,
            source=self.source,
            tag=self.tag,
            options=self.options,
            classes=self.classes,
        )

    # Label Studio's side

    def read(self, result: Any, content: str = "") -> Answer | None:
        """A region that nothing is said of is no answer."""
        asked = regions_named(result, self.from_name)
        marked = {
            region["id"]: region
            for region in regions_named(result, self.beside)
            if isinstance(region.get("id"), str)
        }
        return self.read_regions([_placed(region, marked) for region in asked], content) if asked else None

    def read_regions(self, regions: list[Region], content: str) -> Answer | None:
        return self.parts.read_regions([self._listed(region) for region in regions], content)

    def regions_of(self, answer: Answer, confidences: Sequence[float], content: str) -> list[Region]:
        written = self.parts.regions_of(answer, confidences, content)
        return [
            {**each, "value": {**each["value"], **self._said(each["value"][self.type][0])}}
            for each in written
        ]

    def told_of(self, region: Region, answer: str, confidence: float) -> Region:
        """What is said of a predicted region, under its id. Its place beside it, unless that is long: Label
        Studio takes it from the region. region: of the control that marks."""
        is_long = isinstance(self.parts, AreaControl)
        place = {} if is_long else region["value"]
        kept = {name: each for name, each in place.items() if name != region["type"]}
        told = {**self.region(self.type, {**kept, **self._said(answer)}, confidence)}
        return {**told, "id": region["id"]}

    def asks_about(self, region: Region) -> bool:
        """Whether it is asked of a region of the control that marks."""
        named = value_of(region, str(region.get("type"))) or []
        return not self.labels or not set(self.labels).isdisjoint(named)

    def place_in(self, region: Region, content: str) -> tuple[float, ...] | None:
        """Where a region is: start and end in code points; x, y, width and height in percent; of an area, see
        `cells_under`."""
        if isinstance(self.parts, AreaControl):
            return cells_under(self.parts.mask_in(region)) or None
        if isinstance(self.parts, Boxes):
            return place_of(region)
        return self.parts.places.read(region["value"], content)

    def placed_in(self, answer: Answer) -> list[tuple[tuple[float, ...], int]]:
        """Of each region of which an answer says something, the place and the number of the class."""
        number = {label: i for i, label in enumerate(self.classes)}
        if isinstance(self.parts, AreaControl):
            areas = (
                (cells_under((size, marked)), label) for label, size, marked in self.parts.parts_in(answer)
            )
            return [(cells, number[label]) for cells, label in areas if cells and label in number]
        parts = boxes_in(answer) if isinstance(self.parts, Boxes) else spans_in(answer)
        return [(tuple(part[:-1]), number[part.label]) for part in parts if part.label in number]

    def labels_on(self, region: Region) -> list[str]:
        return super().labels_on(self._listed(region))

    def unknown_in(self, region: Region) -> list[Any] | None:
        return super().unknown_in(self._listed(region))

    def labels_in(self, answer: Answer) -> list[str]:
        return self.parts.labels_in(answer)

    def agreement(self, one: Answer, other: Answer) -> float:
        return self.parts.agreement(one, other)

    def settled(self, votes: Sequence[Vote], weights: Mapping[str, float] | None = None) -> Answer | None:
        return self.parts.settled(votes, weights)

    def score(self, predicted: Sequence[Answer], truth: Sequence[Answer]) -> dict[str, float]:
        return self.parts.score(predicted, truth)

    def _said(self, answer: str) -> dict[str, Any]:
        return {self.type: int(answer)} if self.tag == "Rating" else {self.type: [answer]}

    def _listed(self, region: Region) -> Region:
        """Stars as a list with their number, as choices are written."""
        given = value_of(region, self.type)
        if self.tag != "Rating" or not isinstance(given, int | float):
            return region
        stars = whole_stars(given)
        listed = [] if stars == "0" else [given if stars is None else stars]
        return {**region, "value": {**region["value"], self.type: listed}}

    # The network's side

    def decided(self, likely: Tensor) -> tuple[list[str], list[float]]:
        """What to say of each of R regions, and how sure. likely: float [R, classes].

        Of choices the likeliest; of stars the expected number, as sure as the agreement to be expected.
        """
        if self.tag != "Rating":
            best = likely.max(-1)
            return [self.classes[i] for i in best.indices.tolist()], best.values.tolist()
        stars = likely.new_tensor([*map(float, self.classes)])
        shown = (likely @ stars).round()
        apart = (shown[:, None] - stars).abs() / max(len(stars) - 1, 1)
        return [str(int(each)) for each in shown.tolist()], (likely * (1 - apart)).sum(-1).clamp(
            0, 1
        ).tolist()


def of_regions(tags: Tags, controls: Iterable[Control]) -> Iterator[OfRegions]:
    """What is learned of a config's regions. controls: what else is learned of it."""
    marking = [each for each in controls if isinstance(each, Marking)]
    for tag in tags.controls:
        beside = [each for each in marking if _is_about(tag, each)]
        learned = tag.kind in OfRegions.tags and asked_of_parts(tag) == "perRegion" and not tag.repeated
        others = [each for each in tag.conditions if each.kind != SELECTED]
        if not learned or len(beside) != 1 or others or tag.attributes.get("choice") == "multiple":
            continue
        try:
            yield _beside(tag, beside[0])
        except LabelConfigError:
            continue  # named among what is not learned


def _is_about(tag: Tag, control: Control) -> bool:
    """Whether a tag asks of this control's regions: of those of its object, unless it names one."""
    named = {each.tag for each in tag.conditions if each.kind == SELECTED and each.tag}
    return tag.to_name == control.to_name and (not named or named <= set(control.names))


def _beside(tag: Tag, marking: Marking) -> OfRegions:
    """Shown where the control is that marks: what is hidden until a region is selected is asked of each."""
    options = _options(tag)
    return OfRegions(
        from_name=tag.name,
        to_name=marking.to_name,
        source=marking.source,
        tag=tag.kind,
        options=options,
        classes=options.among(()),
        conditions=marking.conditions,
        beside=marking.from_name,
        marked=marking.kind,
        labels=tuple(label for each in tag.conditions for label in each.labels),
    )


def _options(tag: Tag) -> Options:
    if tag.kind == "Rating":
        return Fixed(tuple((each,) for each in stars_of(tag)))
    options = options_of(tag, FORMS[form_of(tag)].choosable(tag))
    if form_of(tag) != "Choices" or not isinstance(options, Fixed):
        raise LabelConfigError(f"{tag}: of regions, choices of one level are learned that the config has.")
    return options


def _placed(region: Region, marked: Mapping[str, Region]) -> Region:
    """A region as the one of its id is placed that it tells of, where there is one: the API takes it without
    a place of its own."""
    name, value = region.get("id"), region.get("value")
    of = marked.get(name) if isinstance(name, str) else None
    place = of.get("value") if of is not None else None
    if of is None or not isinstance(place, dict) or not isinstance(value, dict):
        return region
    return {**of, **region, "value": {**place, **value}}
