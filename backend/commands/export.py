"""The command `label-studio-atlas export`: a project's labels, and why each task was labelled."""

from __future__ import annotations

from pathlib import Path

import click

from backend import logs
from backend.commands.given import of_a_project, settings_with
from backend.commands.kept import check_kept
from backend.commands.out_file import check_out


@click.command()
@of_a_project
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write: .csv, or .json.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def export(project: int, out: Path, force: bool) -> None:
    """Write every label, and why its task was labelled: by what strategy, from which place of the queue.

    A row for each task that has a label: its text, the label its annotators agree on, and what was kept when
    the label came in. Label Studio's own Export has each annotator's annotations.
    """
    settings = settings_with()
    logs.configure(settings.log_level, "export")
    check_out(out, force, (".csv", ".json"))
    check_kept(settings, project)
    from backend.labelstudio.client import LabelStudioClient
    from backend.results.label_files import write_labels
    from backend.results.labels import collect_labels, in_words

    with LabelStudioClient.from_settings(settings) as client:
        labels = collect_labels(settings, client, project)
    write_labels(labels, out)
    click.echo(f"Wrote {in_words(labels)} to {out}.")
