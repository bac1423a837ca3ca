"""A file that a command is to write, checked before it does anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


def out_instead_of_a_table(command: Command) -> Command:
    """The options --out, for a .csv or .json, and --force."""
    file = click.Path(dir_okay=False, path_type=Path)
    out = click.option("--out", type=file, help="File to write instead of a table: .csv, or .json.")
    return out(click.option("--force", is_flag=True, help="Write over a file that is there.")(command))


def check_out(out: Path, force: bool, kinds: Sequence[str], option: str = "--out") -> None:
    """kinds: endings that its name may have. Raises UsageError, with what to do."""
    if out.suffix not in kinds:
        raise click.UsageError(f"{option} {out}: the name must end with {' or '.join(kinds)}")
    if not out.parent.is_dir():
        raise click.UsageError(f"{option} {out}: there is no folder {out.parent}")
    if out.exists() and not force:
        raise click.UsageError(f"{out} is there already: choose another name, or give --force")
