"""Labelled texts from a project's JSON export, which holds the labels but not the label config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backend.errors import AtlasError
from backend.labelstudio.scheme import LabelScheme
from backend.labelstudio.targets import target_of


@dataclass
class _Control:
    """What the annotations show of one choices control."""

    to_name: str
    labels: list[str] = field(default_factory=list)
    several: bool = False


def read_export(
    tasks: Any, text_field: str | None = None, control: str | None = None
) -> tuple[LabelScheme, list[tuple[str, str]]]:
    """The scheme the data show, and the text and label of every task that has both.

    tasks: the parsed JSON; text_field: key of the text in a task's data, nested as "item.title";
    control: name of the choices control. Both are needed only where the data leave a choice.
    Raises AtlasError, naming the option to give, when they do; and for what is no such export.
    """
    if not isinstance(tasks, list) or not tasks or not all(_is_task(task) for task in tasks):
        raise AtlasError(
            "this is no JSON export of Label Studio: a list of tasks with data and annotations is needed "
            "(Export > JSON; JSON-MIN leaves out which control a label belongs to)"
        )
    name, found = _choose_control(_controls(tasks), control)
    labelled = [task for task in tasks if task["annotations"]]
    chosen_field = text_field or _choose_field(labelled, found.to_name)
    scheme = LabelScheme(name, found.to_name, chosen_field, tuple(dict.fromkeys(found.labels)))
    rows = [(scheme.text_of(task["data"]).strip(), target_of(task["annotations"], scheme)) for task in tasks]
    if not any(text for text, _ in rows):
        fields = ", ".join(dict.fromkeys(name for task in tasks for name, _ in _texts(task["data"])))
        raise AtlasError(f"no task has a text in the field {chosen_field}; fields with text: {fields}")
    return scheme, [(text, label) for text, label in rows if text and label]


def _is_task(task: Any) -> bool:
    return (
        isinstance(task, dict)
        and isinstance(task.get("data"), dict)
        and isinstance(task.get("annotations"), list)
    )


def _regions(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What was submitted, not skipped."""
    for task in tasks:
        for annotation in task["annotations"]:
            if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
                result = annotation.get("result")
                yield from (r for r in (result if isinstance(result, list) else []) if isinstance(r, dict))


def _controls(tasks: list[dict[str, Any]]) -> dict[str, _Control]:
    controls: dict[str, _Control] = {}
    kinds: set[str] = set()
    for region in _regions(tasks):
        kinds.add(str(region.get("type")))
        value = region.get("value")
        choices = value.get("choices") if isinstance(value, dict) else None
        if isinstance(choices, list) and choices and all(isinstance(choice, str) for choice in choices):
            name = str(region.get("from_name"))
            control = controls.setdefault(name, _Control(str(region.get("to_name"))))
            control.labels += choices
            control.several |= len(choices) > 1
    if not controls:
        there = f"only {', '.join(sorted(kinds))}" if kinds else "no annotation at all"
        raise AtlasError(f"the export has no labels of a <Choices> control, {there}")
    return controls


def _choose_control(controls: dict[str, _Control], wanted: str | None) -> tuple[str, _Control]:
    known = ", ".join(controls)
    if wanted is not None and wanted not in controls:
        raise AtlasError(f"no label belongs to a choices control {wanted}; there are: {known}")
    single = [name for name, control in controls.items() if not control.several]
    name = wanted or (single[0] if len(single) == 1 else None)
    if name is None and single:
        raise AtlasError(f"labels of several choices controls: say which with --control: {', '.join(single)}")
    if name is None or controls[name].several:
        raise AtlasError(f"{name or known} holds several choices at once; only single choices are learned")
    return name, controls[name]


def _choose_field(tasks: list[dict[str, Any]], to_name: str) -> str:
    """The only text; or the one named like the tag that was labelled, as in Label Studio's templates."""
    examples: dict[str, str] = {}
    for task in tasks:
        for name, text in _texts(task["data"]):
            examples.setdefault(name, text)
    if not examples:
        raise AtlasError("no labelled task has a text in its data; only texts are learned")
    if len(examples) > 1 and to_name not in examples:
        shown = "; ".join(f"{name} ({text[:40]!r})" for name, text in examples.items())
        raise AtlasError(f"several fields hold text: say which with --text-field: {shown}")
    return to_name if to_name in examples else next(iter(examples))


def _texts(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Fields and their texts, nested ones as "item.title"."""
    for name, value in data.items():
        if isinstance(value, str) and value.strip():
            yield prefix + name, value
        elif isinstance(value, dict):
            yield from _texts(value, f"{prefix}{name}.")
