"""The sections of a project's page, from top to bottom. A new one: a module, a template, a line here."""

from __future__ import annotations

from backend.pages.section import Section
from backend.pages.sections.map import MAP
from backend.pages.sections.now import NOW

SECTIONS: tuple[Section, ...] = (NOW, MAP)


def section(name: str) -> Section | None:
    return next((each for each in SECTIONS if each.name == name), None)
