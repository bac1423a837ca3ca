"""The command `label-studio-atlas versions`: list, pin, unpin, roll back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from backend import logs
from backend.commands.kept import check_kept
from backend.errors import AtlasError
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.labelstudio.client import LabelStudioClient

COLUMNS = ("version", "created", "trained_on", "accuracy", "macro_f1", "strategy", "state")


@click.group(invoke_without_command=True)
@click.option("--project", type=int, required=True, help="Id of the Label Studio project.")
@click.option("--json", "as_json", is_flag=True, help="Print all that is known, as JSON.")
@click.pass_context
def versions(context: click.Context, project: int, as_json: bool) -> None:
    """List a project's model versions, or pin one (`versions --project 3 pin atlas-000007`).

    Needs the DATA_DIR (and MODEL_STORE) of the running backend.
    """
    settings = Settings()
    context.obj = (settings, project)
    logs.configure(settings.log_level, "versions")
    check_kept(settings, project)
    if context.invoked_subcommand is None:
        rows = _rows(settings, project)
        if not rows:
            raise AtlasError(
                f"no version is kept of project {project} in {settings.model_store or settings.data_dir}: "
                "its first one is made by the first retrain"
            )
        click.echo(json.dumps(rows, indent=2) if as_json else _table(rows))


@versions.command()
@click.argument("version", required=False)
@click.pass_obj
def pin(chosen: tuple[Settings, int], version: str | None) -> None:
    """Publish VERSION (the present one when not given) and stay with it; retrains only add versions."""
    from backend.jobs import pinning

    name = pinning.pin(chosen[0], _client(chosen[0]), chosen[1], version)
    click.echo(f"Project {chosen[1]} stays with {name} until it is unpinned.")


@versions.command()
@click.argument("version", required=False)
@click.pass_obj
def rollback(chosen: tuple[Settings, int], version: str | None) -> None:
    """Pin VERSION, or the one before the published one when not given."""
    from backend.jobs import pinning

    client = _client(chosen[0])
    if version is None:
        name = pinning.roll_back(chosen[0], client, chosen[1])
    else:
        name = pinning.pin(chosen[0], client, chosen[1], version)
    click.echo(f"Project {chosen[1]} is back at {name} and stays there until it is unpinned.")


@versions.command()
@click.pass_obj
def unpin(chosen: tuple[Settings, int]) -> None:
    """Publish the newest version, and each retrain's from now on."""
    from backend.jobs import pinning

    name = pinning.unpin(chosen[0], _client(chosen[0]), chosen[1])
    click.echo(f"Project {chosen[1]} works with {name}, and with each newer version.")


def _client(settings: Settings) -> LabelStudioClient:
    from backend.labelstudio.client import LabelStudioClient

    return LabelStudioClient.from_settings(settings)


def _rows(settings: Settings, project: int) -> list[dict[str, Any]]:
    """Oldest first."""
    from backend.store.locations import version_store

    store = version_store(settings, project)
    published, state = store.published(), "pinned" if store.pinned() else "published"
    return [
        {"version": name, "state": state if name == published else "", **store.stats(name)}
        for name in store.names()
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [COLUMNS, *(tuple(str(row.get(column, "")) for column in COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    return "\n".join("  ".join(row).rstrip() for row in padded)
