"""Why there is nothing to learn of a label config, by what stands in it, and a change that would help."""

from __future__ import annotations

from collections.abc import Sequence

from backend.controls.registry import asked, control_for, sources_in, tags_in_words
from backend.controls.sources import SOURCES
from backend.controls.tags import Tag, Tags, shortened

SOME = 5
"""Tags that a message names."""


def why_nothing(tags: Tags) -> str:
    """For a config without a control about a content that can be read."""
    if not asked(tags) and any(tag.repeated and control_for(tag) for tag in tags.controls):
        return (
            "The label config asks within a <Repeater>, once for each item of a list; repeaters are not "
            "learned. Import each item as a task of its own, and take the tags out of the <Repeater>."
        )
    sources = sources_in(tags)
    if not sources:
        return _without_content(tags)
    text = next(iter(sources.values()))
    astray = [tag for tag in asked(tags) if not tags.objects.keys() >= set(tag.to_names)]
    if astray:
        return (
            f'{some(astray)} is to be about "{shortened(astray[0].to_name)}", which is the name of no tag. '
            f'With toName="{shortened(text.name)}" it would be about {text}.'
        )
    return (
        f"{_asked(tags, text)}; learned are {tags_in_words()} about a whole text or image. Add "
        f'<Choices name="{_free_name(tags)}" toName="{shortened(text.name)}"> with two <Choice> or more.'
    )


def some(tags: Sequence[Tag]) -> str:
    """The first of them by name, and how many more."""
    more = f" and {len(tags) - SOME} more" if len(tags) > SOME else ""
    return ", ".join(str(tag) for tag in tags[:SOME]) + more


def _asked(tags: Tags, text: Tag) -> str:
    if not tags.controls:
        return f"The label config asks nothing about {text}"
    known = asked(tags)
    if not known:
        return f"The label config asks for {some(tags.controls)}: that is not learned"
    others = [tags.objects[name] for name in dict.fromkeys(name for tag in known for name in tag.to_names)]
    return f"{some(known)} is about {some(others)}, not about a text or an image"


def _without_content(tags: Tags) -> str:
    shown = [tag for tag in tags.objects.values() if not tag.repeated]
    if shown and all(tag.kind in SOURCES and not tag.attributes.get("valuelist") for tag in shown):
        return (
            f"The label config shows {some(shown)}, the same in every task; only texts and images of tasks "
            f"are learned. Let the value of {shown[0]} name a field of the tasks' data, such as "
            'value="$text".'
        )
    return (
        f"The label config shows {some(shown) or 'nothing of a task'}; only texts and images of tasks are "
        "learned. Connect a project whose tasks are texts or images, each to be put into a class."
    )


def _free_name(tags: Tags) -> str:
    taken = {*tags.objects, *(tag.name for tag in tags.controls)}
    numbered = (f"class{i or ''}" for i in range(len(taken) + 1))
    return next(name for name in numbered if name not in taken)
