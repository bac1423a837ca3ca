"""What pydantic found wrong with settings, in the words of whoever set them."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

_WANTED = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
}
"""By pydantic's type of error. What was given in place of these is no secret, and is told."""
_SHOWN = 40
"""Characters of it."""


def wrong_settings(error: ValidationError) -> str:
    """Each by the name of its variable, with what it must be."""
    return "; ".join(
        f"{str(item['loc'][0]).upper() if item['loc'] else 'settings'}: {_said_of(item)}"
        for item in error.errors()
    )


def _said_of(item: Any) -> str:
    wanted = _WANTED.get(item["type"])
    if wanted is None:
        return str(item["msg"]).removeprefix("Value error, ")
    return f"{wanted}, not {str(item['input'])[:_SHOWN]!r}"
