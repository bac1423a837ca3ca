"""The command `label-studio-atlas encoder`: fetch a model from a hub."""

from __future__ import annotations

import time

import click

from backend.errors import AtlasError

SENTENCES = ("The town was flooded after the storm.", "Our team won the final match by two goals.") * 16


@click.group()
def encoder() -> None:
    """Encoders that are not of this package: ENCODER names them."""


@encoder.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Fetch a model from a hub, for ENCODER to name it: `encoder fetch intfloat/multilingual-e5-small`.

    NAME may end with @REVISION, a commit, tag or branch. Fetched are safetensors and what describes the
    model, each file checked; no code. They are kept where the hub's own tools look (HF_HOME), which every
    machine needs that serves or works. HF_ENDPOINT names another hub, HF_TOKEN lets into models that are not
    public.
    """
    from backend.encoders.hub import Hub, HubName
    from backend.hub import fetch as fetched

    try:
        known = HubName.parse(name)
        folder = fetched(known, lambda line: click.echo(f"  {line}"))
        click.echo(f"Fetched, commit {folder.name}: {folder}")
        read = Hub(f"{known.name}@{folder.name}").fit([""])
        read.encode(SENTENCES[:2])
        began = time.process_time()
        read.encode(SENTENCES)
    except ValueError as error:
        raise AtlasError(str(error)) from error
    spent = (time.process_time() - began) / len(SENTENCES) * 1000
    click.echo(f"It gives {read.dims} numbers, in {spent:.1f} ms of processor time for a sentence.")
    click.echo(f"Use it:    ENCODER={known.name}@{folder.name}+lsa label-studio-atlas up")
