"""Stars, from 1 to maxRating: <Rating>. 0 is Label Studio's word for none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backend.controls.base import Answer, Control, Decided, Region, refuse_parts, regions_named, value_of
from backend.controls.sources import Source
from backend.controls.tags import Tag
from backend.errors import LabelConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from backend.learning.network import Layers

MOST = 100
"""Stars that are told apart."""


@dataclass(frozen=True, kw_only=True)
class Rating(Control):
    """Its classes are the numbers of stars. Answers agree by how near they are."""

    kind = "rating"
    tags = ("Rating",)
    turn = 0

    @classmethod
    def parse(cls, tag: Tag, source: Source) -> Control:
        refuse_parts(tag)
        return cls(from_name=tag.name, to_name=tag.to_name, source=source, classes=stars_of(tag))

    def read(self, result: Any, content: str = "") -> Answer | None:
        given = (value_of(region, "rating") for region in regions_named(result, self.from_name))
        return next((whole_stars(each) for each in given if whole_stars(each) in self.classes), None)

    def unknown_in(self, region: Region) -> list[Any] | None:
        given = value_of(region, "rating")
        if given is None:
            return None
        return [] if whole_stars(given) in ("0", *self.classes) else [given]

    def agreement(self, one: Answer, other: Answer) -> float:
        return 1 - abs(int(one) - int(other)) / (len(self.classes) - 1)

    def regions(self, answer: Answer, confidence: float) -> list[Region]:
        return [self.region("rating", {"rating": int(answer)}, confidence)]

    def said_in(self, region: Region) -> list[str]:
        stars = whole_stars(value_of(region, "rating"))
        return [stars] if stars in self.classes else []

    def in_words(self, answer: Answer) -> list[str]:
        return [answer]

    def decide(self, layers: Layers, right: Tensor | None = None) -> Decided:
        """The expected number of stars, rounded: no other is nearer to what is likely on the whole.

        The confidence is the agreement to be expected. An error head, which judges the likeliest number, has
        no say in it.
        """
        likely, stars = layers.probabilities, layers.logits.new_tensor([*map(float, self.classes)])
        shown = (likely @ stars).round()
        agreement = 1 - (shown[:, None] - stars).abs() / (len(stars) - 1)
        sure = (likely * agreement).sum(-1).clamp(0, 1).tolist()
        return Decided([str(int(each)) for each in shown.tolist()], sure, sure)


def stars_of(tag: Tag) -> tuple[Answer, ...]:
    """What can be given. Raises LabelConfigError, with what to change."""
    most = tag.attributes.get("maxrating", "5")
    if not most.isdecimal() or not 2 <= int(most[:4]) <= MOST:
        raise LabelConfigError(
            f'{tag} has maxRating="{most[:9]}"; 2 to {MOST} stars are learned. Change maxRating.'
        )
    return tuple(map(str, range(1, int(most) + 1)))


def whole_stars(given: Any) -> Answer | None:
    """A whole number as it may stand in JSON, None for what is none."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    return str(int(given)) if 0 <= given <= MOST and int(given) == given else None
