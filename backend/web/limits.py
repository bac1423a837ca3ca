"""How much one request may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.errors import TooLarge
from backend.labelstudio.reading import text_in
from backend.labelstudio.scheme import LabelScheme
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


def check_texts(settings: Settings, scheme: LabelScheme, tasks: Sequence[Any]) -> None:
    """Raises TooLarge, with the id of the first task whose text is too long."""
    for task in tasks:
        if isinstance(task, dict) and len(text_in(scheme, task.get("data"))[0]) > settings.max_text_chars:
            raise TooLarge(
                f"The text of task {task.get('id')} is longer than "
                f"MAX_TEXT_CHARS={settings.max_text_chars} characters."
            )
