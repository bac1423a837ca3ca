"""Why there is nothing to learn of a label config, by what stands in it, and a change that would help."""

from __future__ import annotations

from collections.abc import Sequence

from backend.labelstudio.tags import CHOICE_TAGS, TEXT_TAGS, Tag, Tags, shortened

SOME = 5
"""Tags that a message names."""


def why_nothing(tags: Tags) -> str:
    """For a config without choices about a text."""
    if not tags.choices and any(tag.repeated and tag.kind in CHOICE_TAGS for tag in tags.controls):
        return (
            "The label config asks within a <Repeater>, once for each item of a list; repeaters are not "
            "learned. Import each item as a task of its own, and take the tags out of the <Repeater>."
        )
    if not tags.texts:
        return _without_text(tags)
    text = next(iter(tags.texts.values()))
    if not tags.choices:
        return (
            f"{_asked(tags)}; learned are choices about a whole text. Add "
            f'<Choices name="{_free_name(tags)}" toName="{shortened(text.name)}"> with two <Choice> or more.'
        )
    return " ".join(_not_on_text(tag, tags.objects.get(tag.to_name), text) for tag in tags.choices[:SOME])


def some(tags: Sequence[Tag]) -> str:
    """The first of them by name, and how many more."""
    more = f" and {len(tags) - SOME} more" if len(tags) > SOME else ""
    return ", ".join(str(tag) for tag in tags[:SOME]) + more


def _asked(tags: Tags) -> str:
    if not tags.controls:
        return "The label config asks nothing"
    return f"The label config asks for {some(tags.controls)}: that is not learned"


def _without_text(tags: Tags) -> str:
    fixed = [tag for tag in tags.objects.values() if tag.kind in TEXT_TAGS and not tag.repeated]
    if fixed:
        return (
            f"{some(fixed)} shows the same in every task, and only texts of tasks are learned. "
            'Let its value name a field of the tasks\' data, such as value="$text".'
        )
    shown = some(list(tags.objects.values())) or "nothing of a task"
    return (
        f"The label config shows {shown}; only texts are learned. "
        "Connect a project whose tasks are texts, each to be put into a class."
    )


def _not_on_text(control: Tag, target: Tag | None, text: Tag) -> str:
    belongs = f"{target}, which is no text"
    if target is None:
        belongs = f'"{shortened(control.to_name)}", which is the name of no tag'
    elif target.kind in TEXT_TAGS:
        belongs = f"{target}, which shows no text of the task"
    return (
        f"{control} belongs to {belongs}: only choices about a text are learned. "
        f'With toName="{shortened(text.name)}" it would be about {text}.'
    )


def _free_name(tags: Tags) -> str:
    taken = {*tags.objects, *(tag.name for tag in tags.controls)}
    numbered = (f"class{i or ''}" for i in range(len(taken) + 1))
    return next(name for name in numbered if name not in taken)
