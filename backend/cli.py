"""The command line: label-studio-atlas up | connect | doctor | serve | worker | cron | demo | ..."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from backend import __version__, logs
from backend.cli_versions import versions
from backend.errors import AtlasError, NotConfigured
from backend.settings import Settings


class Commands(click.Group):
    """Shows our own errors as a sentence, not as a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except AtlasError as error:
            raise click.ClickException(str(error)) from error
        except ValidationError as error:
            problems = "; ".join(f"{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
            raise click.ClickException(f"a setting is wrong: {problems}") from error


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


@main.command()
@click.option("--port", type=int, help="Port of the web server.  [default: 9090, or PORT]")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where models are kept.  [default: DATA_DIR]"
)
def up(port: int | None, data_dir: Path | None) -> None:
    """Run everything on this machine: Redis, web server and worker.

    Uses the Redis at REDIS_URL if that is set, and its own otherwise. Ctrl-C stops all of it. A part
    that dies is started again.
    """
    from backend.running.backend import inherited_environment, lock, start_backend
    from backend.running.supervisor import Supervisor

    settings = _settings(port=port, data_dir=data_dir)
    logs.configure(settings.log_level, "up", settings.log_format)
    _check_names(settings)
    with lock(settings.data_dir), Supervisor() as supervisor:
        supervisor.stop_on_signals()
        try:
            click.echo("Starting Redis, two workers, the clock and the web server ...")
            start_backend(supervisor, settings, inherited_environment())
            click.echo("All parts are running; Ctrl-C stops them.")
            _warn_without_key(settings)
            click.echo(_connect_next(settings, port, data_dir))
            supervisor.keep_running()
        except KeyboardInterrupt:
            click.echo("Stopping.")


def _connect_next(settings: Settings, port: int | None, data_dir: Path | None) -> str:
    """What to type after `up`. Its options are to be given again, since `connect` looks for this backend."""
    repeated = {"PORT": port, "DATA_DIR": data_dir}
    again = "".join(f"{name}={shlex.quote(str(value))} " for name, value in repeated.items() if value)
    here = settings.host in ("127.0.0.1", "localhost")
    url = (
        settings.backend_url or f"http://{'localhost' if here else 'ADDRESS-OF-THIS-MACHINE'}:{settings.port}"
    )
    command = f"{again}label-studio-atlas connect {url} --project NUMBER"
    return f"Next, in a second terminal with the same variables, to connect a project:\n\n    {command}\n"


_NEXT = """
Next: log in to Label Studio (its first user and password stand in docker/.env where compose started it),
make a project, import texts, and connect it, with the number from its page's address:

    docker compose exec web label-studio-atlas connect --project NUMBER

Without Docker leave out what stands before label-studio-atlas. It makes Label Studio ask at
{settings.backend_url}, and checks the whole way there and back; `doctor` in place of
`connect --project NUMBER` checks it again at any time.
"""

_BACKEND = click.option(
    "--backend", metavar="URL", help="The web server, seen from here.  [default: HOST and PORT]"
)


@main.command()
@click.argument("url", required=False)
@click.option("--project", type=int, required=True, help="Number of the project, as in its page's address.")
@click.option("--wait", type=float, default=300, show_default=True, help="Seconds to wait for an order.")
@_BACKEND
def connect(url: str | None, project: int, wait: float, backend: str | None) -> None:
    """Connect a Label Studio project to this backend, and prove that every road is open.

    URL is where Label Studio reaches the backend; BACKEND_URL when left out. Makes the connection, the
    webhook and the sampling; doing it again mends what is not as it should be. Run it while the backend
    runs, with its settings.
    """
    from backend.doctor.commands import connect_project

    url = url or _settings().backend_url
    if url is None:
        raise click.UsageError("give the URL at which Label Studio reaches this backend, or set BACKEND_URL")
    sys.exit(0 if connect_project(url, project, wait, backend) else 1)


@main.command()
@click.option("--project", type=int, help="Number of a project.  [default: all that are connected]")
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON, for scripts.")
@_BACKEND
def doctor(project: int | None, as_json: bool, backend: str | None) -> None:
    """Test every link and say, for each fault, the one thing to do. Exit code 1 when something is wrong.

    Run it where the backend runs, with its settings.
    """
    from backend.doctor.commands import diagnose

    sys.exit(0 if diagnose(project, as_json, backend) else 1)


@main.command()
@click.argument("part", type=click.Choice(["web", "worker", "cron"]))
def alive(part: str) -> None:
    """Tell whether a part runs on this machine: exit code 0 or 1, for Docker's health checks and the like."""
    from backend.running.alive import check_alive
    from backend.running.embedded_redis import with_running_redis

    click.echo(check_alive(part, with_running_redis(_settings())))


