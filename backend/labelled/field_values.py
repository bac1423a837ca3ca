"""The columns of a person's file that a strategy goes by: `margin by source`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.errors import AtlasError
from backend.fields import fields_in

ByItem = Mapping[str, Mapping[str, str]]
"""By a row's text, or image, the values of its fields."""
Values = dict[str, tuple[list[str | None], list[str | None]]]
"""By field, of those that wait and of the labelled ones, in their order."""


def named_by(strategies: Sequence[str]) -> tuple[str, ...]:
    """The fields that the strategies go by, each once."""
    return tuple(dict.fromkeys(name for strategy in strategies for name in fields_in(strategy)))


def check_there(fields: ByItem, names: Sequence[str], items: Sequence[str], row: str) -> None:
    """row: what one is called. Raises AtlasError for a field that none of the items has."""
    for name in names:
        if not any(name in fields.get(item, {}) for item in items):
            raise AtlasError(
                f"no {row} of it has a {name!r}, by which a strategy goes: name a column of the file (of a "
                f"JSON export, a field of the tasks' data), or leave `by {name}` out"
            )


def values_of_items(
    fields: ByItem, strategy: str, waiting: Sequence[str], labelled: Sequence[str]
) -> Values | None:
    """As a scene wants them; None for a strategy that goes by no field."""
    names = fields_in(strategy)
    if not names:
        return None
    of = (waiting, labelled)
    found = {name: [[fields.get(item, {}).get(name) for item in items] for items in of] for name in names}
    return {name: (values[0], values[1]) for name, values in found.items()}
