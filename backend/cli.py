"""The command line: label-studio-atlas up | connect | doctor | serve | worker | cron | demo | ..."""

from __future__ import annotations

from typing import Any

import click
from pydantic import ValidationError

from backend import __version__
from backend.commands.connecting import connect, disconnect, doctor
from backend.commands.demo import demo
from backend.commands.encoder import encoder
from backend.commands.export import export
from backend.commands.generation import generation
from backend.commands.next import next_
from backend.commands.pages import pages
from backend.commands.predictions import predictions
from backend.commands.running import alive, cron, serve, up, worker
from backend.commands.second_opinions import second_opinions
from backend.commands.simulate import simulate
from backend.commands.suspects import suspects
from backend.commands.versions import versions
from backend.errors import AtlasError
from backend.lasting import end_quickly
from backend.printable import printable_lines
from backend.wrong_settings import wrong_settings


class Commands(click.Group):
    """Shows our own errors as a sentence, not as a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except AtlasError as error:
            raise click.ClickException(printable_lines(str(error))) from error
        except ValidationError as error:
            raise click.ClickException(f"a setting is wrong: {wrong_settings(error)}") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Live active learning for Label Studio Community Edition.

    \b
    Try it:       label-studio-atlas demo
    Use it:       export LABEL_STUDIO_URL=http://localhost:8080
                  export LABEL_STUDIO_API_KEY=...   (user icon > Account & Settings > Personal Access Token)
                  label-studio-atlas up
                  label-studio-atlas connect http://localhost:9090 --project 1
    Not working?  label-studio-atlas doctor

    Every setting is an environment variable; docs/settings.md lists them all.
    """
    end_quickly()


COMMANDS = (
    *(up, pages, connect, disconnect, doctor, alive, serve, worker, cron),
    *(demo, simulate, next_, versions, predictions, export, suspects, second_opinions),
    *(encoder, generation),
)
for command in COMMANDS:
    main.add_command(command)
