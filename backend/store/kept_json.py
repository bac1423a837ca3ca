"""A small file that a command reads again: whole, missing, or damaged."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

from backend.errors import DamagedFile
from backend.store.files import Files

T = TypeVar("T")
MALFORMED = (
    *(ValueError, KeyError, TypeError, AttributeError),
    OverflowError,  # an infinite number, in the place of a whole one
    RecursionError,  # lists in lists without end
)
"""What reading JSON, and taking what it should hold out of that, may raise, whatever is in it."""
UNREADABLE = (OSError, *MALFORMED)
"""The same of a file, which may be away, or not to be read just then."""


def finite(value: Any) -> float:
    """A number out of JSON, which has infinite ones. Raises ValueError, TypeError or OverflowError for those
    and for what is none."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no finite number")
    return number


def read_kept(files: Files, path: str, parse: Callable[[Any], T], *, holds: str, remedy: str) -> T | None:
    """What `parse` makes of the JSON; None where there is no such file.

    holds, remedy: for whoever has to do with a damaged one, what is in it and what to do. Raises DamagedFile
    for what cannot be read or parsed, ModelStoreError where the store fails.
    """
    try:
        return parse(json.loads(files.read(path)))
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise DamagedFile(f"{path}, which holds {holds}, cannot be read ({error}): {remedy}") from error
