"""The command `label-studio-atlas suspects`: labels that are worth a second look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend import logs
from backend.commands.given import of_a_project, settings_with
from backend.commands.kept import check_kept
from backend.commands.out_file import check_out, out_instead_of_a_table
from backend.commands.rows import as_table

if TYPE_CHECKING:
    from backend.results.suspects import Suspects


@click.command()
@of_a_project
@click.option("-n", "most", type=click.IntRange(1), default=20, show_default=True, help="Labels to list.")
@out_instead_of_a_table
def suspects(project: int, most: int, out: Path | None, force: bool) -> None:
    """List the labels that are most likely wrong, with what the model would say instead.

    Each label is judged by models that were trained without it. The list is a reason to look, not a verdict:
    a hard text and a wrong label look alike, and models that contradict too many labels are too poor to say,
    which is told first. Nothing is changed in Label Studio. Needs the DATA_DIR (and MODEL_STORE) of the
    running backend.
    """
    settings = settings_with()
    logs.configure(settings.log_level, "suspects")
    if out is not None:
        check_out(out, force, (".csv", ".json"))
    check_kept(settings, project)
    from backend.labelstudio.client import LabelStudioClient
    from backend.results.suspects import find_suspects, write_suspects
    from backend.results.too_poor import is_too_poor, told_of

    with LabelStudioClient.from_settings(settings) as client:
        found = find_suspects(settings, client, project, most)
    judgement = (found.judged, found.contradicted, found.by_lot)
    said = told_of(*judgement)
    if is_poor := is_too_poor(*judgement):
        click.echo(said)
    if out is None:
        click.echo(_table(found))
    else:
        write_suspects(found, out)
        click.echo(f"Wrote {len(found.rows)} of {found.judged} labels to {out}.")
    if not is_poor:
        click.echo(said)


def _table(found: Suspects) -> str:
    cells = [("task", "label", "likely", "instead", "likely", "text")]
    for row in found.rows:
        label, instead = ", ".join(row.label) or "none", ", ".join(row.instead) or "none"
        cells.append((str(row.task), label, f"{row.p_label:.2f}", instead, f"{row.p_instead:.2f}", row.text))
    return as_table(cells)
