"""What `label-studio-atlas doctor` and `connect` do and print."""

from __future__ import annotations

import sys
import time

import click

from backend.connecting import NotConnected, backend_address, connect, wait_for_order
from backend.disconnecting import Disconnecting
from backend.doctor.bench import Bench
from backend.doctor.checks import run
from backend.doctor.examine import all_is_well, examine, examine_project
from backend.doctor.finding import Finding, State
from backend.doctor.report import Printer, as_json, print_finding, print_findings, print_verdict
from backend.errors import AtlasError
from backend.generation.named import GENERATION
from backend.jobs.project_tabs import TITLES, want_tabs
from backend.labelstudio.project import Project
from backend.store.bucket import wait_briefly
from backend.store.locations import project_files
from backend.store.wrapped_access import read_access
from backend.wrapping import wrapping_of
from backend.writing import writing_of

STARTING = {"backend", "worker", "upkeep", "cron"}
STARTS_WITHIN = 30
"""Seconds; workers have more to import than the web server, whose first answer ends `up`'s start."""


def diagnose(project_id: int | None, json: bool, backend_url: str | None) -> bool:
    """Print what all checks found, each as soon as it is done; returns whether all is well."""
    wait_briefly()
    with Bench(backend_url) as bench:
        if json:
            findings = examine(bench, project_id)
            click.echo(as_json(findings))
        else:
            findings = examine(bench, project_id, Printer())
            print_verdict(findings)
    return all_is_well(findings)


def connect_project(
    url: str,
    project_id: int,
    wait: float,
    backend_url: str | None,
    wraps: str | None = None,
    yes: bool = False,
    tabs: bool = False,
) -> bool:
    """Connect and check the whole way back, line by line; returns whether all is well.

    wraps: another ML backend's address, GENERATION for the model that is named, "" to give it back, None to
    leave that; yes: nobody is asked; tabs: the Data Manager gets tabs.
    Raises AtlasError, having changed nothing, when Label Studio refuses.
    """
    url = backend_address(url)
    wait_briefly()
    with Bench(backend_url) as bench:
        general = _once_started(bench)
        if not all_is_well(general):
            print_findings([finding for finding in general if finding.state is not State.OK])
            click.echo("\nNothing was changed: mend this first.")
            return False
        click.secho(f"Connecting project {project_id}", bold=True)
        renewed = _connected(bench, url, project_id, wraps, yes)
        if tabs:
            _make_tabs(bench, project_id)
        click.secho("\nWaiting for the order of the tasks", bold=True)
        version = wait_for_order(bench, project_id, wait, renewed=renewed)
        _say("order", *said_of_order(version, bench.label_studio.project(project_id)))
        click.secho("\nChecking the way there and back", bold=True)
        findings = examine_project(bench, project_id, general, print_finding)
        print_verdict(findings)
        if all_is_well(findings):
            click.echo(what_next(bench.label_studio.project(project_id)))
        return all_is_well(findings)


def _connected(bench: Bench, url: str, project_id: int, wraps: str | None, yes: bool) -> bool:
    """Returns whether a retrain was asked for."""
    if wraps is None:
        return connect(bench, url, project_id, _say)
    if wraps.strip() == GENERATION:
        wrapping = writing_of(bench, project_id, read_access(project_files(bench.settings, project_id)))
    else:
        wrapping = wrapping_of(bench, url, project_id, wraps, _credentials, _say)
    if wrapping.in_words and not yes:
        click.echo(f"\nLabel Studio has {wrapping.in_words}. This backend takes that place.")
        if not click.confirm("Replace it? `connect --wraps ''` gives it back", default=False):
            raise NotConnected("nothing was changed")
    wrapping.begin()
    try:
        renewed = connect(bench, url, project_id, _say, wrapping.more, wrapping.theirs)
    except AtlasError:
        wrapping.undo()
        raise
    wrapping.finish(_say)
    return renewed


def _credentials(url: str) -> tuple[str, str] | None:
    """Typed by a person; None where none is there."""
    if not sys.stdin.isatty():
        return None
    click.echo(f"{url} wants a user and a password.")
    return click.prompt("User"), click.prompt("Password", hide_input=True)


def _make_tabs(bench: Bench, project_id: int) -> None:
    """A worker fills them, now and after each retrain."""
    want_tabs(project_files(bench.settings, project_id))
    bench.dispatcher.request_study(project_id)
    _say("tabs", f"are being made: {', '.join(TITLES)}")


def disconnect_project(url: str | None, project_id: int, *, delete_predictions: bool) -> None:
    """Leave the project as `connect` found it, line by line. Raises AtlasError, with what to do."""
    wait_briefly()
    with Bench() as bench:
        click.secho(f"Disconnecting project {project_id}", bold=True)
        work = Disconnecting(bench.settings, bench.dispatcher, bench.label_studio, project_id, _say)
        work.run(url, delete_predictions=delete_predictions)
    click.echo("Its annotations are as they were. `connect` brings all of it back.")


def said_of_order(version: str | None, project: Project) -> tuple[str, State]:
    """version: the one that the project follows now; None where it did not come."""
    if version is not None:
        return f"{version} is published", State.OK
    if project.is_finished:
        return "none while no task waits for a label", State.OK
    return "there is no new one yet; see below", State.NOTE


def what_next(project: Project) -> str:
    """For the person who has connected it."""
    if not project.task_count:
        return "Now import tasks: their first order follows by itself."
    if project.is_finished:
        return "All tasks are labelled. Import more: they are put in order by themselves."
    return 'Now press "Label All Tasks" on the project\'s page in Label Studio.'


def _once_started(bench: Bench) -> list[Finding]:
    """The checks of the installation. Where Redis runs, what is missing beside it may just be starting."""
    deadline = time.monotonic() + STARTS_WITHIN
    waited = False
    while True:
        general = run(False, bench)
        missing = {finding.check for finding in general if finding.state is not State.OK}
        if not missing & STARTING or "Redis" in missing or time.monotonic() > deadline:
            return general
        if not waited:
            click.echo(
                f"Not all parts of the backend are there yet; waiting up to {STARTS_WITHIN} s for them.\n"
            )
            waited = True
        time.sleep(1)


def _say(what: str, done: str, state: State = State.OK) -> None:
    print_finding(Finding(state, done, check=what))
