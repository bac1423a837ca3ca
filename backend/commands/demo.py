"""The command `label-studio-atlas demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from backend.commands.given import check_names, settings_with


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Labelled texts, in any form that `simulate` takes.  [default: 800 headlines, some on disasters]",
)
@click.option("--text-field", help="Field, or column, of the text.  [default: text, or the only one]")
@click.option("--control", help="Control, or column, of the label.  [default: label, or the only one]")
@click.option(
    "--labels", type=click.IntRange(min=1), default=100, show_default=True, help="Annotations to give."
)
@click.option(
    "--annotators", type=click.IntRange(1, 20), default=2, show_default=True, help="Size of the team."
)
@click.option("--strategy", help="Query strategy.  [default: STRATEGY]")
@click.option(
    "--once", is_flag=True, help="Stop Label Studio and exit at the end instead of leaving it running."
)
@click.option(
    "--fresh", is_flag=True, help="Delete the last demo's Label Studio, labels and all, and start anew."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write rounds, served tasks and the curve's path here.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the held-out split.")
def demo(**options: Any) -> None:
    """Watch a real Label Studio queue re-order itself.

    Installs Label Studio into an environment of its own (once), starts it beside this backend, imports
    texts whose labels are known, and lets simulated annotators label what Label Studio serves them. What
    they and you label is kept: the next demo goes on with it, unless --fresh is given.
    """
    from backend.demo.data import read, split
    from backend.labelled.echo import what_was_read

    settings = settings_with(strategy=options["strategy"])
    check_names(settings)
    texts = read(options["data"], options.pop("text_field"), options.pop("control"))
    if file := options.pop("data"):
        click.echo("\n".join(what_was_read(file, texts)))
    data = split(texts, options.pop("seed"))

    from backend.demo.run import DemoOptions, run  # torch: after all that can be refused

    run(DemoOptions(**{**options, "strategy": settings.strategy}), data)
