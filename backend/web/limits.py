"""How much one request may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from backend.errors import TooLarge
from backend.labelstudio.scheme import LabelScheme
from backend.settings import Settings


class ShallowJson(DefaultJSONProvider):
    """JSON that is nested too deeply is no JSON."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Raises ValueError."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def bound_bodies(app: Flask, settings: Settings) -> None:
    """Larger ones are answered with 413 before they are read, deeper ones with 400."""
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_mb * 2**20
    app.json = ShallowJson(app)


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
        if isinstance(task, dict) and len(scheme.text_of(task.get("data"))) > settings.max_text_chars:
            raise TooLarge(
                f"The text of task {task.get('id')} is longer than "
                f"MAX_TEXT_CHARS={settings.max_text_chars} characters."
            )
