"""The command `label-studio-atlas second-opinions`: labelled tasks that are worth one more annotator."""

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
    from backend.results.second_opinions import SecondOpinions


@click.command("second-opinions")
@of_a_project
@click.option("-n", "most", type=click.IntRange(1), default=20, show_default=True, help="Tasks to list.")
@out_instead_of_a_table
@click.option("--ask", is_flag=True, help="Open the listed tasks for one more annotator each.")
def second_opinions(project: int, most: int, out: Path | None, force: bool, ask: bool) -> None:
    """List the labelled tasks that another annotator would settle most.

    Those on which annotators disagree, or say what a model that was trained without the task holds for
    unlikely; how often each annotator is right counts. With --ask Label Studio serves them to somebody else
    next, before any new task; it sets each one's overlap to one more than it has annotations, and the project
    to serve such tasks first, until `disconnect` takes both back. Needs the DATA_DIR (and MODEL_STORE) of the
    running backend.
    """
    settings = settings_with()
    logs.configure(settings.log_level, "second-opinions")
    if out is not None:
        check_out(out, force, (".csv", ".json"))
    check_kept(settings, project)
    from backend.labelstudio.client import LabelStudioClient
    from backend.results.asking_again import ask_again
    from backend.results.second_opinions import find_second_opinions, write_second_opinions

    with LabelStudioClient.from_settings(settings) as client:
        found = find_second_opinions(settings, client, project, most)
        if out is None:
            click.echo(_table(found))
        else:
            write_second_opinions(found, out)
            click.echo(f"Wrote {len(found.rows)} of {found.judged} labelled tasks to {out}.")
        if found.above is not None:
            click.echo(
                f"Of {found.judged} labelled tasks {found.above} are worth another vote more than the middle "
                "one of those without a label."
            )
        if ask:
            opened = ask_again(settings, client, project, [row.task for row in found.rows])
            click.echo(f"{len(opened)} of them wait for one more annotator now, before any new task.")


def _table(found: SecondOpinions) -> str:
    cells = [("task", "votes", "likeliest", "likely", "worth", "text")]
    for row in found.rows:
        votes = " | ".join(", ".join(vote) or "none" for vote in row.votes)
        likeliest = ", ".join(row.likeliest) or "none"
        cells.append(
            (str(row.task), votes, likeliest, f"{row.p_likeliest:.2f}", f"{row.worth:.3f}", row.text)
        )
    return as_table(cells)
