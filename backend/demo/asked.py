"""What a demo asks its annotators: a class of each item, or parts to be marked in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol
from xml.sax.saxutils import quoteattr

from backend.controls.config import parse_label_config
from backend.controls.regions import RegionControl

NAME = "label"
"""Of the control."""
Region = dict[str, Any]


class Asked(Protocol):
    """labels: of the control. An answer is what a demo's data has of an item."""

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of what tells how good the model is."""

    def controls(self, about: str, labels: Sequence[str]) -> str:
        """Of the label config. about: the name of what is looked at."""

    def found_in(self, answer: str) -> list[str]:
        """Labels of what there is to find in an item."""

    def regions(self, about: str, answer: str, content: str) -> list[Region]:
        """What is submitted of an item. content: what stands in its task."""


class Classes:
    """Answers are labels."""

    measures: tuple[str, ...] = ("accuracy", "macro-F1")

    def controls(self, about: str, labels: Sequence[str]) -> str:
        choices = "".join(f"<Choice value={quoteattr(label)}/>" for label in labels)
        return f'<Choices name="{NAME}" toName="{about}" choice="single">{choices}</Choices>'

    def found_in(self, answer: str) -> list[str]:
        return [answer]

    def regions(self, about: str, answer: str, content: str) -> list[Region]:
        asked = {"from_name": NAME, "to_name": about, "type": "choices"}
        return [{**asked, "value": {"choices": [answer]}}]


@dataclass(frozen=True)
class Parts:
    """Answers are those of the control that this tag asks for, about an object tag. measures: the names that
    a version's stats have for how good it is out of fold."""

    tag: str
    about: str
    measures: tuple[str, ...]

    def controls(self, about: str, labels: Sequence[str]) -> str:
        values = "".join(f"<Label value={quoteattr(label)}/>" for label in labels)
        return f'<{self.tag} name="{NAME}" toName="{about}">{values}</{self.tag}>'

    def found_in(self, answer: str) -> list[str]:
        return self._reader.labels_in(answer)

    def regions(self, about: str, answer: str, content: str) -> list[Region]:
        """By hand: without a score."""
        found = self._control(about, self.found_in(answer)).given(answer, content)
        return [{name: part for name, part in region.items() if name != "score"} for region in found]

    @cached_property
    def _reader(self) -> RegionControl:
        """Of answers, whatever their labels."""
        return self._control("item", ["any"])

    def _control(self, about: str, labels: Sequence[str]) -> RegionControl:
        shown = f'<{self.about} name="{about}" value="${about}"/>'
        found = parse_label_config(f"<View>{shown}{self.controls(about, labels or ['any'])}</View>").main
        assert isinstance(found, RegionControl)
        return found


CLASSES = Classes()
SPANS = Parts("Labels", "Text", ("f1",))
BOXES = Parts("RectangleLabels", "Image", ("map50",))
MASKS = Parts("BrushLabels", "Image", ("mean_iou",))
