"""The fields of tasks that the order of a queue goes by, as users write them: `margin by source`, and
TARGET_DOMAIN=`source=forum`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

MOST = 4
"""Fields that a strategy may name: each is kept of every task."""
DOMAINS = ("all", "newest")
"""Target domains that name no field."""
LONGEST = 100
"""Characters of a value that are kept."""
OF_A_FIELD = re.compile(r"^(?P<part>.*[^%\s])\s+by\s+(?P<field>[\w.:/-]{1,100})$")
"""A whole part of a composition, other than `x within 20% by y`."""
_FIELD = re.compile(r"(?<=[^%\s])\s+by\s+([\w.:/-]{1,100})(?=\s*$| and | within )")


def fields_in(strategy: str) -> tuple[str, ...]:
    """The names of the fields, each once, as they are written."""
    return tuple(dict.fromkeys(_FIELD.findall(strategy)))


def without_fields(strategy: str) -> str:
    return _FIELD.sub("", strategy)


def check_fields(strategy: str) -> None:
    """Raises ValueError for too many."""
    if len(found := fields_in(strategy)) > MOST:
        raise ValueError(f"a strategy may go by at most {MOST} fields of the tasks, not by {len(found)}")


class Condition(NamedTuple):
    """That a task's field has this value."""

    field: str
    value: str


def condition_in(domain: str) -> Condition | None:
    """What TARGET_DOMAIN asks of a task's field; None where it names no field.

    Raises ValueError for what is neither a name of a domain nor one condition.
    """
    if domain in DOMAINS:
        return None
    field, equals, value = (part.strip() for part in domain.partition("="))
    if not re.fullmatch(r"[\w.:/-]{1,100}", field) or not equals or not value or not value.isprintable():
        raise ValueError(
            f"must be one of {', '.join(DOMAINS)}, or name a field of the tasks and its value, such as "
            f"source=forum; not {domain[:LONGEST]!r}"
        )
    if "=" in value:
        raise ValueError(f"must name one field and one value, such as source=forum; not {domain[:LONGEST]!r}")
    if len(value) > LONGEST:
        raise ValueError(f"names a value of {len(value)} characters: {LONGEST} of each are kept")
    return Condition(field, value)


def values_of(data: Any, fields: Iterable[str]) -> dict[str, str]:
    """By field, of those that hold a text, a number, true or false: its value in LONGEST characters."""
    found = {field: _in_words(data.get(field)) for field in fields} if isinstance(data, dict) else {}
    return {field: value for field, value in found.items() if value}


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip()[:LONGEST] if isinstance(value, str | int | float) else ""
