"""What is worth a warning when a part starts: it runs all the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import Thread

import click

from backend.addresses import is_loopback
from backend.errors import NotConfigured
from backend.near_misses import near_misses
from backend.running import WITHIN
from backend.settings import Settings


def warn(settings: Settings) -> None:
    """Print them, unless this is a part of something that has."""
    if WITHIN not in os.environ:
        for warning in warnings_of(settings, os.environ):
            _print(warning)


def warnings_of(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    found = [
        f"{name} is no setting and changes nothing; {meant} is probably meant."
        for name, meant in near_misses(environ).items()
    ]
    if not is_loopback(f"http://{settings.bind}") and settings.basic_auth is None:
        found.append(
            f"whoever reaches port {settings.port} of this machine may ask for predictions and start "
            "retrains: set BASIC_AUTH_USER and BASIC_AUTH_PASS (and run `connect` again), or close the port."
        )
    try:
        settings.api_key  # noqa: B018
    except NotConfigured as missing:
        found.append(str(missing))
    return found


def warn_of_label_studio() -> Thread:
    """Ask, beside whatever goes on, whether Label Studio answers and takes the key; print why not."""
    thread = Thread(target=_ask_label_studio, name="Label Studio", daemon=True)
    thread.start()
    return thread


def _ask_label_studio() -> None:
    import backend.doctor.examine  # noqa: F401  registers the checks
    from backend.doctor.bench import Bench
    from backend.doctor.checks import CHECKS, made
    from backend.doctor.finding import State

    with Bench() as bench:
        for check in ("Label Studio", "API key"):
            finding = made(CHECKS[check], bench)
            if finding.state is State.WRONG:
                _print(f"{finding.found}. {finding.remedy}")
                return


def _print(warning: str) -> None:
    click.secho(f"Warning: {warning}", fg="yellow", err=True)
