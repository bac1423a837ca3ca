"""How much one request may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask, Request, request
from werkzeug.exceptions import BadRequest, LengthRequired, RequestEntityTooLarge

from backend.errors import TooLarge
from backend.labelstudio.reading import text_in
from backend.labelstudio.scheme import LabelScheme
from backend.settings import Settings


class ShallowRequest(Request):
    """JSON that is nested too deeply is no JSON. (By the request, since Flask 1 has no JSON provider.)"""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Raises BadRequest, unless silent."""
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError as error:
            if silent:
                return None
            raise BadRequest("The request's JSON is nested too deeply.") from error


def bound_bodies(app: Flask, settings: Settings) -> None:
    """Larger ones are answered with 413 before they are read, deeper ones with 400.

    Those that do not tell their length, with 411: Label Studio tells it, and what sends chunks can send them
    without end, or such as gunicorn cannot read.
    """
    limit = app.config["MAX_CONTENT_LENGTH"] = settings.max_body_mb * 2**20
    app.request_class = ShallowRequest

    @app.before_request
    def refuse_large() -> None:  # Werkzeug 2.0 itself bounds forms only
        if "Transfer-Encoding" in request.headers:
            raise LengthRequired("The request must tell its length; a body in chunks is not read.")
        if (request.content_length or 0) > limit:
            raise RequestEntityTooLarge


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
