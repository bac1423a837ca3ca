"""What stands in an accepted label config and is not learned."""

from __future__ import annotations

from collections.abc import Iterator

from backend.labelstudio.content import names_a_field
from backend.labelstudio.label_config import learnable, parse_label_config
from backend.labelstudio.nothing_to_learn import some
from backend.labelstudio.scheme import LabelScheme
from backend.labelstudio.tags import CHOICE_TAGS, Tags, read_tags, shortened


def not_learned(xml: object, preferred: str | None = None) -> list[str]:
    """A line each. Raises LabelConfigError where nothing is learned; arguments as of `parse_label_config`."""
    scheme, tags = parse_label_config(xml, preferred), read_tags(xml)
    return [*_texts(scheme, tags), *_choices(scheme, tags, preferred), *_others(tags), *_at_times(scheme)]


def _texts(scheme: LabelScheme, tags: Tags) -> Iterator[str]:
    unread = [tag for name, tag in tags.texts.items() if name != scheme.to_name]
    if unread:
        yield f"{some(unread)}: only {tags.texts[scheme.to_name]} is read"


def _choices(scheme: LabelScheme, tags: Tags, preferred: str | None) -> Iterator[str]:
    _, problems = learnable(tags, preferred)
    yield from problems.values()
    for tag in tags.choices:
        named = [value for value, alias in tag.choices if not alias and names_a_field(value)]
        if named and tag.name not in problems:
            yield f'{tag}: the choice "{shortened(named[0])}" is another text in each task; give it an alias'
    known = {control.from_name for control in scheme.controls} | problems.keys()
    elsewhere = [tag for tag in tags.choices if tag.name not in known]
    if elsewhere:
        yield f"{some(elsewhere)}: only choices about {tags.texts[scheme.to_name]} are learned"


def _others(tags: Tags) -> Iterator[str]:
    other = [tag for tag in tags.controls if tag.kind not in CHOICE_TAGS and not tag.repeated]
    if other:
        yield f"{some(other)}: only choices are learned"
    repeated = [tag for tag in tags.controls if tag.repeated]
    if repeated:
        yield f"{some(repeated)}: what stands in a <Repeater> is not learned"


def _at_times(scheme: LabelScheme) -> Iterator[str]:
    """Learned, but as if it were possible everywhere."""
    for control in scheme.controls:
        if control.dynamic:
            yield (
                f'"{control.from_name}" has dynamic choices: it is learned as if each task offered all; '
                "a choice that a task does not offer is never guessed there"
            )
        if control.conditions:
            yield (
                f'"{control.from_name}" is not always shown (visibleWhen): it is learned as if it were; '
                "it is guessed only where Label Studio shows it beside the other guesses"
            )
