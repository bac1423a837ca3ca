"""The sections of a project's page, from top to bottom. A new one: a module, a template, a line here."""

from __future__ import annotations

from backend.pages.section import Section
from backend.pages.sections.how_good import HOW_GOOD
from backend.pages.sections.item_map import MAP
from backend.pages.sections.now import NOW
from backend.pages.sections.opinions import OPINION_LIST
from backend.pages.sections.suspects import SUSPECTS
from backend.pages.sections.versions import VERSIONS
from backend.pages.sections.what_next import NEXT
from backend.pages.sections.who import WHO

SECTIONS: tuple[Section, ...] = (NOW, HOW_GOOD, WHO, NEXT, MAP, SUSPECTS, OPINION_LIST, VERSIONS)


def section(name: str) -> Section | None:
    found = [each for each in SECTIONS if each.name == name]
    return found[0] if found else None
