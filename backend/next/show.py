"""The chosen texts as a table for people, as CSV for spreadsheets, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from backend.labelled import PartlyLabelled
from backend.next.choose import LIKELIEST, Choice, Chosen
from backend.printable import printable
from backend.spreadsheet import write_rows

Writer = Callable[[PartlyLabelled, Chosen, IO[str]], None]
WHY = ("strategy", "place", "of", "round", "p_wrong", "doubt", "cluster", "chance")
"""What is told of a `Reason`: there is no version, and all are picked."""
SHOWN = 200
"""Characters of a text in the table."""


def _write_table(texts: PartlyLabelled, chosen: Chosen, file: IO[str]) -> None:
    table = Table(show_lines=False, pad_edge=False)
    if texts.are_numbered:
        table.add_column(texts.places, justify="right")
    table.add_column(texts.things.one, overflow="fold", ratio=1)
    is_said = any(each.probabilities or each.why.doubt is not None for each in chosen.choices)
    if is_said:
        table.add_column("the model says")
        table.add_column("P(wrong)", justify="right")
    table.add_column(f"cluster ({texts.things.many})", justify="right")
    for each in chosen.choices:
        said = [f"{printable(name[:30])} {share:.0%}" for name, share in each.probabilities.items()]
        wrong = "–" if each.why.p_wrong is None else f"{each.why.p_wrong:.0%}"
        cells = [] if not is_said else ["\n".join(said), wrong]
        named = [_shortened(str(value)) for value in _named(texts, each).values()]
        table.add_row(*named, *cells, f"{each.why.cluster} of {each.cluster_size:,}")
    Console(file=file).print(table, markup=False)


def _named(texts: PartlyLabelled, choice: Choice) -> dict[str, Any]:
    """What tells a choice from all others, by what that is called."""
    number = {texts.places: choice.place} if texts.are_numbered else {}
    return {**number, texts.things.one: choice.text}


def _why(choice: Choice) -> dict[str, Any]:
    return {name: getattr(choice.why, name) for name in WHY}


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return printable(line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…")


def _write_csv(texts: PartlyLabelled, chosen: Chosen, file: IO[str]) -> None:
    """With an empty column `label`: filled in, the file is one for --labels."""
    told = [name for i in range(1, LIKELIEST + 1) for name in (f"class_{i}", f"probability_{i}")]
    numbered = [texts.places] if texts.are_numbered else []
    rows: list[list[object]] = [
        [*numbered, texts.things.one, "label", *told, *(f"why_{name}" for name in WHY), "cluster_size"]
    ]
    for each in chosen.choices:
        likely = [cell for name, share in each.probabilities.items() for cell in (name, f"{share:.4f}")]
        likely += [""] * (len(told) - len(likely))
        reason = ["" if value is None else value for value in _why(each).values()]
        rows.append([*_named(texts, each).values(), "", *likely, *reason, each.cluster_size])
    write_rows(file, rows)


def _write_json(texts: PartlyLabelled, chosen: Chosen, file: IO[str]) -> None:
    items = [
        {
            **_named(texts, each),
            "probabilities": each.probabilities,
            "why": _why(each),
            "cluster_size": each.cluster_size,
        }
        for each in chosen.choices
    ]
    whole = {
        "strategy": chosen.strategy,
        "labelled": len(texts.labelled),
        "waiting": len(texts.waiting),
        "accuracy": chosen.accuracy,
        "notes": chosen.notes,
        "next": items,
    }
    file.write(json.dumps(whole, ensure_ascii=False, indent=2) + "\n")


WRITERS: dict[str, Writer] = {"table": _write_table, "csv": _write_csv, "json": _write_json}
"""By the name of the format."""
