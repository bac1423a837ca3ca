"""From a label config to what there is to learn, or to what would have to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backend.controls.base import Control
from backend.controls.nothing_to_learn import some, why_nothing
from backend.controls.of_regions import of_regions
from backend.controls.regions import RegionControl
from backend.controls.registry import asked, control_for, sources_in
from backend.controls.scheme import LabelScheme
from backend.controls.sources import SOURCES
from backend.controls.tags import SHAPES, Condition, Tag, Tags, read_tags
from backend.errors import LabelConfigError

Preferred = str | Sequence[str] | None
"""Names of controls that come first, the first of them first."""


def parse_label_config(xml: object, preferred: Preferred = None) -> LabelScheme:
    """The first control that can be learned, by its `turn`, about a text where there is one; the one of a
    `preferred` name, if there, of several the first that is.

    The others about the same content are its companions, and what is asked of each region that they mark.
    Raises LabelConfigError, with what to change, when the config has none.
    """
    tags = read_tags(xml)
    learned, problems = learnable(tags, preferred)
    if not learned:
        raise LabelConfigError(" ".join(problems.values()) or why_nothing(tags))
    first, *others = learned
    companions = tuple(filter(None, (_beside(first, other) for other in others)))
    companions += tuple(of_regions(tags, (first, *companions)))
    names = {name for control in (first, *companions) for name in control.names}
    beside = tuple(dict.fromkeys(tag.name for tag in tags.controls if tag.name not in names))
    return LabelScheme(first, companions, beside)


def _beside(first: Control, other: Control) -> Control | None:
    """The other as it reads what the first reads; None where it cannot. The whole of a page or a dialogue can
    be read off its characters; not the other way round."""
    if other.source == first.source:
        return other
    parts_first = isinstance(first, RegionControl) and not isinstance(other, RegionControl)
    same = (other.source.tag, other.source.field) == (first.source.tag, first.source.field)
    return replace(other, source=first.source) if parts_first and same else None


def learnable(tags: Tags, preferred: Preferred = None) -> tuple[list[Control], dict[str, str]]:
    """What can be learned of a config, the preferred control first, and, by control, why another cannot be.

    Not among either is what is not asked about a whole content that can be read.
    """
    sources, result_of = sources_in(tags), _Results(tags)
    about_content = [tag for tag in asked(tags) if all(name in sources for name in tag.to_names)]
    learned, problems = [], {}
    for tag in sorted(about_content, key=lambda tag: _turn(tag, sources, preferred)):
        try:
            control = _control(tag, [sources[name] for name in tag.to_names])
            learned.append(replace(control, conditions=tuple(map(result_of, tag.conditions))))
        except LabelConfigError as problem:
            problems[tag.name] = str(problem)
    return learned, problems


def _turn(tag: Tag, sources: Mapping[str, Tag], preferred: Preferred) -> tuple[int, bool, int, bool]:
    """The lowest orders the queue: what is preferred, in the order of the names, else what was learned before
    others, the control's `turn`, then texts: a project that was connected for its texts goes on with them."""
    names = (preferred,) if isinstance(preferred, str) else tuple(preferred or ())
    kind = control_for(tag)
    assert kind is not None  # by `asked`
    place = names.index(tag.name) if tag.name in names else len(names)
    looked_at = [SOURCES[sources[name].kind] for name in tag.to_names]
    several_images = looked_at[0].is_fetched and len(looked_at) > 1 and kind.joins
    comes_late = several_images or any(each.comes_late for each in looked_at)
    return place, comes_late, kind.turn, looked_at[0].is_fetched


def _control(tag: Tag, looked_at: Sequence[Tag]) -> Control:
    kind = control_for(tag, (each.kind for each in looked_at))
    if kind is None:
        raise LabelConfigError(f"{tag} is about {some(looked_at)}: it is learned {_where(tag)}.")
    control = kind.parse(tag, kind.source_in(tag, looked_at))
    return replace(control, to_name=looked_at[0].name)  # as Label Studio wants it of several


def _where(tag: Tag) -> str:
    """What a control that is learned must be about."""
    kind = control_for(tag)
    assert kind is not None  # by `asked`
    about = f"where it is about {' or '.join(f'<{name}>' for name in kind.sources)}"
    if tag.kind != "Labels" or tag.shapes:
        return about
    return f"{about}, or about an <Image> with {' or '.join(f'<{name}>' for name in SHAPES)} beside it"


class _Results:
    """Conditions by the choices as annotations hold them: the config may name them by their values. Each is
    looked at once: all that stands in a tag shares its conditions."""

    def __init__(self, tags: Tags):
        self._controls = {
            tag.name: {choice.value: choice.alias for choice in tag.choices} for tag in tags.controls
        }
        self._made: dict[int, Condition] = {}

    def __call__(self, condition: Condition) -> Condition:
        if id(condition) not in self._made:
            alias_of = self._controls.get(condition.tag, {})
            choices = tuple(alias_of.get(each) or each for each in condition.choices)
            self._made[id(condition)] = replace(condition, choices=choices)
        return self._made[id(condition)]
