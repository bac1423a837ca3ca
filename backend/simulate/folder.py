"""The folder the results go to: claimed before the work, filled at its end, all at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from backend.errors import AtlasError

MADE_BY = "label-studio-atlas simulate"
"""How summary.json tells its folder from any other."""
UNFINISHED = ".unfinished-"
"""How the names of folders that are worked in begin; one stays behind only after a kill -9."""


@contextmanager
def staging(out: Path, file: Path, force: bool) -> Iterator[Path]:
    """A folder inside `out` to work in, which is gone afterwards, as is `out` if nothing came into it.

    file: what is simulated. Raises AtlasError when `out` holds anything but results
    of a simulation of that file and `force` is not given, or cannot be written.
    """
    try:
        existed = out.exists()
        if existed and not force and _holds_anything(out):
            _check_overwriting(out, file)
        out.mkdir(parents=True, exist_ok=True)
        work = TemporaryDirectory(prefix=UNFINISHED, dir=out)
    except OSError as error:
        raise AtlasError(f"results cannot be written to {out}: {error.strerror}") from error
    try:
        with work as folder:
            yield Path(folder)
    finally:
        if not existed:
            with suppress(OSError):  # there are results in it
                out.rmdir()


def publish(folder: Path, names: list[str], out: Path) -> None:
    """Move finished files into `out`, over those of an earlier simulation."""
    for name in names:
        os.replace(folder / name, out / name)


def _holds_anything(out: Path) -> bool:
    return any(not path.name.startswith(UNFINISHED) for path in out.iterdir())


def _check_overwriting(out: Path, file: Path) -> None:
    simulated = _simulated_file(out)
    if simulated is None:
        raise AtlasError(f"{out} is not empty and no simulation's: choose another --out, or give --force")
    if simulated not in (str(file.resolve()), file.name):
        raise AtlasError(
            f"{out} holds the simulation of {simulated}: choose another --out, "
            "or give --force to write over it"
        )


def _simulated_file(out: Path) -> str | None:
    """Where the file lay whose simulation `out` holds, by releases before its name alone; None where it holds
    none."""
    try:
        summary = json.loads((out / "summary.json").read_text("utf-8"))
        data = summary["data"]
        return str(data.get("path") or data["file"]) if summary["made_by"] == MADE_BY else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
