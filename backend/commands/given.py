"""What the commands are given: options and the environment, checked before anything heavy is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import click

from backend.names import is_known_encoder, is_known_strategy
from backend.settings import Settings

PROJECT = click.IntRange(1, 2**31 - 1)
"""The numbers that Label Studio's database gives to projects."""
of_a_project = click.option(
    "--project", type=PROJECT, required=True, help="Number of the project, as in its page's address."
)
SEEDS = click.IntRange(1, 1_000)
"""Each is a replay of minutes."""


def settings_with(**options: Any) -> Settings:
    """The settings; options that were given win over the environment."""
    return Settings(**{name: value for name, value in options.items() if value is not None})


def check_names(settings: Settings) -> None:
    """A wrong name should stop the start, not every job. Raises ClickException."""
    check_strategy(settings)
    check_encoder(settings)
    check_image_encoder(settings)


def check_device(settings: Settings) -> None:
    """In a process of its own: what asks for a GPU cannot fork jobs any more that use one. Raises
    ClickException where the device is not there."""
    if settings.device in ("cpu", "auto"):
        return
    code = "import sys; from backend.learning.devices import found; found(sys.argv[1])"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    asked = [sys.executable, "-c", code, settings.device]
    done = subprocess.run(asked, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it cannot be asked for"])[-1]
        raise click.ClickException(f"DEVICE: {last.removeprefix('ValueError: ')}")


def check_strategy(settings: Settings) -> None:
    try:
        if not is_known_strategy(settings.strategy):
            from backend.sampling.registry import check_name

            check_name(settings.strategy)
    except ValueError as error:
        raise click.ClickException(f"STRATEGY: {error}") from error


def check_image_encoder(settings: Settings) -> None:
    """One that was named: without the default's weights all goes on but the projects of images."""
    if settings.image_encoder == Settings.model_fields["image_encoder"].default:
        return
    from backend.encoders.images import missing_for_images

    if (reason := missing_for_images(settings.image_encoder)) is not None:
        raise click.ClickException(f"IMAGE_ENCODER: {reason}")


def check_encoder(settings: Settings) -> None:
    try:
        if not is_known_encoder(settings.encoder):
            from backend.encoders.registry import find_encoder

            find_encoder(settings.encoder)
    except ValueError as error:
        raise click.ClickException(f"ENCODER: {error}") from error
