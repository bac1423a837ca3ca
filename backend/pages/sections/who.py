"""Who: labels per annotator and day, how far they agree, and the tasks on which they do not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from backend.pages.curves import bars
from backend.pages.item import pictures_of
from backend.pages.section import ProjectPage, Section

DAYS = 14
"""The last ones that anybody labelled on."""
SHOWN = 12
SHOWN_DISPUTED = 20
ENOUGH_SHARED, CLEARLY = 5, 0.1
"""Shared answers, and how much more disagreement than the others have among themselves, from which somebody
stands out."""


def context(page: ProjectPage) -> Mapping[str, Any]:
    study = page.study
    people = study.get("people", {})
    annotators = people.get("annotators", [])
    days = _days(annotators)
    disputed = people.get("disputed", [])[:SHOWN_DISPUTED]
    pictures = pictures_of(page, [each["task"] for each in disputed])
    return {
        "study": study,
        "days": days,
        "annotators": sorted((_annotator(page, each, days) for each in annotators), key=_turn),
        "pairs": [
            {**pair, "one": page.named(pair["one"]), "other": page.named(pair["other"])}
            for pair in people.get("pairs", [])[:SHOWN]
        ],
        "several": people.get("several", 0),
        "disputed": [{**_disputed(page, each), "picture": pictures.get(each["task"])} for each in disputed],
        "disputed_in_all": len(people.get("disputed", [])),
        "apart": _apart(page, annotators, people.get("pairs", [])),
    }


def _days(annotators: list[dict[str, Any]]) -> list[str]:
    """The last DAYS up to the last one with a label."""
    last = max((day for each in annotators for day in each["days"] if day), default=None)
    if last is None:
        return []
    end = date.fromisoformat(last)
    return [(end - timedelta(days=back)).isoformat() for back in reversed(range(DAYS))]


def _annotator(page: ProjectPage, told: dict[str, Any], days: list[str]) -> dict[str, Any]:
    counts = [(day, told["days"].get(day, 0)) for day in days]
    name = page.named(told["who"])
    lately = sum(count for _, count in counts)
    said = f"{name}: {lately} tasks in the {len(days)} days up to {days[-1]}" if days else name
    return {**told, "name": name, "bars": bars(counts, said=said)}


def _turn(told: Mapping[str, Any]) -> tuple[float, int, str]:
    """Who agrees least first, whom nobody can be compared with last; of these who labelled most first."""
    agreement = 2.0 if told["agreement"] is None else told["agreement"]
    return agreement, -told["tasks"], told["name"]


def _disputed(page: ProjectPage, told: dict[str, Any]) -> dict[str, Any]:
    votes = [{**vote, "who": page.named(vote["who"])} for vote in told["votes"]]
    return {**told, "votes": votes, "address": page.task_address(told["task"])}


def _apart(
    page: ProjectPage, annotators: list[dict[str, Any]], pairs: list[dict[str, Any]]
) -> Mapping[str, Any] | None:
    """Who disagrees most with the others; None where no two labelled the same task.

    `name`; `disagreement`, a share of the `shared` answers that somebody else gave, too; `rest`, how far the
    others disagree with each other, None where they share no task; `is_clear`: that is clearly less; of two
    people nobody can tell which: then `other` is the second one's name.
    """
    known = sorted((each["agreement"], -each["shared"], each["who"]) for each in annotators if each["shared"])
    if not known:
        return None
    (agreement, shared, who), (_, _, other) = known[0], known[1]
    rest = _disagreement([pair for pair in pairs if who not in (pair["one"], pair["other"])])
    is_clear = -shared >= ENOUGH_SHARED and rest is not None and 1 - agreement - rest >= CLEARLY
    return {
        "name": page.named(who),
        "disagreement": 1 - agreement,
        "shared": -shared,
        "rest": rest,
        "is_clear": is_clear,
        "other": page.named(other) if len(known) == 2 else None,
    }


def _disagreement(pairs: list[dict[str, Any]]) -> float | None:
    """Of pairs of people, over all answers that they share; None where they share none."""
    shared = sum(pair["shared"] for pair in pairs)
    return sum((1 - pair["agreement"]) * pair["shared"] for pair in pairs) / shared if shared else None


WHO = Section("who", "Who", context)
