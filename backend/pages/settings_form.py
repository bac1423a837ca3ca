"""The settings of a project's page: what is in force, which place names it, and what a form asks for.

Three places can name the strategy: the connection's extra params, then the page, then the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.errors import AtlasError
from backend.pages.section import ProjectPage
from backend.sampling import check_name
from backend.store.chosen_settings import CHANGEABLE, chosen

BY_CONNECTION, BY_PAGE, BY_ENVIRONMENT = "the connection's extra params", "this page", "the environment"
LABELS = {
    "strategy": "Strategy",
    "blind": "Blind: annotators see no guess",
    "audit_share": "Audit share: drawn at random, in %",
    "goal_accuracy": "Goal: accuracy, in %",
}
SHARES = {"audit_share", "goal_accuracy"}


@dataclass(frozen=True)
class InForce:
    """value: that holds; by: the place that names it; chosen: on the page, "" for none; places: each that can
    name it, the first that does first, with what it names, None for nothing."""

    name: str
    label: str
    value: str
    by: str
    chosen: str
    places: tuple[tuple[str, str | None], ...]


def in_force(page: ProjectPage) -> list[InForce]:
    by_page = chosen(page.settings, page.id)
    return [_in_force(page, name, by_page.get(name)) for name in CHANGEABLE]


def _in_force(page: ProjectPage, name: str, on_page: Any) -> InForce:
    by_connection = page.state.strategy if name == "strategy" else None
    ladder = [(BY_PAGE, on_page), (BY_ENVIRONMENT, getattr(page.settings, name))]
    if name == "strategy":
        ladder.insert(0, (BY_CONNECTION, by_connection))
    by, value = next((place, found) for place, found in ladder if found is not None)
    return InForce(
        name,
        LABELS[name],
        _written(name, value),
        by,
        "" if on_page is None else _typed(name, on_page),
        tuple((place, None if found is None else _written(name, found)) for place, found in ladder),
    )


def _typed(name: str, value: Any) -> str:
    """As a field of the form has it."""
    return f"{100 * float(value):g}" if name in SHARES else _written(name, value)


def _written(name: str, value: Any) -> str:
    if name == "goal_accuracy" and not value:
        return "none"
    if name in SHARES:
        return f"{100 * float(value):g}"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def read_form(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form chooses: a field left empty leaves it to the environment. Raises AtlasError."""
    typed = {name: form.get(name, "").strip() for name in CHANGEABLE}
    return {name: _READ[name](text) for name, text in typed.items() if text}


def _strategy(typed: str) -> str:
    try:
        return check_name(typed)
    except ValueError as error:
        raise AtlasError(f"Strategy: {error}") from error


def _yes_or_no(typed: str) -> bool:
    if typed not in ("yes", "no"):
        raise AtlasError("Blind is yes or no.")
    return typed == "yes"


def _share(typed: str) -> float:
    try:
        found = float(typed.replace(",", "."))
    except ValueError:
        found = -1.0
    if not 0 <= found < 100:
        raise AtlasError(f"“{typed[:20]}” must be a number of percent, from 0 to less than 100.")
    return found / 100


_READ: Mapping[str, Any] = {
    "strategy": _strategy,
    "blind": _yes_or_no,
    "audit_share": _share,
    "goal_accuracy": _share,
}
