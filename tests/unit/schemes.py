"""What is learned of a config, made without one."""

from __future__ import annotations

from backend.controls.base import Control
from backend.controls.choices import SingleChoice
from backend.controls.options import Fixed
from backend.controls.scheme import LabelScheme
from backend.controls.several import SeveralChoices, SeveralOrNone
from backend.controls.sources import Source, Text

TEXT = Text("text")


def fixed(choices: tuple[str, ...]) -> Fixed:
    return Fixed(tuple((choice,) for choice in choices))


def single(name: str, *choices: str, source: Source = TEXT) -> SingleChoice:
    return SingleChoice(from_name=name, to_name="t", source=source, options=fixed(choices), classes=choices)


def several(name: str, choices: tuple[str, ...], *classes: str, blank: bool = False) -> SeveralChoices:
    kind = SeveralOrNone if blank else SeveralChoices
    return kind(from_name=name, to_name="t", source=TEXT, options=fixed(choices), classes=classes)


def scheme(main: Control, *companions: Control) -> LabelScheme:
    return LabelScheme(main, companions)
