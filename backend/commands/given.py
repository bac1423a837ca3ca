"""What the commands are given: options and the environment, checked before anything heavy is imported."""

from __future__ import annotations

from typing import Any

import click

from backend.names import is_known_encoder, is_known_strategy
from backend.settings import Settings


def settings_with(**options: Any) -> Settings:
    """The settings; options that were given win over the environment."""
    return Settings(**{name: value for name, value in options.items() if value is not None})


def check_names(settings: Settings) -> None:
    """A wrong name should stop the start, not every job. Raises ClickException."""
    check_strategy(settings)
    check_encoder(settings)


def check_strategy(settings: Settings) -> None:
    try:
        if not is_known_strategy(settings.strategy):
            from backend.sampling.registry import check_name

            check_name(settings.strategy)
    except ValueError as error:
        raise click.ClickException(f"STRATEGY: {error}") from error


def check_encoder(settings: Settings) -> None:
    try:
        if not is_known_encoder(settings.encoder):
            from backend.encoders.registry import find_encoder

            find_encoder(settings.encoder)
    except ValueError as error:
        raise click.ClickException(f"ENCODER: {error}") from error