@main.command()
@click.option("--port", type=int, help="Port to listen on.  [default: 9090, or PORT]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1, or HOST]")
def serve(port: int | None, host: str | None) -> None:
    """Run the web server alone (gunicorn). It needs Redis and, somewhere, a worker."""
    from backend.running.serve import serve as run_server

    settings = _settings(port=port, host=host)
    _warn_without_key(settings)
    click.echo(f"label-studio-atlas answers on http://{settings.host}:{settings.port}.")
    if settings.backend_url:
        click.echo(_NEXT.format(settings=settings))
    run_server(settings)


@main.command()
@click.option(
    "--only",
    type=click.Choice(["retrain", "upkeep"]),
    help="Do just this kind of work, so that short jobs never wait behind a retrain.  [default: both]",
)
def worker(only: str | None) -> None:
    """Run one RQ worker: it trains, ranks and publishes.

    TERM lets the running job finish; a second one stops it, and the next worker does it.
    """
    settings = _settings()
    _check_names(settings)
    logs.configure(settings.log_level, only or "worker", settings.log_format)
    from backend.jobs.worker import create_worker
    from backend.running.supervisor import die_with_parent

    # A worker that is killed must not leave its job's process behind, nor its scheduler's.
    os.register_at_fork(after_in_child=die_with_parent)
    create_worker(settings, only).work(with_scheduler=True, logging_level="WARNING")


@main.command()
def cron() -> None:
    """Run RQ's cron: every RECONCILE_EVERY seconds, look for what no webhook told of."""
    settings = _settings()
    logs.configure(settings.log_level, "cron", settings.log_format)
    from backend.jobs.cron import create_cron

    create_cron(settings).run()


@main.command()
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV (or .csv.gz) with the columns text,label.  [default: 800 headlines, some on disasters]",
)
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
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write rounds, served tasks and the curve's path here.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the held-out split.")
def demo(**options: Any) -> None:
    """Watch a real Label Studio queue re-order itself.

    Installs Label Studio into an environment of its own (once), starts it beside this backend, imports
    texts whose labels are known, and lets simulated annotators label what Label Studio serves them.
    """
    from backend.demo.run import DemoOptions, run

    settings = _settings(strategy=options["strategy"])
    _check_names(settings)
    run(DemoOptions(**{**options, "strategy": settings.strategy}))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--strategies", help="Query strategies, separated by commas.  [default: random,margin,auto]")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="How many seeds.")
@click.option("--batch", type=click.IntRange(min=1), default=20, show_default=True, help="Labels per round.")
@click.option(
    "--start", type=click.IntRange(min=1), default=20, show_default=True, help="Random labels first."
)
@click.option(
    "--budget", type=click.IntRange(min=2), default=300, show_default=True, help="Labels in all, at most."
)
@click.option("--encoder", help="Text encoder.  [default: ENCODER]")
@click.option(
    "--held-out",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of each class to measure on, up to 2000 texts in all.",
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
@click.option("--force", is_flag=True, help="Write into a folder that holds other things, too.")
@click.option("--text-field", help="Field, or CSV column, of the text.  [default: text, or the only one]")
@click.option(
    "--control", help="Choices control, or CSV column, of the label.  [default: label, or the only one]"
)
def simulate(strategies: str | None, seeds: int, seed: int, encoder: str | None, **options: Any) -> None:
    """See offline which query strategy pays on your own labelled data.

    FILE is a CSV with the columns text,label or a project's JSON export (.json), either also as .gz.
    Labelling is replayed for each strategy and seed; a report, the curves and a summary are written.
    Exit code 1 when a strategy failed and had to be left out.
    """
    from backend.simulate.plan import Plan, parse_strategies
    from backend.simulate.run import SimulateOptions, run

    try:
        names = parse_strategies(strategies)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--strategies") from error
    settings = _settings(encoder=encoder)
    _check_encoder(settings)
    plan_options = {name: options.pop(name) for name in ("batch", "start", "budget", "held_out")}
    plan = Plan(
        strategies=names, seeds=tuple(range(seed, seed + seeds)), encoder=settings.encoder, **plan_options
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing half-written is left
    if run(SimulateOptions(**options), plan).failures:
        raise SystemExit(1)


main.add_command(versions)


def _settings(**given: Any) -> Settings:
    """Options of the command line win over the environment."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


def _check_names(settings: Settings) -> None:
    """A wrong name should stop the start, not every job."""
    from backend.sampling.registry import check_name

    try:
        check_name(settings.strategy)
    except ValueError as error:
        raise click.ClickException(f"STRATEGY: {error}") from error
    _check_encoder(settings)


def _check_encoder(settings: Settings) -> None:
    from backend.learning.encoders import find_encoder

    try:
        find_encoder(settings.encoder)
    except ValueError as error:
        raise click.ClickException(f"ENCODER: {error}") from error


def _warn_without_key(settings: Settings) -> None:
    try:
        settings.api_key  # noqa: B018
    except NotConfigured as missing:
        click.secho(f"Warning: {missing}", fg="yellow", err=True)
