"""The command `label-studio-atlas next`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from backend.commands.given import check_strategy, settings_with

FILE = click.Path(exists=True, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(name="next")
@click.argument("file", type=FILE)
@click.option(
    "-n", "--count", type=click.IntRange(min=1), default=10, show_default=True, help="How many to choose."
)
@click.option(
    "--labels",
    type=FILE,
    multiple=True,
    help="Another file, or folder, with labelled ones to learn from; may be repeated.",
)
@click.option(
    "--unlabelled",
    type=FOLDER,
    multiple=True,
    help="Another folder, of images to choose from, at whatever depth; may be repeated.",
)
@click.option("--image-folder", type=FOLDER, help="Where to look, too, for images that FILE names.")
@click.option("--strategy", help="Query strategy, see docs/strategies.md.  [default: STRATEGY]")
@click.option("--encoder", help="Encoder.  [default: ENCODER, or IMAGE_ENCODER]")
@click.option(
    "--format",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="What to print.",
)
@click.option("--text-field", help="Field, or column, of the text.  [default: text, or the only one]")
@click.option("--control", help="Control, or column, of the label.  [default: label]")
@click.option("--seed", type=int, help="Seed of everything random.  [default: SEED]")
def next_(strategy: str | None, seed: int | None, **options: Any) -> None:
    """Say which texts, or images, to label next, and why, without Label Studio.

    FILE has a text in each row and, where it is known, its label: the rows without one are those to choose
    from. Any form that `simulate` reads will do: CSV with the columns text,label, JSON lines, or what
    Label Studio exports. Labels may also be in another file, --labels.

    Or FILE is a folder of images: those in its folders are labelled, by the folder's name, as in cat/1.jpg;
    those in the folder itself are to choose from. To label one, move it into a folder.

    Or FILE has texts with spans, or images with boxes or areas, in a form that `simulate` reads: those in
    which nothing is marked yet are to choose from, such as rows without spans, or images without a mask.

    \b
    label-studio-atlas next mine.csv -n 20
    label-studio-atlas next pool.csv --labels done.csv --strategy atlas --format csv > batch.csv
    label-studio-atlas next photos/ -n 20
    label-studio-atlas next labelled/ --unlabelled photos/ -n 20

    The list goes to the standard output, all else to the standard error. With --format csv it has an empty
    column for the labels: fill it in, and give the file as --labels the next time. While there are labels
    of fewer than two classes those are chosen that are typical and unlike each other.
    """
    from backend.next.run import NextOptions, run

    settings = settings_with(strategy=strategy, seed=seed)
    check_strategy(settings)
    run(NextOptions(**options), settings)
