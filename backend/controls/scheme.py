"""What is learned of a label config: the control that orders the queue, and its companions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.controls.base import Answer, Control
from backend.controls.former import former_scheme
from backend.controls.registry import control_from_json
from backend.controls.sources import Source


@dataclass(frozen=True)
class LabelScheme:
    """main: the control that orders the queue; companions: the config's other controls on the same source:
    predicted too, without a say in the queue. beside: names of the config's controls that are not learned,
    on which no model depends.
    """

    main: Control
    companions: tuple[Control, ...] = ()
    beside: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def controls(self) -> tuple[Control, ...]:
        return (self.main, *self.companions)

    @property
    def source(self) -> Source:
        return self.main.source

    def text_of(self, data: Any) -> str:
        """The task's content as annotators see it, "" where there is none. Never raises."""
        return self.source.content(data)

    def offered(self, data: Any) -> dict[str, list[str]]:
        """By control whose tasks differ in what may be said, what this one offers, in words."""
        offers = {control.from_name: control.offered(data) for control in self.controls}
        return {name: offer for name, offer in offers.items() if offer is not None}

    def with_classes(self, given: Mapping[str, Iterable[Answer]]) -> LabelScheme:
        """The scheme to learn. given: answers by the control's name."""
        main, *companions = (
            control.with_classes(given.get(control.from_name, ())) for control in self.controls
        )
        return LabelScheme(main, tuple(companions), self.beside)

    def judging(self, given: Mapping[str, Iterable[Answer]]) -> LabelScheme:
        """The scheme by which somebody else's model is judged. given: see above."""
        main, *companions = (control.judging(given.get(control.from_name, ())) for control in self.controls)
        return LabelScheme(main, tuple(companions), self.beside)

    def fits(self, other: LabelScheme | None) -> bool:
        """Whether a model of the other answers for this one: in an open one, classes may have been given
        since, and what it has not learned yet it says nothing of."""
        if other is None:
            return False
        asked, known = self.with_classes({}), other.with_classes({})
        return known.main == asked.main and all(each in asked.companions for each in known.companions)

    def is_all_of(self, other: LabelScheme | None) -> bool:
        """Whether it `fits` and has nothing to learn beside."""
        return self.fits(other) and other is not None and len(self.companions) == len(other.companions)

    def as_json(self) -> dict[str, Any]:
        """For a model version's manifest."""
        return {"controls": [control.as_json() for control in self.controls]}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> LabelScheme:
        """From what `as_json` gave, here or in a release before.

        Raises KeyError, TypeError, ValueError or AttributeError otherwise.
        """
        if "controls" not in described:
            return cls(*former_scheme(described))
        main, *companions = map(control_from_json, described["controls"])
        return cls(main, tuple(companions))
