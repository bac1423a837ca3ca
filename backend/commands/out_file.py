"""A file that a command is to write, checked before it does anything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click


def check_out(out: Path, force: bool, kinds: Sequence[str], option: str = "--out") -> None:
    """kinds: endings that its name may have. Raises UsageError, with what to do."""
    if out.suffix not in kinds:
        raise click.UsageError(f"{option} {out}: the name must end with {' or '.join(kinds)}")
    if not out.parent.is_dir():
        raise click.UsageError(f"{option} {out}: there is no folder {out.parent}")
    if out.exists() and not force:
        raise click.UsageError(f"{out} is there already: choose another name, or give --force")
