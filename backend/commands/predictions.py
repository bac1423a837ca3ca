"""The command `label-studio-atlas predictions`: a project's labels and predictions, out of the loop."""

from __future__ import annotations

from pathlib import Path

import click

from backend import logs
from backend.commands.given import of_a_project, settings_with
from backend.commands.kept import check_kept
from backend.commands.out_file import check_out
from backend.settings import Settings

KINDS = (".csv", ".jsonl")


@click.command()
@of_a_project
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write: .csv, or .jsonl for JSON lines.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--import", "into", is_flag=True, help="Import them into Label Studio, beside the queue's.")
@click.option("--remove", is_flag=True, help="Remove from Label Studio what --import put there.")
@click.option("--at-once", is_flag=True, help="Remove in one call: quicker, but annotators may have to wait.")
@click.option("--version", help="A kept version (see `versions`).  [default: the published one]")
def predictions(
    project: int,
    out: Path | None,
    force: bool,
    into: bool,
    remove: bool,
    at_once: bool,
    version: str | None,
) -> None:
    """Write every task's label and the model's prediction to a file, or import the predictions.

    In the file: each task with its text, the label its annotators agree on, and the model's guess with how
    likely it is right. --import gives the tasks that wait for a label a prediction in Label Studio, under a
    version's name that begins with "all-of-": the queue does not follow it, and it stays until --remove.
    """
    if [out is not None, into, remove].count(True) != 1:
        raise click.UsageError("give one of --out FILE, --import and --remove")
    settings = settings_with()
    logs.configure(settings.log_level, "predictions")
    if remove:
        _remove(settings, project, at_once)
        return
    if out is not None:
        check_out(out, force, KINDS)
    check_kept(settings, project)
    from backend.labelstudio.client import LabelStudioClient
    from backend.results.collect import collect
    from backend.results.files import write
    from backend.results.imported import import_all

    with LabelStudioClient.from_settings(settings) as client:
        results = collect(settings, client, project, version)
        if out is not None:
            write(results, out)
            click.echo(f"Wrote {results.count} tasks with the predictions of {results.version} to {out}.")
        else:
            name, count = import_all(client, results)
            click.echo(f"Imported {count} predictions as {name}; the queue goes on with its own version.")


def _remove(settings: Settings, project: int, at_once: bool) -> None:
    from redis import Redis

    from backend.labelstudio.client import LabelStudioClient
    from backend.results.imported import remove_at_once, remove_in_pieces
    from backend.running.embedded_redis import with_running_redis

    with LabelStudioClient.from_settings(settings) as client:
        if at_once:
            count = remove_at_once(client, project)
        else:
            with Redis.from_url(with_running_redis(settings).redis_url) as redis:
                count = remove_in_pieces(
                    client, project, redis, lambda gone: click.echo(f"{gone} are gone ...", err=True)
                )
        click.echo(f"Removed {count} predictions." if count else "There was nothing to remove.")
