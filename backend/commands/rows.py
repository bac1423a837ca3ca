"""Rows that the command line shows below each other."""

from __future__ import annotations

from collections.abc import Sequence

from backend.printable import printable

WIDTH = 60
"""Characters of a cell that are shown."""


def as_table(cells: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, each cell on one line."""
    short = [[_short(each) for each in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    padded = [[each.ljust(width) for each, width in zip(row, widths, strict=True)] for row in short]
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _short(cell: str) -> str:
    text = " ".join(cell.split())
    return printable(text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…")
