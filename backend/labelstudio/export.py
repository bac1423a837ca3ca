"""Labelled texts from a project's JSON export, which holds the labels but not the label config."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from backend.controls.base import Control
from backend.controls.choices import SingleChoice
from backend.controls.options import Fixed
from backend.controls.reading import text_in
from backend.controls.scheme import LabelScheme
from backend.controls.several import SeveralOrNone
from backend.controls.sources import Text
from backend.controls.votes import target_of, votes_of
from backend.errors import AtlasError

NONE_OF_THEM = "none of them"
"""The class of an annotation that chose nothing where several may be chosen."""


def class_of_choices(choices: Iterable[str]) -> str:
    """A set of choices is a class of its own, as for the queue (label powerset)."""
    return " + ".join(sorted(set(choices))) or NONE_OF_THEM


def class_of_path(path: Any) -> str:
    """Of a taxonomy's path from the root."""
    return " > ".join(map(str, path)) if isinstance(path, list) else str(path)


@dataclass
class _Found:
    """What the annotations show of one control. kind: its tag."""

    to_name: str
    kind: str
    labels: list[str] = field(default_factory=list)
    several: bool = False


class Export(NamedTuple):
    """field, control: what the data show; rows: each task's text and class; waiting: number and text of the
    tasks that nobody has labelled; dropped: tasks left out, by the reason.

    Where several choices may be given, each set of them is a class, as for the queue; a taxonomy's choice
    is the whole path.
    """

    field: str
    control: Control
    rows: list[tuple[str, str]]
    waiting: list[tuple[int, str]]
    dropped: dict[str, int]


def read_export(
    tasks: Any, text_field: str | None = None, control: str | None = None, *, label_needed: bool = True
) -> Export:
    """What a project's JSON export holds of one control.

    tasks: the parsed JSON; text_field: key of the text in a task's data, nested as "item.title";
    control: name of the control. Both are needed only where the data leave a choice.
    label_needed: refuse an export without any annotation; else its control has no name.
    Raises AtlasError, naming the option to give, when they do; and for what is no such export.
    """
    if not isinstance(tasks, list) or not tasks or not all(is_task(task) for task in tasks):
        raise AtlasError(
            "this is no JSON export of Label Studio: a list of tasks with data and annotations is needed "
            "(Export > JSON)"
        )
    tasks = [{**task, "annotations": _with_flat_paths(task["annotations"])} for task in tasks]
    labelled = [task for task in tasks if task["annotations"]]
    if labelled or label_needed:
        name, found = _choose_control(_controls(tasks), control)
    else:
        name, found, labelled = "", _Found("text", "Choices"), tasks
    chosen_field = text_field or _choose_field(labelled, found.to_name)
    asked = _control(name, found, chosen_field)
    scheme = LabelScheme(asked)
    rows: list[tuple[str, str]] = []
    waiting: list[tuple[int, str]] = []
    dropped: Counter[str] = Counter()
    for number, task in enumerate(tasks, 1):
        text, label = text_in(scheme, task["data"])[0].strip(), target_of(task["annotations"], asked)
        if text and label is not None:
            rows.append((text, class_of_choices(asked.in_words(label))))
        elif text and not votes_of(task["annotations"], asked):
            waiting.append((_number(task.get("id"), number), text))
        else:
            dropped["on which the annotators disagree" if text else "without a text"] += 1
    if not rows and not any(text_in(scheme, task["data"])[0].strip() for task in tasks):
        fields = ", ".join(dict.fromkeys(name for task in tasks for name, _ in _texts(task["data"])))
        raise AtlasError(f"no task has a text in the field {chosen_field}; fields with text: {fields}")
    return Export(chosen_field, asked, rows, waiting, dict(dropped))


def _control(name: str, found: _Found, text_field: str) -> Control:
    kind = SeveralOrNone if found.several else SingleChoice
    options = Fixed(tuple((label,) for label in dict.fromkeys(found.labels)))
    control = kind(
        from_name=name, to_name=found.to_name, source=Text(text_field), tag=found.kind, options=options
    )
    return control.with_classes(())


def _number(task_id: Any, place: int) -> int:
    """A task's own, or its place in the file where it has none."""
    return task_id if isinstance(task_id, int) else place


def _with_flat_paths(annotations: list[Any]) -> list[Any]:
    """A taxonomy's path as one choice, whatever its depth."""
    return [
        {**annotation, "result": [*map(_flat, annotation["result"])]}
        if isinstance(annotation, dict) and isinstance(annotation.get("result"), list)
        else annotation
        for annotation in annotations
    ]


def _flat(region: Any) -> Any:
    value = region.get("value") if isinstance(region, dict) else None
    paths = value.get("taxonomy") if isinstance(value, dict) else None
    if not isinstance(paths, list):
        return region
    return {**region, "value": {"taxonomy": [[class_of_path(path)] for path in paths]}}


def is_task(task: Any) -> bool:
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


_KINDS = {"choices": "Choices", "taxonomy": "Taxonomy"}


def _controls(tasks: list[dict[str, Any]]) -> dict[str, _Found]:
    controls: dict[str, _Found] = {}
    kinds: set[str] = set()
    for region in _regions(tasks):
        kind, value = str(region.get("type")), region.get("value")
        kinds.add(kind)
        chosen = value.get(kind) if isinstance(value, dict) and kind in _KINDS else None
        chosen = chosen if isinstance(chosen, list) else []
        choices = [each[0] if kind == "taxonomy" else each for each in chosen]
        if choices and all(isinstance(choice, str) for choice in choices):
            name = str(region.get("from_name"))
            control = controls.setdefault(name, _Found(str(region.get("to_name")), _KINDS[kind]))
            control.labels += choices
            control.several |= len(choices) > 1
    if not controls:
        there = f"only {', '.join(sorted(kinds))}" if kinds else "no annotation at all"
        raise AtlasError(f"the export has no labels of a <Choices> or <Taxonomy> control, {there}")
    return controls


def _choose_control(controls: dict[str, _Found], wanted: str | None) -> tuple[str, _Found]:
    """The wanted one; or the only one; or the only one of a single choice."""
    known = ", ".join(controls)
    if wanted is not None and wanted not in controls:
        raise AtlasError(f"no label belongs to a control {wanted}; there are: {known}")
    single = [name for name, control in controls.items() if not control.several]
    left = single if len(single) == 1 else list(controls)
    if wanted is None and len(left) > 1:
        raise AtlasError(f"labels of several controls: say which with --control: {known}")
    name = wanted or left[0]
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
