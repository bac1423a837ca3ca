"""The command `label-studio-atlas demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from backend.commands.given import check_names, settings_with
from backend.errors import AtlasError
from backend.labelled import LabelledTexts
from backend.settings import Settings

PARTS = ("spans", "boxes", "masks")
KINDS = ("texts", "images", *PARTS)


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    help="Labelled texts or images, in any form that `simulate` takes.  [default: 800 headlines, some on "
    "disasters]",
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="texts",
    show_default=True,
    help="What to label, of data made here: texts or images (tiles, some cracked) by their class, names in "
    "sentences (spans), shapes in scenes (boxes, masks).",
)
@click.option("--images", is_flag=True, help="The same as --kind images.")
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
    texts, or images, whose labels are known, and lets simulated annotators label what Label Studio serves
    them. What they and you label is kept: the next demo goes on with it, unless --fresh is given.
    """
    from backend.demo.data import marked, read, split
    from backend.demo.drawn import drawn_tiles
    from backend.labelled.echo import what_was_read

    settings = settings_with(strategy=options["strategy"])
    check_names(settings)
    kind = "images" if options.pop("images") else options.pop("kind")
    options.pop("kind", None)
    if kind != "texts" and options["data"] is not None:
        raise click.UsageError(f"--kind {kind} has data of its own: leave --data out")
    file, reading = options.pop("data"), (options.pop("text_field"), options.pop("control"))
    seed = options.pop("seed")
    if kind in PARTS:
        data = marked(kind, settings.cache_dir)
    else:
        texts = read(drawn_tiles(settings.cache_dir) if kind == "images" else file, *reading)
        _check_encoder(settings, texts)
        if file is not None:
            click.echo("\n".join(what_was_read(file, texts)))
        data = split(texts, seed)

    from backend.demo.run import DemoOptions, run  # torch: after all that can be refused

    run(DemoOptions(**{**options, "strategy": settings.strategy}), data)


def _check_encoder(settings: Settings, texts: LabelledTexts) -> None:
    """Before minutes are spent. Raises AtlasError."""
    name = texts.things.setting
    try:
        texts.things.check(getattr(settings, name))
    except ValueError as error:
        raise AtlasError(f"{name.upper()}: {error}") from error
