"""The command `label-studio-atlas encoder`: fetch a model from a hub."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from backend.errors import AtlasError

SENTENCES = ("The town was flooded after the storm.", "Our team won the final match by two goals.") * 16
SIDE = 256
"""Pixels of the images that a model of images is tried on."""


@click.group()
def encoder() -> None:
    """Encoders that are not of this package: ENCODER and IMAGE_ENCODER name them."""


@encoder.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Fetch a model from a hub, for ENCODER or IMAGE_ENCODER to name it: `encoder fetch
    intfloat/multilingual-e5-small`, `encoder fetch facebook/dinov2-small`.

    NAME may end with @REVISION, a commit, tag or branch. Fetched are safetensors and what describes the
    model, each file checked; no code. They are kept where the hub's own tools look (HF_HOME), which every
    machine needs that serves or works. HF_ENDPOINT names another hub, HF_TOKEN lets into models that are not
    public.
    """
    from backend.encoders.hub import HubName
    from backend.encoders.image_folder import is_of_images
    from backend.hub import fetch as fetched

    try:
        known = HubName.parse(name)
        folder = fetched(known, lambda line: click.echo(f"  {line}"))
        click.echo(f"Fetched, commit {folder.name}: {folder}")
        pinned = f"{known.name}@{folder.name}"
        (_try_on_images if is_of_images(folder) else _try_on_texts)(pinned)
    except ValueError as error:
        raise AtlasError(str(error)) from error


def _try_on_texts(name: str) -> None:
    from backend.encoders.hub import Hub

    read = Hub(name).fit([""])
    spent = _milliseconds(read.encode, SENTENCES)
    click.echo(f"It gives {read.dims} numbers, in {spent:.1f} ms of processor time for a sentence.")
    click.echo(f"Use it:    ENCODER={name}+lsa label-studio-atlas up")


def _try_on_images(name: str) -> None:
    import numpy as np

    from backend.encoders.images import find_image_encoder

    read = find_image_encoder(name)
    drawn = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)
    spent = _milliseconds(read.encode, list(drawn))
    click.echo(f"It gives {read.dims} numbers, in {spent:.1f} ms of processor time for an image.")
    click.echo(f"Use it:    IMAGE_ENCODER={name} label-studio-atlas up")


def _milliseconds(encode: Callable[[Any], Any], items: Any) -> float:
    """Processor time of one, once everything is loaded."""
    encode(items[:2])
    began = time.process_time()
    encode(items)
    return (time.process_time() - began) / len(items) * 1000
