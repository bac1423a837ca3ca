"""The command `label-studio-atlas versions`: list, pin, unpin, roll back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend import logs
from backend.commands.given import of_a_project
from backend.commands.kept import check_kept
from backend.commands.out_file import check_out
from backend.errors import AtlasError
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.labelstudio.client import LabelStudioClient

COLUMNS = (
    *("version", "created", "trained_on", "estimate", "accuracy", "macro_f1", "measured"),
    *("strategy", "state"),
)
OF_THE_WHOLE, OF_PARTS = ("accuracy", "macro_f1"), ("measured",)
"""Columns that are left out of a table where no row has anything in them."""
OUT_OF_FOLD = (
    "accuracy, macro_f1: out of fold, on the labelled tasks. The strategy chose those, mostly hard ones, so "
    "neither says how right the model is on what waits."
)
AUDITED = "estimate: {} on what waits, with its 90 % interval, from {} labels of tasks drawn at random."
IN_PART = "agreement: of the answer for a task with its annotators', from 0 to 1, on average."
TOO_FEW = "No estimate yet: {} labels are of tasks drawn at random, {} are needed."
EXPECTED = "With {} labels: accuracy {value:.0%} to expect, with 80 % between {low:.0%} and {high:.0%}."
NO_BASE = "An estimate of what waits has no honest base: AUDIT_SHARE is 0, so no task is drawn at random."
SHOWN = 20
"""Retrains of the table, unless all are asked for."""


@click.group(invoke_without_command=True)
@of_a_project
@click.option("--json", "as_json", is_flag=True, help="Print all that is known, as JSON.")
@click.option("--all", "every", is_flag=True, help=f"Show all retrains, not the last {SHOWN}.")
@click.option(
    "--csv",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a row for each retrain to this file.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.pass_context
def versions(
    context: click.Context, project: int, as_json: bool, every: bool, out: Path | None, force: bool
) -> None:
    """List a project's retrains, or pin a version (`versions --project 3 pin atlas-000007`).

    The record of a retrain stays for as long as the project; a version whose state is empty is no longer
    kept, and cannot be pinned. Needs the DATA_DIR (and MODEL_STORE) of the running backend.
    """
    settings = Settings()
    context.obj = (settings, project)
    logs.configure(settings.log_level, "versions")
    if context.invoked_subcommand is None:
        check_kept(settings, project)
        if out is not None:
            check_out(out, force, (".csv",), option="--csv")
        rows = _rows(settings, project)
        if not rows:
            raise AtlasError(
                f"no version is kept of project {project} in {settings.model_store or settings.data_dir}: "
                "its first one is made by the first retrain"
            )
        if out is not None:
            _write(rows, out)
            click.echo(f"Wrote {len(rows)} retrains to {out}.")
        elif as_json:
            click.echo(json.dumps(rows, indent=2))
        else:
            shown = rows if every else rows[-SHOWN:]
            click.echo(_table(shown))
            for line in _explained(rows[-1]):
                click.echo(line)
            if len(shown) < len(rows):
                click.echo(f"{len(rows) - len(shown)} earlier retrains: --all shows them, --csv writes them.")


@versions.command()
@click.argument("version", required=False)
@click.pass_obj
def pin(chosen: tuple[Settings, int], version: str | None) -> None:
    """Publish VERSION (the present one when not given) and stay with it; retrains only add versions."""
    with _acting(*chosen) as (settings, client):
        from backend.jobs import pinning

        name = pinning.pin(settings, client, chosen[1], version)
    click.echo(f"Project {chosen[1]} stays with {name} until it is unpinned.")


@versions.command()
@click.argument("version", required=False)
@click.pass_obj
def rollback(chosen: tuple[Settings, int], version: str | None) -> None:
    """Pin VERSION, or the one before the published one when not given."""
    with _acting(*chosen) as (settings, client):
        from backend.jobs import pinning

        if version is None:
            name = pinning.roll_back(settings, client, chosen[1])
        else:
            name = pinning.pin(settings, client, chosen[1], version)
    click.echo(f"Project {chosen[1]} is back at {name} and stays there until it is unpinned.")


@versions.command()
@click.pass_obj
def unpin(chosen: tuple[Settings, int]) -> None:
    """Publish the newest version, and each retrain's from now on."""
    with _acting(*chosen) as (settings, client):
        from backend.jobs import pinning

        name = pinning.unpin(settings, client, chosen[1])
    click.echo(f"Project {chosen[1]} works with {name}, and with each newer version.")


@contextmanager
def _acting(settings: Settings, project: int) -> Iterator[tuple[Settings, LabelStudioClient]]:
    """With the Redis of a running `up`. Raises AtlasError where nothing is kept of the project."""
    check_kept(settings, project)
    from backend.labelstudio.client import LabelStudioClient
    from backend.running.embedded_redis import with_running_redis

    with LabelStudioClient.from_settings(settings) as client:
        yield with_running_redis(settings), client


def _rows(settings: Settings, project: int) -> list[dict[str, Any]]:
    """Oldest first: all retrains there is a record of."""
    from backend.store.history import History, retrains
    from backend.store.locations import project_files, version_store

    store = version_store(settings, project)
    entries = retrains(History(project_files(settings, project)), store)
    published = store.published()
    state = dict.fromkeys(store.names(), "kept")
    if published is not None:
        state[published] = "pinned" if store.pinned() else "published"
    return [
        {"version": entry["version"], "state": state.get(entry["version"], ""), **entry} for entry in entries
    ]


def _write(rows: list[dict[str, Any]], out: Path) -> None:
    from backend.results.files import replace
    from backend.spreadsheet import write_rows

    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells: list[list[Any]] = [columns, *([row.get(name) for name in columns] for row in rows)]
    replace(out, lambda file: write_rows(file, cells))


def _table(rows: list[dict[str, Any]]) -> str:
    from backend.jobs.summary import estimate_in_words, measured_in_words

    told = [
        {**row, "measured": measured_in_words(row), "estimate": estimate_in_words(row) or ""} for row in rows
    ]
    parts = any(row["measured"] for row in told)
    left_out = set(OF_THE_WHOLE if parts and not any("accuracy" in row for row in rows) else ())
    left_out |= set() if any(row["estimate"] for row in told) else {"estimate"}
    columns = [each for each in COLUMNS if each not in left_out | set(() if parts else OF_PARTS)]
    cells: list[list[Any]] = [columns, *([str(row.get(column, "")) for column in columns] for row in told)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _explained(newest: dict[str, Any]) -> list[str]:
    """What the numbers of the newest retrain are worth."""
    from backend.jobs.summary import FEWEST_AUDITS, estimated_of, ranked_in_words

    ranked = [f"{newest['version']}: {ranked_in_words(newest)}."] if "ranked_on" in newest else []
    estimate = newest.get("estimate")
    if not isinstance(estimate, dict):
        return ranked
    audited, (name, found) = estimate.get("audited", 0), estimated_of(newest)
    if found is not None:
        said = AUDITED.format(name, audited)
    else:
        said = TOO_FEW.format(audited, FEWEST_AUDITS) if estimate.get("share") else NO_BASE
    forecast = newest.get("forecast") or {}
    expected = [EXPECTED.format(labels, **each) for labels, each in (forecast.get("at") or {}).items()]
    advice = [f"Advice: {forecast['advice']}."] if forecast.get("advice") else []
    meant = [IN_PART] if name == "agreement" else []
    return [*ranked, said, *meant, *([OUT_OF_FOLD] if "accuracy" in newest else []), *expected, *advice]
