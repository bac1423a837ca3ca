"""The commands that run the backend's parts: up, serve, worker, cron, alive."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path

import click

from backend import logs
from backend.addresses import is_loopback
from backend.commands.given import check_device, check_names, settings_with
from backend.commands.pages import link_for, user_name
from backend.commands.warnings import warn, warn_of_label_studio
from backend.lasting import lasting
from backend.settings import Settings

_NEXT = """
Next: log in to Label Studio (its first user and password stand in docker/.env where compose started it),
make a project, import texts, and connect it, with the number from its page's address:

    docker compose exec web label-studio-atlas connect --project NUMBER

Without Docker leave out what stands before label-studio-atlas. It makes Label Studio ask at
{settings.backend_url}, and checks the whole way there and back; `doctor` in place of
`connect --project NUMBER` checks it again at any time, `pages` prints a link to the pages.
"""


@click.command()
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

    settings = settings_with(port=port, data_dir=data_dir)
    logs.configure(settings.log_level, "up", settings.log_format)
    check_names(settings)
    check_device(settings)
    with lock(settings.data_dir), Supervisor() as supervisor:
        supervisor.stop_on_signals()
        try:
            click.echo("Starting Redis, two workers, the clock and the web server ...")
            started = start_backend(supervisor, settings, inherited_environment())
            click.echo("All parts are running; Ctrl-C stops them.")
            warn(settings)
            if settings.label_studio_api_key is not None:
                warn_of_label_studio()
            click.echo(_connect_next(settings, port, data_dir))
            click.echo(link_to_pages(settings.model_copy(update={"redis_url": started["REDIS_URL"]})))
            supervisor.keep_running()
        except KeyboardInterrupt:
            click.echo("Stopping.")


def _connect_next(settings: Settings, port: int | None, data_dir: Path | None) -> str:
    """What to type after `up`. Its options are to be given again, since `connect` looks for this backend."""
    repeated = {"PORT": port, "DATA_DIR": data_dir}
    again = "".join(f"{name}={shlex.quote(str(value))} " for name, value in repeated.items() if value)
    here = is_loopback(settings.own_url) and settings.host not in ("0.0.0.0", "::")
    url = (
        settings.backend_url or f"http://{'localhost' if here else 'ADDRESS-OF-THIS-MACHINE'}:{settings.port}"
    )
    command = f"{again}label-studio-atlas connect {url} --project NUMBER"
    return f"Next, in a second terminal with the same variables, to connect a project:\n\n    {command}\n"


def link_to_pages(settings: Settings) -> str:
    """What `up` says of the pages. Redis may have died since its start: it is started again."""
    from redis import RedisError

    try:
        return f"To look at the pages, open once:\n\n    {link_for(settings, user_name())}\n"
    except RedisError as error:
        return f"To look at the pages, run `label-studio-atlas pages` (no link yet: {error}).\n"


@click.command()
@click.argument("part", type=click.Choice(["web", "worker", "cron"]))
def alive(part: str) -> None:
    """Tell whether a part runs on this machine: exit code 0 or 1, for Docker's health checks and the like."""
    from backend.running.alive import check_alive
    from backend.running.embedded_redis import with_running_redis

    click.echo(check_alive(part, with_running_redis(settings_with())))


@click.command()
@click.option("--port", type=int, help="Port to listen on.  [default: 9090, or PORT]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1, or HOST]")
def serve(port: int | None, host: str | None) -> None:
    """Run the web server alone (gunicorn). It needs Redis and, somewhere, a worker."""
    from backend.running.port import wait_for_port
    from backend.running.serve import serve as run_server

    settings = settings_with(port=port, host=host)
    warn(settings)
    wait_for_port(settings)
    click.echo(f"label-studio-atlas answers on http://{settings.bind}.")
    if settings.backend_url:
        click.echo(_NEXT.format(settings=settings))
    run_server(settings)


@click.command()
@click.option(
    "--only",
    type=click.Choice(["retrain", "upkeep", "encode", "tune"]),
    help="Do just this kind of work, so that short jobs never wait behind a retrain. Each kind encodes texts "
    "while it has nothing else to do.  [default: all]",
)
def worker(only: str | None) -> None:
    """Run one RQ worker: it trains, ranks and publishes.

    TERM lets the running job finish; a second one stops it, and the next worker does it.
    """
    settings = settings_with()
    check_names(settings)
    check_device(settings)
    logs.configure(settings.log_level, only or "worker", settings.log_format)
    warn(settings)
    from backend.running.supervisor import die_with_parent

    # A worker that is killed must not leave its job's process behind, nor its scheduler's.
    os.register_at_fork(after_in_child=die_with_parent)
    with lasting():
        from backend.jobs.starting import prepare
        from backend.jobs.worker import create_worker
    prepare(settings)
    with lasting():
        made = create_worker(settings, only)
    made.work(with_scheduler=True, logging_level="WARNING")
    _end_at_once()


def _end_at_once() -> None:
    """Without taking the interpreter apart: with torch in it that was seen to take longer than Docker waits
    on a busy machine, for a worker that had done its job."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@click.command()
def cron() -> None:
    """Run RQ's cron: every RECONCILE_EVERY seconds, look for what no webhook told of."""
    settings = settings_with()
    logs.configure(settings.log_level, "cron", settings.log_format)
    from backend.jobs.cron import create_cron

    create_cron(settings).run()
