"""The command `label-studio-atlas generation`: fetch a model that writes texts from a hub."""

from __future__ import annotations

import time

import click

from backend.errors import AtlasError, GenerationError

TRIED = (
    "The town was flooded after the storm. Many people had to leave their homes, and the bridge is closed.",
    "Our team won the final match by two goals. The second half was played in heavy rain.",
)


@click.group()
def generation() -> None:
    """Models that write texts on this machine: GENERATION_MODEL names them."""


@generation.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Fetch a sequence-to-sequence model from a hub, for GENERATION_MODEL to name it: `generation fetch
    google/flan-t5-small`.

    NAME may end with @REVISION, a commit, tag or branch. Fetched are safetensors and what describes the
    model, each file checked; no code. They are kept where the hub's own tools look (HF_HOME), which every
    machine needs that works. HF_ENDPOINT names another hub, HF_TOKEN lets into models that are not public.
    """
    from backend.encoders.hub import HubName
    from backend.hub import fetch as fetched

    try:
        known = HubName.parse(name)
    except ValueError as error:
        raise AtlasError(str(error)) from error
    folder = fetched(known, lambda line: click.echo(f"  {line}"))
    click.echo(f"Fetched, commit {folder.name}: {folder}")
    _try(f"{known.name}@{folder.name}")


def _try(name: str) -> None:
    from backend.generation.own import own_model
    from backend.generation.seq2seq import loaded

    found = own_model(name)
    try:
        model = loaded(found.folder, "cpu")
    except GenerationError as error:
        raise AtlasError(f"{error}. {error.remedy}") from error
    began = time.process_time()
    written = model.write(TRIED, 60.0)
    spent = (time.process_time() - began) / len(TRIED)
    for text, each in zip(TRIED, written, strict=True):
        click.echo(f"  {text}\n    -> {'(not within a minute)' if each is None else each.text}")
    click.echo(f"It takes {spent:.2g} s of processor time for a short text.")
    click.echo(f"Use it:    GENERATION_MODEL={name} label-studio-atlas up")
