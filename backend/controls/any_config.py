"""Any label config as what its answers are compared by, for projects in which another ML backend answers."""

from __future__ import annotations

from backend.controls.anything import Anything
from backend.controls.config import Preferred, parse_label_config
from backend.controls.registry import sources_in
from backend.controls.scheme import LabelScheme
from backend.controls.sources import SOURCES, Source, Unread
from backend.controls.tags import Tags, read_tags
from backend.controls.unlearned import not_learned
from backend.errors import LabelConfigError


def parse_config(xml: object, preferred: Preferred = None, *, wraps: bool) -> LabelScheme:
    """What there is to learn of a config, or, where another ML backend answers, to compare."""
    return parse_any_config(xml, preferred) if wraps else parse_label_config(xml, preferred)


def parse_any_config(xml: object, preferred: Preferred = None) -> LabelScheme:
    """As `parse_label_config`, and where nothing can be learned, all that is asked, to be compared.

    Raises LabelConfigError for what is no label config, or asks nothing.
    """
    try:
        return parse_label_config(xml, preferred)
    except LabelConfigError:
        tags = read_tags(xml)
        if not tags.controls:
            raise
        control = Anything.parse(tags.controls[0], _source_in(tags))
        return LabelScheme(control, (), tuple(dict.fromkeys(tag.name for tag in tags.controls[1:])))


def lacking_in(scheme: LabelScheme, xml: object, preferred: Preferred = None) -> list[str]:
    """What stands in the config and is not learned, a line each. scheme: what was made of it."""
    return [] if isinstance(scheme.main, Anything) else not_learned(xml, preferred)


def _source_in(tags: Tags) -> Source:
    """The first content that can be read, else all that stands in a task."""
    for tag in sources_in(tags).values():
        try:
            return SOURCES[tag.kind].parse(tag)
        except LabelConfigError:
            continue
    return Unread("")
