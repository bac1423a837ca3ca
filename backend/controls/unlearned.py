"""What stands in an accepted label config and is not learned."""

from __future__ import annotations

from collections.abc import Iterator

from backend.controls.base import asked_of_parts
from backend.controls.config import Preferred, learnable, parse_label_config
from backend.controls.nothing_to_learn import some
from backend.controls.registry import asked, control_for, sources_in, tags_in_words
from backend.controls.scheme import LabelScheme
from backend.controls.sources import SOURCES
from backend.controls.tags import SHAPES, Tags, read_tags, shortened


def not_learned(xml: object, preferred: Preferred = None) -> list[str]:
    """A line each. Raises LabelConfigError where nothing is learned; arguments as of `parse_label_config`."""
    scheme, tags = parse_label_config(xml, preferred), read_tags(xml)
    return [
        *_texts(scheme, tags),
        *_choices(scheme, tags, preferred),
        *_others(scheme, tags),
        *_caveats(scheme),
    ]


def _texts(scheme: LabelScheme, tags: Tags) -> Iterator[str]:
    sources = sources_in(tags)
    main = [tag.to_names for tag in asked(tags) if tag.name == scheme.main.from_name]
    read = next(names for names in main if all(name in sources for name in names))
    unread = [tag for name, tag in sources.items() if name not in read]
    if unread:
        looked_at = [sources[name] for name in read]
        remedy = ""
        if scheme.main.joins and not any(SOURCES[tag.kind].is_fetched for tag in (*unread, *looked_at)):
            names = ",".join([*read, *(tag.name for tag in unread)])
            remedy = f'; all are where "{shortened(scheme.main.from_name)}" has toName="{shortened(names)}"'
        verb = "is" if len(read) == 1 else "are"
        yield f"{some(unread)}: only {some(looked_at)} {verb} read{remedy}"


def _choices(scheme: LabelScheme, tags: Tags, preferred: Preferred) -> Iterator[str]:
    _, problems = learnable(tags, preferred)
    learned = {control.from_name for control in scheme.controls}
    problems = {name: problem for name, problem in problems.items() if name not in learned}
    of_parts = [tag for tag in asked(tags) if tag.name in problems and asked_of_parts(tag)]
    if of_parts:
        yield (
            f"{some(of_parts)}: asked of each part by {asked_of_parts(of_parts[0])}; of these answers "
            "nothing is learned or predicted, and they disturb nothing that is"
        )
    refused = {tag.name for tag in of_parts}
    yield from (problem for name, problem in problems.items() if name not in refused)
    known = learned | problems.keys()
    others = [tag for tag in asked(tags) if tag.name not in known]
    about = sources_in(tags)[scheme.main.to_name]
    parts = [tag for tag in others if tag.to_names == [scheme.main.to_name]]
    if parts:
        yield (
            f"{some(parts)}: what is asked about {about} as a whole is learned, not its parts; both are "
            f"where the parts come first, by QUEUE_CONTROL={parts[0].name}"
        )
    elsewhere = [tag for tag in others if tag not in parts]
    if elsewhere:
        yield f"{some(elsewhere)}: only what is asked about {about} is learned"


def _others(scheme: LabelScheme, tags: Tags) -> Iterator[str]:
    used = {name for control in scheme.controls for name in control.names}
    other = [tag for tag in tags.controls if control_for(tag) is None and not tag.repeated]
    unused = [tag for tag in other if tag.kind in SHAPES and tag.name not in used]
    if unused:
        yield f"{some(unused)}: one of what draws is learned, where a <Labels> about the same image names it"
    other = [tag for tag in other if tag.kind not in SHAPES]
    if other:
        yield f"{some(other)}: only {tags_in_words()} are learned"
    repeated = [tag for tag in tags.controls if tag.repeated]
    if repeated:
        yield f"{some(repeated)}: what stands in a <Repeater> is not learned"


def _caveats(scheme: LabelScheme) -> Iterator[str]:
    for control in scheme.controls:
        yield from control.caveats()
