"""The commands that connect a project and test every link: connect, doctor."""

from __future__ import annotations

import os
import sys

import click

from backend.addresses import address_of_backend
from backend.commands.given import PROJECT, of_a_project, settings_with

_BACKEND = click.option(
    "--backend", metavar="URL", help="The web server, seen from here.  [default: HOST and PORT]"
)


@click.command()
@click.argument("url", required=False)
@of_a_project
@click.option("--wait", type=float, default=300, show_default=True, help="Seconds to wait for an order.")
@click.option(
    "--wraps",
    metavar="URL",
    help="Another ML backend, which WRAPPED_BACKENDS must name: its predictions are shown, in this backend's "
    "order, and it takes no part in Label Studio itself any more. `generation` has the model of "
    "GENERATION_MODEL write drafts for a <TextArea>. '' gives it its connection back.",
)
@click.option(
    "--tabs",
    is_flag=True,
    help="Also make tabs of the Data Manager, kept fresh: most uncertain, disputed, suspicious, audited.",
)
@click.option("--yes", is_flag=True, help="Replace the connection of what is wrapped without asking.")
@_BACKEND
def connect(
    url: str | None,
    project: int,
    wait: float,
    wraps: str | None,
    tabs: bool,
    yes: bool,
    backend: str | None,
) -> None:
    """Connect a Label Studio project to this backend, and prove that every road is open.

    URL is where Label Studio reaches the backend; BACKEND_URL when left out. Makes the connection, the
    webhook and the sampling; doing it again mends what is not as it should be. Run it while the backend
    runs, with its settings.
    """
    url = url or settings_with().backend_url
    if url is None:
        raise click.UsageError("give the URL at which Label Studio reaches this backend, or set BACKEND_URL")
    _check_address(url)

    from backend.doctor.commands import connect_project

    sys.exit(0 if connect_project(url, project, wait, backend, wraps, yes, tabs) else 1)


def _check_address(url: str) -> None:
    """Before what connects is imported, which takes seconds."""
    try:
        address_of_backend(url)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.argument("url", required=False)
@of_a_project
@click.option(
    "--delete-predictions",
    is_flag=True,
    help="Also delete our predictions, now or after an earlier `disconnect`. One by one: slow.",
)
def disconnect(url: str | None, project: int, delete_predictions: bool) -> None:
    """Take a project from this backend, and leave it as `connect` found it.

    Removes our connection and webhook, and restores sampling, model version, whether predictions are shown,
    the overlap of tasks that were opened again, and the connection of a backend that was wrapped. URL, where
    Label Studio reaches the backend, is needed only for a connection that was made by hand.
    Annotations are never touched; what is kept here stays, so that `connect` can go on from it.
    """
    if url is not None:
        _check_address(url)

    from backend.doctor.commands import disconnect_project

    disconnect_project(url, project, delete_predictions=delete_predictions)


@click.command()
@click.option("--project", type=PROJECT, help="Number of a project.  [default: all that are connected]")
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON, for scripts.")
@_BACKEND
def doctor(project: int | None, as_json: bool, backend: str | None) -> None:
    """Test every link and say, for each fault, the one thing to do. Exit code 1 when something is wrong.

    Run it where the backend runs, with its settings.
    """
    _see_demo()
    from backend.doctor.commands import diagnose

    sys.exit(0 if diagnose(project, as_json, backend) else 1)


def _see_demo() -> None:
    """Where nothing but a demo runs here, look at that; else say that it is left out."""
    from pydantic import ValidationError

    from backend.demo.kept import is_in_use, running

    try:
        settings = settings_with()
    except ValidationError:  # the check of the settings says so
        return
    demo = running(settings.data_dir)
    if demo is None:
        return
    if settings.label_studio_api_key is None and not is_in_use(settings.data_dir):
        os.environ.update(demo.environment)
        said = "This shell has no LABEL_STUDIO_API_KEY, and a demo runs: this is about the demo's backend."
    else:
        said = f"A demo runs beside, with its data in {settings.data_dir / 'demo'}. It is not looked at: "
        if settings.label_studio_api_key is None:
            said += f"`up` runs on {settings.data_dir} too, and this is about that one. Stop it first."
        else:
            said += "for that, leave LABEL_STUDIO_API_KEY unset."
    click.secho(said + "\n", err=True)
