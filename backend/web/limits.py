"""How much one request may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.controls.reading import text_in
from backend.controls.scheme import LabelScheme
from backend.errors import TooLarge
from backend.settings import Settings


def check_count(settings: Settings, tasks: Sequence[Any]) -> None:
    """Raises TooLarge."""
    if len(tasks) > settings.max_tasks:
        raise TooLarge(
            f"{len(tasks)} tasks in one request are more than MAX_TASKS={settings.max_tasks}; ask for fewer."
        )


def check_label_config(settings: Settings, label_config: Any) -> None:
    """Raises TooLarge."""
    if isinstance(label_config, str) and len(label_config) > settings.max_text_chars:
        raise TooLarge(
            f"The label config is longer than MAX_TEXT_CHARS={settings.max_text_chars} characters."
        )


def texts_too_long(settings: Settings, scheme: LabelScheme, tasks: Sequence[Any]) -> dict[int, str]:
    """By their places in the request, the tasks whose texts are, with what to say instead of a guess.

    Raises TooLarge where all are.
    """
    reasons = {
        place: f"The text of task {task.get('id')} is longer than MAX_TEXT_CHARS={settings.max_text_chars} "
        "characters."
        for place, task in enumerate(tasks)
        if isinstance(task, dict) and len(text_in(scheme, task.get("data"))[0]) > settings.max_text_chars
    }
    if reasons and len(reasons) == len(tasks):
        raise TooLarge(next(iter(reasons.values())))
    return reasons
