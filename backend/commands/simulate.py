"""The command `label-studio-atlas simulate`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from backend.commands.given import SEEDS, settings_with


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--strategies", help="Query strategies, separated by commas.  [default: random,margin,auto]")
@click.option("--seeds", type=SEEDS, default=3, show_default=True, help="How many seeds.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    help="For labelling offline: so many labels before the model learns anew. Large batches want adaptive "
    "strategies: auto, atlas, adaptive_representative, badge, coreset.  [default: as the backend labels, "
    "RETRAIN_EVERY, 5 to 50]",
)
@click.option(
    "--start",
    type=click.IntRange(min=1),
    help="Random labels first.  [default: 20 with --batch, else each strategy's own first order]",
)
@click.option(
    "--budget", type=click.IntRange(min=2), default=300, show_default=True, help="Labels in all, at most."
)
@click.option(
    "--encoder",
    help="Encoder. Several, separated by commas, are compared: the first stays unless another is better.  "
    "[default: ENCODER, or IMAGE_ENCODER]",
)
@click.option(
    "--held-out",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of each class to measure on, up to 2000 in all.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, help="The first of the seeds."
)
@click.option("--processes", type=click.IntRange(min=1), help="Processes side by side.  [default: cores]")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the results.  [default: simulation-NAME]",
)
@click.option(
    "--force",
    is_flag=True,
    help="Write into a folder that holds other things, or over another file's simulation.",
)
@click.option("--text-field", help="Field, or column, of the text.  [default: text, or the only one]")
@click.option("--control", help="Control, or column, of the label.  [default: label, or the only one]")
@click.option(
    "--image-folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to look, too, for images that FILE names.",
)
def simulate(strategies: str | None, seeds: int, seed: int, encoder: str | None, **options: Any) -> None:
    """See offline which query strategy pays on your own labelled data.

    FILE has a text and a label in each row: CSV with the columns text,label (or as --text-field and
    --control say), JSON lines, or what Label Studio exports as JSON, JSON-MIN or CSV; either also as .gz.
    Or it is a folder of images with a folder per class in it: cat/1.jpg, dog/2.jpg.
    An export whose tasks are images will do where the files are here, too: beside it, or in --image-folder.
    Or it holds texts with spans: CoNLL (.conll, .bio, .iob), JSON lines with tokens and tags or with text and
    spans, an export of a project with <Labels>. Or images with boxes or areas: COCO's JSON (boxes), an export
    of a project with <RectangleLabels>, <BrushLabels>, <BitmaskLabels> or <PolygonLabels>, a folder with
    classes.txt and a mask of their numbers, 1.png, beside each 1.jpg; the images are looked for as above. Of
    parts cost is counted in words read, boxes or areas drawn, too.
    Labelling is replayed for each strategy and seed as it goes live: the first of the queue are labelled,
    the model learns anew, and so on. A report, the curves and a summary are written.
    Exit code 1 when a strategy failed and had to be left out.
    """
    from backend.simulate.plan import Plan, parse_strategies
    from backend.simulate.run import SimulateOptions, simulate_file

    try:
        names = parse_strategies(strategies)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--strategies") from error
    plan_options = {name: options.pop(name) for name in ("budget", "held_out")} | _protocol(options)
    plan = Plan(strategies=names, seeds=tuple(range(seed, seed + seeds)), **plan_options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing half-written is left
    if simulate_file(SimulateOptions(**options), plan, encoder):
        raise SystemExit(1)


def _protocol(options: dict[str, Any]) -> dict[str, Any]:
    """The plan's batch and start, taken out of the options, and whether both are the backend's own."""
    batch, start = options.pop("batch"), options.pop("start")
    own = min(max(settings_with().retrain_every, 5), 50)
    if batch is None and start is None:
        return {"batch": own, "start": own, "live": True}
    return {"batch": batch or own, "start": start or 20}
